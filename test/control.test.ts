import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BarStore, type Verdict } from "../src/index.js";
import { runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";
import { barsWithMemory, oneBarBack } from "./memory-bars.js";

const home = mkdtempSync(join(tmpdir(), "ktrdr-control-"));
beforeAll(async () => {
  mkdirSync(join(home, "config", "strategies"), { recursive: true });
  writeFileSync(
    join(home, "config", "strategies", "one_back.yaml"),
    strategyText({ name: "one_back", ...oneBarBack }),
  );
  const store = new BarStore(join(home, "data"));
  await store.save(barsWithMemory("SYN1", 0.3, 3000, 1));
  await store.save(barsWithMemory("SYN2", 0.3, 3000, 2));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Trained {
  model_name: string;
  test_metrics: { test_accuracy: number };
  verdict: Verdict;
  leak_receipt: object;
  control?: {
    type: string;
    blocks: Record<string, number>;
    runs: { seed: number; test_accuracy: number; difference: number }[];
    mean: { runs: number; accuracy: number; difference: number };
  };
}

async function json<T>(...line: string[]): Promise<T> {
  const { status, out, err } = await runHere(home, [...line, "--json"]);
  expect(status, err).toBe(0);
  return JSON.parse(out) as T;
}
const train = (...more: string[]): Promise<Trained> =>
  json("models", "train", "--strategy", "one_back", "--symbols", "SYN1", "SYN2", ...more);

test("controls on shuffled labels run beside the training, change nothing of it, and are worse than a planted edge", async () => {
  const alone = await train();
  const beside = await train("--control", "shuffled");
  expect(alone.control).toBeUndefined();
  expect(beside.test_metrics).toEqual(alone.test_metrics);
  const { control } = beside;
  expect(control).toMatchObject({ type: "shuffled", mean: { runs: 3 } });
  expect(Object.keys(control!.blocks)).toEqual(["SYN1", "SYN2"]);
  expect(new Set(control!.runs.map(({ seed }) => seed)).size).toBe(3);
  const mean = control!.runs.reduce((sum, { difference }) => sum + difference, 0) / 3;
  expect(control!.mean.difference).toBeCloseTo(mean, 12);
  expect(beside.verdict).toMatchObject({ significant: true, trials: 2, interval: alone.verdict.interval });
  expect(beside.verdict.statement).toMatch(
    /evidence of skill\. Controls that learnt from shuffled labels \(3\)/,
  );
  const shown = await json<{ verdict: Verdict; leak_receipt: object }>("models", "show", beside.model_name);
  expect(shown.verdict).toEqual(beside.verdict);
  expect(shown.leak_receipt).toEqual(beside.leak_receipt);
});

test("each run on the same data counts as a trial: stopped and failed ones, each of several seeds, and not those on other symbols", async () => {
  const { verdict } = await train("--epochs", "1");
  const { status } = await runHere(home, [
    "models",
    "train",
    "--strategy",
    "one_back",
    "--symbols",
    "SYN1",
    "--start-date",
    "2027-01-01",
    "--end-date",
    "2027-01-05",
  ]);
  expect(status, "no test bars in five days").toBe(1);
  const seeds = await json<{ runs: Trained[] }>(
    "models",
    "train",
    "--strategy",
    "one_back",
    "--symbols",
    "SYN1",
    "--seeds",
    "2",
    "--epochs",
    "1",
  );
  // The failed run, and two seeds.
  expect(seeds.runs.map((run) => run.verdict.trials)).toEqual([verdict.trials + 3, verdict.trials + 3]);
  const other = await json<Trained>(
    "models",
    "train",
    "--strategy",
    "one_back",
    "--symbols",
    "SYN3",
    "--epochs",
    "1",
  ).catch(() => null);
  expect(other, "SYN3 has no bars").toBeNull();
  const tested = await json<{ verdict: Verdict }>(
    "models",
    "test",
    "one_back",
    "--symbol",
    "SYN2",
    "--timeframe",
    "1d",
  );
  // SYN2 was part of the runs on both.
  expect(tested.verdict.trials).toBe(verdict.trials);
  expect(tested.verdict).toMatchObject({ significant: false, deflated_sharpe: null });
});

test("an unknown control, or one on a host, is wrong usage", async () => {
  expect((await runHere(home, ["models", "train", "--strategy", "one_back", "--control", "x"])).status).toBe(
    2,
  );
  const host = ["models", "train", "--strategy", "one_back", "--control", "shuffled", "--mode", "host"];
  expect((await runHere(home, host)).status).toBe(2);
});

test("models diff: what differs in configuration, figures and answers, and what does not", async () => {
  interface Diff {
    config: { path: string; a: unknown; b: unknown }[];
    data_hash: { same: boolean };
    code_version: { same: boolean };
    seed: { a: number; b: number; same: boolean };
    metrics: Record<string, { a: unknown; b: unknown }>;
    disagreements: {
      bars_compared: number;
      count: number;
      bars: { timestamp: string; a: string; b: string }[];
    };
  }
  const first = await train("--seed", "1");
  const second = await train("--seed", "2", "--epochs", "1");
  const diff = await json<Diff>("models", "diff", first.model_name, second.model_name);
  expect(diff.config.map(({ path }) => path).toSorted()).toEqual([
    "model.training.epochs",
    "model.training.seed",
  ]);
  expect(diff.config.find(({ path }) => path === "model.training.epochs")).toMatchObject({ a: 15, b: 1 });
  expect(diff).toMatchObject({
    data_hash: { same: true },
    code_version: { same: true },
    seed: { a: 1, b: 2, same: false },
  });
  expect(diff.metrics["test_accuracy"]).toEqual({
    a: first.test_metrics.test_accuracy,
    b: second.test_metrics.test_accuracy,
  });
  expect(diff.metrics["verdict"]).toMatchObject({ a: { interval: first.verdict.interval } });
  const { bars, bars_compared, count } = diff.disagreements;
  expect(
    [bars_compared, count],
    "the test part of two symbols, the last bar of each without a label",
  ).toEqual([900, bars.length]);
  const one = bars[0];
  const predicted = await json<{ signal: string }[]>(
    "models",
    "predict",
    second.model_name,
    "--symbol",
    "SYN1",
    "--timeframe",
    "1d",
    "--start-date",
    one.timestamp.slice(0, 10),
    "--end-date",
    one.timestamp.slice(0, 10),
  );
  expect(predicted[0].signal).toBe(one.b);
  const same = await json<Diff>("models", "diff", first.model_name, first.model_name);
  expect(same).toMatchObject({ config: [], disagreements: { count: 0, bars: [] } });
  const { out, status } = await runHere(home, ["models", "diff", first.model_name, second.model_name]);
  expect(status).toBe(0);
  expect(out).toContain("model.training.epochs: 15 -> 1");
  expect(out).toMatch(/They disagree on \d+ of 900 bars/);
});
