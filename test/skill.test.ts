import { join } from "node:path";
import { expect, test } from "vitest";
import {
  BarStore,
  DataManager,
  defaultSettings,
  parseStrategy,
  prepareFolds,
  runFold,
  stitchFolds,
  type BacktestVerdict,
} from "../src/index.js";
import { strategyText } from "./journey-strategies.js";
import { barsWithMemory, firstSeed, oneBarBack } from "./memory-bars.js";
import { rounds } from "./rounds.js";
import { temporaryFolder } from "./temporary-folder.js";
import { distanceFromUniform, largestDistance } from "./uniform.js";

const bars = 5000;

/** The verdict of a walk-forward of four folds over 5000 bars with this memory, without costs. */
async function verdictOf(memory: number, seed: number): Promise<BacktestVerdict> {
  const store = new BarStore(join(temporaryFolder(), "data"));
  await store.save(barsWithMemory("SYN1", memory, bars, seed));
  const strategy = parseStrategy(strategyText({ name: "one_back", ...oneBarBack }), "one_back.yaml");
  const prepared = await prepareFolds({
    strategy,
    dataManager: new DataManager(store),
    startDate: null,
    endDate: null,
    plan: { scheme: "anchored", folds: 4, first: 0.5 },
    embargo: 0,
  });
  const folds = prepared.folds.map((_, fold) => runFold(prepared, fold, 42));
  const settings = { ...defaultSettings, shorts: true, fractional: true };
  const decisions = { confidenceThreshold: 0, minSeparation: 0 };
  return stitchFolds(prepared, folds, { settings, decisions, trials: 1, seed: 1 }).verdict;
}

async function verdicts(memory: number, count: number): Promise<BacktestVerdict[]> {
  const found: BacktestVerdict[] = [];
  for (let k = 0; k < count; k++) found.push(await verdictOf(memory, firstSeed + k));
  if (process.env["KTRDR_ROUNDS"] !== undefined) {
    const distance = distanceFromUniform(found.map(({ p_value }) => p_value)).toFixed(3);
    process.stdout.write(
      `walk-forward, correlation ${memory}: called ${called(found)}/${count} (distance from uniform p ${distance})\n`,
    );
  }
  return found;
}

const called = (found: readonly BacktestVerdict[]): number =>
  found.filter(({ significant }) => significant).length;

test("an edge of correlation 0.2 with an indicator's state is called skill in nine of ten series", async () => {
  const count = rounds(50, 3);
  const found = await verdicts(0.2, count);
  expect(called(found)).toBeGreaterThanOrEqual(0.9 * count);
});

test("at 0.1 most are called, at 0.05 not more than that", async () => {
  const count = rounds(50, 3);
  const [weak, middle] = [called(await verdicts(0.05, count)), called(await verdicts(0.1, count))];
  expect(middle).toBeGreaterThanOrEqual(0.6 * count);
  expect(weak).toBeLessThanOrEqual(middle);
});

test("random walks are called skill at most 16 times in 200, and p is uniform", async () => {
  const count = rounds(200, 8);
  const found = await verdicts(0, count);
  expect(called(found)).toBeLessThanOrEqual(Math.max(1, 0.08 * count));
  expect(distanceFromUniform(found.map(({ p_value }) => p_value))).toBeLessThan(largestDistance);
});
