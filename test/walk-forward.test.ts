import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BarStore, type LeakReceipt } from "../src/index.js";
import { makeBars } from "./bars.js";
import { startCommand } from "./command.js";
import { expectOneClearMessage, runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";
import { barsWithMemory, oneBarBack } from "./memory-bars.js";

const home = mkdtempSync(join(tmpdir(), "ktrdr-walk-"));
const inHome = (...names: string[]): string => join(home, ...names);

beforeAll(async () => {
  mkdirSync(inHome("config", "strategies"), { recursive: true });
  const save = (name: string, more: Record<string, string> = {}): void =>
    writeFileSync(inHome("config", "strategies", `${name}.yaml`), strategyText({ name, ...more }));
  save("journey");
  save("one_back", oneBarBack);
  const store = new BarStore(inHome("data"));
  await store.save(makeBars({ count: 700 }));
  await store.save(makeBars({ count: 500, symbol: "SYN2", start: "2020-03-01", seed: 9 }));
  await store.save(barsWithMemory("MEMORY", 0.25, 3000, 3));
  await store.save(barsWithMemory("WALK", 0, 3000, 3));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Part {
  from: string;
  to: string;
  samples: number;
}
interface Result {
  folds: {
    fold: number;
    seed: number;
    train: Part;
    validation: Part;
    test: Part;
    metrics: { samples: number; test_accuracy: number };
    model: object;
  }[];
  mean: { test_accuracy: number };
  deviation: { test_accuracy: number | null };
  backtest: {
    final_equity: number;
    total_return_pct: number;
    per_symbol: Record<string, { metrics: { final_equity: number; trades: number } }>;
  };
  equity: { timestamp: string; equity: number }[];
  verdict: {
    significant: boolean;
    statement: string;
    trials: number;
    probability_of_overfitting: number | null;
  };
  seed_choice: {
    seeds: { seed: number; total_return_pct: number; trades: number; timing_sharpe: number | null }[];
    overfitting: { probability: number; splits: number; blocks: number; by_chance: number } | null;
    statement: string;
  } | null;
  leak_receipt: LeakReceipt;
  warnings: string[];
}

async function walk(line: string): Promise<Result> {
  const { status, out, err } = await runHere(home, ["walk-forward", ...line.split(" "), "--json"]);
  expect(status, err).toBe(0);
  return JSON.parse(out) as Result;
}

describe("folds", () => {
  test("folds that are too short to have samples are refused before anything is trained", async () => {
    const line = "walk-forward --strategy journey --folds 300 --json";
    const { status, out, err } = await runHere(home, line.split(" "));
    expect([status, JSON.parse(out).error.code]).toEqual([1, "EMPTY_SPLIT"]);
    expect(err, "no fold was done").not.toMatch(/^\d+\/300 fold/m);
  });

  test("anchored: tests follow one another, each after its training; mean and deviation are those of the folds", async () => {
    const { folds, mean, deviation, equity, verdict } = await walk(
      "--strategy journey --folds 4 --epochs 2 --commission 0.001",
    );
    expect(folds.map(({ fold, seed }) => [fold, seed])).toEqual([1, 2, 3, 4].map((fold) => [fold, 42]));
    for (const [k, { train, validation, test }] of folds.entries()) {
      expect(train.to < validation.from && validation.to < test.from).toBe(true);
      if (k > 0)
        expect([train.from, Date.parse(test.from) - Date.parse(folds[k - 1].test.to)]).toEqual([
          folds[0].train.from,
          86_400_000,
        ]);
      expect(Math.min(train.samples, validation.samples, test.samples)).toBeGreaterThan(0);
    }
    const accuracies = folds.map(({ metrics }) => metrics.test_accuracy);
    const average = accuracies.reduce((a, b) => a + b) / 4;
    expect(mean.test_accuracy).toBeCloseTo(average, 12);
    expect(deviation.test_accuracy).toBeCloseTo(
      Math.sqrt(accuracies.reduce((sum, a) => sum + (a - average) ** 2, 0) / 3),
      12,
    );
    expect([equity[0].timestamp, equity.at(-1)?.timestamp]).toEqual([folds[0].test.from, folds[3].test.to]);
    expect(verdict.statement).toMatch(/ to \d{4}-\d\d-\d\d \(the tests of 4 folds\)/);
  });

  test("rolling: every fold trains on equally many bar times", async () => {
    const { folds } = await walk(
      "--strategy journey --scheme rolling --folds 3 --first-share 0.4 --epochs 1",
    );
    const days = ({ train, validation }: Result["folds"][number]): number =>
      (Date.parse(validation.to) - Date.parse(train.from)) / 86_400_000 + 1;
    expect(folds.map(days)).toEqual([280, 280, 280]);
  });

  test("combinatorial: each choice of groups is a fold, and all bars are traded", async () => {
    const { folds, equity } = await walk(
      "--strategy journey --scheme combinatorial --groups 4 --test-groups 2 --epochs 1",
    );
    expect(folds).toHaveLength(6);
    expect(equity).toHaveLength(700);
  });

  test("several seeds, several symbols of unequal length; the accounts add up", async () => {
    const { folds, backtest, equity } = await walk(
      "--strategy journey --symbols SYN1 SYN2 --folds 2 --seeds 2 --seed 7 --epochs 1 --capital 1000 --fractional --confidence-threshold 0.3",
    );
    expect(folds.map(({ fold, seed }) => [fold, seed])).toEqual([
      [1, 7],
      [1, 8],
      [2, 7],
      [2, 8],
    ]);
    expect(Object.keys(backtest.per_symbol)).toEqual(["SYN1", "SYN2"]);
    const sum = Object.values(backtest.per_symbol).reduce(
      (total, { metrics }) => total + metrics.final_equity,
      0,
    );
    expect(equity.at(-1)?.equity).toBeCloseTo(sum, 6);
    expect(backtest.final_equity).toBeCloseTo(sum, 6);
  });

  test("what comes out does not depend on the number of threads", async () => {
    const line = "--strategy journey --folds 3 --seeds 2 --epochs 2 --commission 0.0003";
    const [one, three] = [await walk(`${line} --threads 1`), await walk(`${line} --threads 3`)];
    expect(three.folds).toEqual(one.folds);
    expect(three.equity).toEqual(one.equity);
  });
});

describe("verdict", () => {
  const line =
    "--strategy one_back --folds 4 --shorts --fractional --confidence-threshold 0 --min-signal-separation 0";

  test("a planted edge is learnt, earned and called skill", async () => {
    const { mean, verdict } = await walk(`${line} --symbols MEMORY`);
    expect(mean.test_accuracy).toBeGreaterThan(0.53);
    expect(verdict.statement).toMatch(/: evidence of skill\.$/);
    expect(verdict.significant).toBe(true);
  });

  test("a random walk is not", async () => {
    const { verdict } = await walk(`${line} --symbols WALK`);
    expect(verdict).toMatchObject({
      significant: false,
      statement: expect.stringMatching(/no evidence of skill/),
    });
  });

  test("each walk-forward on the same data counts as a trial", async () => {
    const first = (await walk("--strategy journey --folds 2 --epochs 1")).verdict.trials;
    expect((await walk("--strategy journey --folds 2 --epochs 1 --seed 3")).verdict.trials).toBe(first + 1);
  });
});

describe("the choice among seeds", () => {
  const line =
    "--strategy one_back --folds 4 --shorts --fractional --confidence-threshold 0 --min-signal-separation 0 --commission 0.0002";

  test("each seed alone is what a walk-forward of that seed comes to", async () => {
    const all = await walk(`${line} --symbols WALK --seeds 3 --seed 7`);
    for (const { seed, total_return_pct, trades } of all.seed_choice?.seeds ?? []) {
      const { backtest } = await walk(`${line} --symbols WALK --seed ${seed}`);
      expect(backtest.total_return_pct).toBeCloseTo(total_return_pct, 8);
      expect(backtest.per_symbol["WALK"].metrics.trades).toBe(trades);
    }
    expect(all.seed_choice?.seeds.map(({ seed }) => seed)).toEqual([7, 8, 9]);
  });

  test("how often the best one was no better than the middle stands in the verdict, in words too", async () => {
    const { verdict, seed_choice } = await walk(`${line} --symbols MEMORY --seeds 4`);
    expect(seed_choice?.overfitting).toMatchObject({ blocks: 16, splits: 12_870, by_chance: 0.5 });
    const probability = seed_choice?.overfitting?.probability ?? NaN;
    expect(probability >= 0 && probability <= 1).toBe(true);
    expect(verdict.probability_of_overfitting).toBe(probability);
    expect(verdict.statement).toContain(
      `in ${(100 * probability).toFixed(0)} % of 12870 ways to halve them (probability of back-test overfitting; 50 % by luck alone)`,
    );
    expect(verdict.statement).toMatch(/: evidence of skill\. Of the 4 seeds, /);
  });

  test("one seed leaves no choice; too short tests cannot tell, and say so", async () => {
    const one = await walk(`${line} --symbols WALK`);
    expect(one).toMatchObject({ seed_choice: null, verdict: { probability_of_overfitting: null } });
    const short = await walk("--strategy journey --folds 2 --epochs 1 --seeds 2 --end-date 2020-06-30");
    expect(short).toMatchObject({
      seed_choice: { overfitting: null },
      verdict: { probability_of_overfitting: null },
    });
    expect(short.verdict.statement).toContain("the best of the 2 seeds would stay the best cannot be told");
  });
});

describe("memory and leaks", () => {
  test("the receipt counts each fold's samples once, whatever the number of seeds", async () => {
    const { folds, leak_receipt } = await walk("--strategy journey --folds 3 --seeds 2 --epochs 1");
    const samples = folds
      .filter(({ seed }) => seed === 42)
      .reduce((sum, fold) => sum + fold.train.samples + fold.validation.samples + fold.test.samples, 0);
    expect(leak_receipt).toMatchObject({
      clean: true,
      features: { prefixes: 3, bars: 700 },
      labels: { samples },
    });
    expect(leak_receipt.labels.labels_compared).toBeGreaterThan(350);
  });

  test("more memory than --max-memory is refused; fewer threads are used where it holds only one copy", async () => {
    const line = ["walk-forward", "--strategy", "journey", "--folds", "3", "--epochs", "1", "--json"];
    const refused = await runHere(home, [...line, "--max-memory", "50KB"]);
    expectOneClearMessage(refused, { status: 1, code: "MEMORY_LIMIT", parts: ["50 KB is the limit"] });
    const { status, err } = await runHere(home, [...line, "--max-memory", "250KB", "--threads", "3"]);
    expect(status, err).toBe(0);
  });
});

describe("output and errors", () => {
  test("text: a row per fold, the account, the verdict; the equity as CSV", async () => {
    const csv = inHome("equity.csv");
    const { status, out, err } = await runHere(home, [
      "walk-forward",
      "--strategy",
      "journey",
      "--folds",
      "2",
      "--epochs",
      "1",
      "--equity-csv",
      csv,
    ]);
    expect(status, err).toBe(0);
    expect(err).toMatch(/^Operation op_walk_forward_\S+\n/);
    expect(err).toMatch(/2\/2 fold [12], seed 42: test/);
    expect(out).toMatch(/^Walk-forward of journey\n\nfold +seed +test/);
    expect(out).toMatch(/evidence of skill\.\n$/);
    expect(readFileSync(csv, "utf8").split("\n")).toHaveLength(352);
  });

  test.each([
    [
      "--strategy journey --scheme sideways",
      '--scheme: "sideways" is not known. Allowed: anchored, rolling, combinatorial',
    ],
    ["--strategy journey --folds 0", '--folds: "0"'],
    [
      "--strategy journey --scheme combinatorial --folds 3",
      "--folds does not go with --scheme combinatorial",
    ],
    ["--strategy journey --groups 3", "--groups does not go with --scheme anchored"],
    ["--strategy journey --scheme combinatorial --groups 3 --test-groups 3", "leave none to train on"],
    ["--strategy journey --first-share 1", '--first-share: "1"'],
    ["--strategy journey --commission x", '--commission: "x"'],
    ["--folds 3", "--strategy <file>"],
  ])("%s: wrong usage", async (line, part) => {
    expectOneClearMessage(await runHere(home, ["walk-forward", "--json", ...line.split(" ")]), {
      status: 2,
      code: "WRONG_USAGE",
      parts: [part],
    });
  });

  test.each([
    ["--strategy journey --symbols NONE", "NO_BARS", "NONE"],
    ["--strategy journey --folds 600", "TOO_FEW_TIMES", "fewer folds"],
    [
      "--strategy journey --start-date 2020-01-01 --end-date 2020-02-05 --folds 2",
      "EMPTY_SPLIT",
      "train part has no samples",
    ],
  ])("%s: %s", async (line, code, part) => {
    const outcome = await runHere(home, ["walk-forward", "--json", ...line.split(" ")]);
    expectOneClearMessage(outcome, { status: 1, code, parts: [part] });
  });

  test("Ctrl-C ends it as cancelled", async () => {
    const { child, done, stderr } = startCommand(home, [
      "walk-forward",
      "--strategy",
      "journey",
      "--epochs",
      "100000",
      "--folds",
      "3",
    ]);
    await expect.poll(stderr, { interval: 1, timeout: 60_000 }).toMatch(/Operation \S+\n/);
    child.kill("SIGINT");
    expect((await done).status).toBe(130);
    const { out } = await runHere(home, ["operations", "list", "--json"]);
    expect((JSON.parse(out) as { status: string }[])[0]).toMatchObject({
      operation_type: "walk_forward",
      status: "cancelled",
    });
  });
});
