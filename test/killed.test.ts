import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { BarStore, ModelStorage, OperationStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { startCommand } from "./command.js";
import { send } from "./http.js";
import { strategyText } from "./journey-strategies.js";
import { latencyText } from "./latencies.js";
import { rounds } from "./rounds.js";

const folder = mkdtempSync(join(tmpdir(), "ktrdr-killed-"));
const dataFolder = join(folder, "data");

beforeAll(async () => {
  writeFileSync(join(folder, "journey.yaml"), strategyText());
  await new BarStore(dataFolder).save(makeBars());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A service in a process of its own. */
async function startService(home: string, args: readonly string[], env: Record<string, string> = {}) {
  const run = startCommand(home, [...args, "--port", "0", "--data-dir", dataFolder], env);
  onTestFinished(() => void run.child.kill("SIGKILL"));
  const url = await new Promise<string>((resolve, reject) => {
    run.child.stderr?.on("data", () => {
      const found = /Listening on (\S+)/.exec(run.stderr())?.[1];
      if (found !== undefined) resolve(found);
    });
    void run.done.then(({ stderr }) => reject(new Error(stderr)));
  });
  return { ...run, url };
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const from = performance.now(); !(await isSo());) {
    if (performance.now() - from > 60_000) throw new Error(`not within a minute: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const victims = ["command line", "backend", "host"] as const;

test.each(victims)(
  "the %s killed at any moment of a training on the host: the others notice, and end in true states",
  async (victim) => {
    const noticed: number[] = [];
    for (let k = 0; k < rounds(50, 1); k++) {
      const home = mkdtempSync(join(folder, "home-"));
      const modelsFolder = join(home, "models");
      const host = await startService(home, ["host", "start"]);
      const backend = await startService(home, ["serve"], { TRAINING_HOST_SERVICE_URL: host.url });
      const args = [
        "models",
        "train",
        "--strategy",
        "../journey.yaml",
        "--mode",
        "host",
        "--epochs",
        "1000000",
      ];
      const asker = startCommand(home, args, { KTRDR_API_URL: backend.url });
      onTestFinished(() => void asker.child.kill("SIGKILL"));
      await until("started", () => /^Operation \S+/m.test(asker.stderr()));
      const id = /Operation (\S+)/.exec(asker.stderr())?.[1] as string;
      const onHost = async () => (await send(host.url, "GET", `/training/status/${id}`)).body;
      await until("on the host", async () => (await onHost()).status === "running");
      await new Promise((resolve) => setTimeout(resolve, (k * 37) % 700));

      const at = performance.now();
      ({ "command line": asker, backend, host })[victim].child.kill("SIGKILL");
      if (victim !== "host") {
        // Asked of the service's list, which does not count as following the run.
        const listed = async () =>
          (await send(host.url, "GET", "/training/sessions")).body.sessions[0].status as string;
        await until("the host's session is over", async () => (await listed()) === "cancelled");
      }
      if (victim !== "backend") {
        const operations = async () =>
          (await send(backend.url, "GET", "/api/v1/operations")).body.data[0] as {
            status: string;
            error: { code: string } | null;
          };
        await until("the backend's operation is over", async () => (await operations()).status !== "running");
        const { status, error } = await operations();
        expect([status, error?.code]).toEqual(
          victim === "host" ? ["failed", "HOST_LOST"] : ["cancelled", undefined],
        );
      }
      if (victim !== "command line") {
        const { status, stderr } = await asker.done;
        expect([status, stderr]).toEqual([1, expect.stringMatching(/error: .*was lost while it ran/)]);
      }
      noticed.push(performance.now() - at);

      for (const service of [host, backend]) service.child.kill("SIGTERM");
      await Promise.all([host.done, backend.done, asker.done]);
      const store = new OperationStore(join(home, ".ktrdr", "operations.db"));
      const { status, error } = store.get(id);
      store.close();
      expect([status, error?.code]).toEqual(
        {
          "command line": ["cancelled", undefined],
          backend: ["failed", "INTERRUPTED"],
          host: ["failed", "HOST_LOST"],
        }[victim],
      );
      expect(new ModelStorage(modelsFolder).list()).toEqual([]);
      const strategyFolder = join(modelsFolder, "journey");
      // What a killed host was saving is removed by the next host or run.
      if (victim !== "host" && existsSync(strategyFolder)) {
        expect(readdirSync(strategyFolder).filter((name) => name.startsWith(".tmp-"))).toEqual([]);
      }
    }
    process.stdout.write(`${victim} killed, noticed by the others: ${latencyText(noticed)}\n`);
  },
  3_600_000,
);
