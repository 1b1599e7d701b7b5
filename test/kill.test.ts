import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BarStore, createRandom, ModelStorage, OperationStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { runCommand, startCommand } from "./command.js";
import { strategyText } from "./journey-strategies.js";
import { rounds } from "./rounds.js";

const home = mkdtempSync(join(tmpdir(), "ktrdr-kill-"));
const folder = join(home, "models", "journey");
const trainArguments = ["models", "train", "--strategy", "journey.yaml", "--symbols", "SYN1"];

beforeAll(async () => {
  // Many small epochs and a wide last layer: enough training to be killed in, and files that take some time to write.
  const model = `
  architecture: { hidden_layers: [64, 512], activation: relu, dropout: 0.1 }
  training: { epochs: 6, batch_size: 64, learning_rate: 0.003 }`;
  writeFileSync(join(home, "journey.yaml"), strategyText({ model }));
  await new BarStore(join(home, "data")).save(makeBars({ count: 400 }));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

function published(): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => !name.startsWith(".")) : [];
}

test("a run that is killed at any moment leaves no half model, and the next run gets the next free version", async () => {
  const startedAt = performance.now();
  const first = await runCommand(home, trainArguments);
  expect(first.status, first.stderr).toBe(0);
  const wholeMs = performance.now() - startedAt;
  const storage = new ModelStorage(join(home, "models"));
  const random = createRandom(1, "kill");
  const killed = { before: 0, whileRunning: 0, afterwards: 0 };
  const count = rounds(100, 6);
  for (let k = 0; k < count; k++) {
    const run = startCommand(home, trainArguments);
    // Half of the kills fall into the last fifth of a run, where the model is written.
    const share = k % 2 === 0 ? random.uniform() : 0.8 + 0.25 * random.uniform();
    const timer = setTimeout(() => run.child.kill("SIGKILL"), share * wholeMs);
    const { signal } = await run.done;
    clearTimeout(timer);
    const id = /Operation (\S+)/.exec(run.stderr())?.[1];
    const store = new OperationStore(join(home, ".ktrdr", "operations.db"));
    if (signal === null) {
      killed.afterwards++;
    } else if (id === undefined) {
      killed.before++;
    } else {
      killed.whileRunning++;
      const { status, error } = store.get(id);
      if (status !== "completed") {
        expect(status, `operation ${id}`).toBe("failed");
        expect(error).toMatchObject({ code: "INTERRUPTED" });
      }
    }
    expect(store.list().filter(({ status }) => status === "running" || status === "pending")).toEqual([]);
    store.close();
    for (const name of published()) storage.load(`journey/${name}`); // throws for a model that is not whole
  }
  const versions = published().map((name) => Number(/_v(\d+)$/.exec(name)?.[1]));
  const last = await runCommand(home, [...trainArguments, "--json"]);
  expect(last.status, last.stderr).toBe(0);
  const { model_name: name } = JSON.parse(last.stdout) as { model_name: string };
  expect(name).toBe(`journey/1d_v${Math.max(...versions) + 1}`);
  expect(
    readdirSync(folder).filter((entry) => entry.startsWith(".tmp-")),
    "left by killed runs",
  ).toEqual([]);
  process.stdout.write(
    `kill -9: ${killed.whileRunning} while running, ${killed.before} before the operation was recorded, ` +
      `${killed.afterwards} after the end; ${versions.length} whole models, none damaged\n`,
  );
}, 3_600_000);

test("two runs at once both end well, under different versions", async () => {
  const results = await Promise.all([1, 2].map(() => runCommand(home, [...trainArguments, "--json"])));
  const names = results.map(({ status, stdout, stderr }) => {
    expect(status, stderr).toBe(0);
    return (JSON.parse(stdout) as { model_name: string }).model_name;
  });
  expect(new Set(names).size).toBe(2);
});
