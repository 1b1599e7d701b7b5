import { createRequire } from "node:module";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeWithSharedData } from "../../test/shared-data.js";
import { neverCancelled } from "../core/index.js";
import { firstAtOrAfter, parseDateRange, readBarsFile, sliceBars, type Bars } from "../data/index.js";
import { sharedBoundaries, splitSymbol, type SymbolSplit } from "../dataset/index.js";
import { completeRows, prepareFeatures, warmUpRows } from "../features/index.js";
import type { Labels } from "../labels/index.js";
import { loadStrategy, withOverrides, type Strategy } from "./index.js";

const folder = fileURLToPath(new URL("../../config/strategies", import.meta.url));
const sample = createRequire(import.meta.url).resolve("@observablehq/sample-datasets/aapl.csv");

const daily = async (path: string, symbol: string): Promise<Bars> =>
  (await readBarsFile(path, { symbol, timeframe: "1d" })).bars;

/** Where the bars of daily series go, as a training run divides them. */
function splitOf(strategy: Strategy, series: readonly Bars[]) {
  const range = parseDateRange(strategy.startDate, strategy.endDate);
  const cut = series.map((bars) => sliceBars(bars, 0, firstAtOrAfter(bars.time, range.to)));
  const times = cut.map((bars) => bars.time.subarray(firstAtOrAfter(bars.time, range.from)));
  const boundaries = sharedBoundaries(times, strategy.split);
  return cut.map((bars) => {
    const { table, warnings } = prepareFeatures(strategy, [bars], neverCancelled);
    const labels = strategy.label.type.compute(bars, strategy.label.params, neverCancelled);
    const complete = completeRows(table);
    const split = splitSymbol({
      symbol: bars.symbol,
      time: bars.time,
      range,
      complete,
      warmUp: warmUpRows(table),
      labels,
      boundaries,
    });
    return { split, labels, warnings };
  });
}

/** Samples of BUY, HOLD and SELL in each part. */
const classCounts = (split: SymbolSplit, labels: Labels): number[][] =>
  ([split.train, split.validation, split.test] as const).map((rows) =>
    [0, 1, 2].map((label) => rows.filter((t) => labels.classes[t] === label).length),
  );

test("example.yaml has at least 10 samples of each class in each part on the sample bars", async () => {
  const [{ split, labels }] = splitOf(loadStrategy(join(folder, "example.yaml")), [
    await daily(sample, "AAPL"),
  ]);
  expect(split.bars).toBe(1260);
  expect(split.dropped.warm_up, "the slowest is the 20-day average").toBe(19);
  for (const counts of classCounts(split, labels))
    expect(Math.min(...counts), counts.join("/")).toBeGreaterThanOrEqual(10);
});

// The synthetic bars of the others are made by the journeys in test/.
const onSampleBars = readdirSync(folder).filter((file) =>
  loadStrategy(join(folder, file)).symbols.includes("AAPL"),
);

test.each(onSampleBars)("%s fills every part on the bars it names, its sets covering them", async (file) => {
  const strategy = loadStrategy(join(folder, file));
  const [{ split, warnings }] = splitOf(strategy, [await daily(sample, "AAPL")]);
  expect(Math.min(split.train.length, split.validation.length, split.test.length)).toBeGreaterThan(100);
  expect(warnings).toEqual([]);
});

describeWithSharedData("example.yaml on real bars of 2024", (data) => {
  test("all 252 bars of each symbol have features, thanks to the bars before", async () => {
    const symbols = ["AAPL", "MSFT", "GOOGL"];
    const year = withOverrides(loadStrategy(join(folder, "example.yaml")), {
      symbols,
      startDate: "2024-01-01",
      endDate: "2024-12-31",
    });
    const series = await Promise.all(symbols.map((symbol) => daily(join(data, `${symbol}_1d.csv`), symbol)));
    for (const { split } of splitOf(year, series)) {
      const { train, validation, test: rest, dropped } = split;
      expect(split.bars, split.symbol).toBe(252);
      expect(dropped.warm_up).toBe(0);
      const out = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      expect(train.length + validation.length + rest.length + out).toBe(252);
    }
  });
});
