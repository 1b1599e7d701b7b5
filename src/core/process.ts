import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { codeOf } from "./errors.js";
import { sha256 } from "./hash.js";

/** What is known about a process from its identity: `elsewhere` is another machine or container, or no identity. */
export type ProcessState = "alive" | "gone" | "elsewhere";

const form = /^(\d{1,10})-([0-9a-z]+)-([0-9a-f]{8})-([0-9a-f]{8})$/;

let own: string | undefined;
let ownPlace: string | undefined;
let ownBoot: string | undefined;

/**
 * An identity that no other process has or will have: `<pid>-<start>-<place>-<boot>`, fit for a file name.
 *
 * A pid alone is given again to a later process, so `start` tells when this one began: on Linux in clock ticks since
 * the boot, on macOS in seconds; "x" where the system does not tell quickly (Windows: a reused pid then looks alive,
 * which delays a clean-up and breaks nothing). `place` is the machine and its pid namespace: a shared folder shows the
 * processes of others.
 */
export function processIdentity(): string {
  own ??= [process.pid, startOf(process.pid) ?? "x", place(), boot()].join("-");
  return own;
}

/** Whether the process with this identity still runs; one that only waits to be reaped is gone. */
export function processState(identity: string): ProcessState {
  // A service is asked for its own runs by every poll: with ten of them and fifty that poll, asking the system took 42 % of its thread's time.
  if (identity === processIdentity()) return "alive";
  const match = form.exec(identity);
  if (match === null) return "elsewhere";
  const [, pidText, start, itsPlace, itsBoot] = match;
  if (itsPlace !== place()) return "elsewhere";
  if (itsBoot !== boot()) return "gone";
  const pid = Number(pidText);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return "gone";
  }
  const found = startOf(pid);
  if (found === "dead") return "gone";
  return found === undefined || start === "x" || found === start ? "alive" : "gone";
}

/** When a process began; undefined where that cannot be seen, "dead" for one that has ended. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      // The second field, the program's name, may hold spaces and brackets; the state follows the last bracket.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" || fields[0] === "X" ? "dead" : fields[19];
    }
    if (process.platform === "darwin") {
      const options = { encoding: "utf8", env: { LC_ALL: "C", TZ: "UTC" } } as const;
      // Loaded where it is needed: only here, and each start of a thread would pay for it.
      const { execFileSync } = process.getBuiltinModule("node:child_process");
      const text = execFileSync("/bin/ps", ["-o", "stat=,lstart=", "-p", String(pid)], options).trim();
      const [state, ...date] = text.split(/\s+/);
      return state.startsWith("Z") ? "dead" : String(Date.parse(`${date.join(" ")} UTC`) / 1000);
    }
  } catch {
    // Gone in this moment, or hidden from us: `process.kill` has the last word.
  }
  return undefined;
}

function place(): string {
  ownPlace ??= short(`${hostname()} ${read(() => readlinkSync("/proc/self/ns/pid"))}`);
  return ownPlace;
}

function boot(): string {
  ownBoot ??= short(read(() => readFileSync("/proc/sys/kernel/random/boot_id", "latin1")));
  return ownBoot;
}

function read(source: () => string): string {
  if (process.platform !== "linux") return "";
  try {
    return source();
  } catch {
    return "";
  }
}

function short(text: string): string {
  return sha256(text).slice(0, 8);
}
