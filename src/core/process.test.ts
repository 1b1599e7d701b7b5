import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { processIdentity, processState } from "./process.js";

test("this process is alive, by an identity fit for a file name", () => {
  const identity = processIdentity();
  expect(identity).toMatch(/^\d+-[0-9a-z]+-[0-9a-f]{8}-[0-9a-f]{8}$/);
  expect(processState(identity)).toBe("alive");
});

test.runIf(process.platform === "linux")(
  "a reused pid, another boot and another machine are told apart",
  () => {
    const [pid, start, place, boot] = processIdentity().split("-");
    expect(processState([pid, `${Number(start) - 1}`, place, boot].join("-")), "pid reused").toBe("gone");
    expect(processState([pid, start, place, "00000000"].join("-")), "booted since").toBe("gone");
    expect(processState([pid, start, "00000000", boot].join("-")), "other machine").toBe("elsewhere");
  },
);

test.each(["", "1234", "../x-1-2-3", "op_training_1"])("%j is nobody's identity", (text) => {
  expect(processState(text)).toBe("elsewhere");
});

test("a killed process is gone", async () => {
  const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
  await once(child, "spawn");
  const [, , place, boot] = processIdentity().split("-");
  const identity = [child.pid, "x", place, boot].join("-");
  expect(processState(identity)).toBe("alive");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(processState(identity)).toBe("gone");
});
