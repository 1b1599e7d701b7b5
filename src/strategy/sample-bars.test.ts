import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { describeWithSharedData } from "../../test/shared-data.js";
import { neverCancelled } from "../core/index.js";
import {
  firstAtOrAfter,
  parseDateRange,
  readBarsFile,
  resample,
  sampleBars,
  sliceBars,
} from "../data/index.js";
import type { Bars } from "../data/index.js";
import { sharedBoundaries, splitSymbol, type SymbolSplit } from "../dataset/index.js";
import { completeRows, prepareFeatures, warmUpRows } from "../features/index.js";
import type { Labels } from "../labels/index.js";
import { loadStrategy, withOverrides, type Strategy } from "./index.js";

const folder = fileURLToPath(new URL("../../config/strategies", import.meta.url));

/** Sample bars of a symbol: AAPL by days, a synthetic one by hours and the days made of them. */
async function sampleOf(symbol: string): Promise<Bars[]> {
  const seed = 42;
  if (symbol === "AAPL") return [await sampleBars({ symbol, timeframe: "1d", seed })];
  const hours = await sampleBars({ symbol, timeframe: "1h", bars: 6000, seed });
  return [hours, resample(hours, "1d").bars];
}

interface Outcome {
  readonly split: SymbolSplit;
  readonly labels: Labels;
  readonly warnings: readonly string[];
}

/** Where the bars go, as a training run divides them; one list of series for each symbol. */
function outcomes(strategy: Strategy, symbols: readonly (readonly Bars[])[]): Outcome[] {
  const range = parseDateRange(strategy.startDate, strategy.endDate);
  const cut = symbols.map((series) =>
    series.map((bars) => sliceBars(bars, 0, firstAtOrAfter(bars.time, range.to))),
  );
  const bases = cut.map(
    (series) => series.find(({ timeframe }) => timeframe === strategy.baseTimeframe) as Bars,
  );
  const times = bases.map(({ time }) => time.subarray(firstAtOrAfter(time, range.from)));
  const boundaries = sharedBoundaries(times, strategy.split);
  return bases.map((base, index) => {
    const { table, warnings } = prepareFeatures(strategy, cut[index], neverCancelled);
    const labels = strategy.label.type.compute(base, strategy.label.params, neverCancelled);
    const rows = { symbol: base.symbol, time: base.time, range, labels, boundaries };
    const split = splitSymbol({ ...rows, complete: completeRows(table), warmUp: warmUpRows(table) });
    return { split, labels, warnings };
  });
}

/** Samples of BUY, HOLD and SELL in each part. */
const classCounts = ({ split, labels }: Outcome): number[][] =>
  [split.train, split.validation, split.test].map((rows) =>
    [0, 1, 2].map((label) => rows.filter((t) => labels.classes[t] === label).length),
  );

test("example.yaml has at least 10 samples of each class in each part on the sample bars", async () => {
  const [outcome] = outcomes(loadStrategy(join(folder, "example.yaml")), [await sampleOf("AAPL")]);
  expect(outcome.split.bars).toBe(1260);
  expect(outcome.split.dropped.warm_up, "the slowest is the 20-day average").toBe(19);
  for (const counts of classCounts(outcome)) {
    expect(Math.min(...counts), counts.join("/")).toBeGreaterThanOrEqual(10);
  }
});

test.each(readdirSync(folder))(
  "%s fills every part on its sample bars, and its sets cover them",
  async (file) => {
    const strategy = loadStrategy(join(folder, file));
    const series = await Promise.all(strategy.symbols.map(sampleOf));
    for (const { split, warnings } of outcomes(strategy, series)) {
      expect(Math.min(split.train.length, split.validation.length, split.test.length)).toBeGreaterThan(100);
      expect(warnings, split.symbol).toEqual([]);
    }
  },
);

describeWithSharedData("example.yaml on real bars of 2024", (data) => {
  test("all 252 bars of each symbol have features, thanks to the bars before", async () => {
    const symbols = ["AAPL", "MSFT", "GOOGL"];
    const year = withOverrides(loadStrategy(join(folder, "example.yaml")), {
      symbols,
      startDate: "2024-01-01",
      endDate: "2024-12-31",
    });
    const series = symbols.map(async (symbol) => {
      const file = await readBarsFile(join(data, `${symbol}_1d.csv`), { symbol, timeframe: "1d" });
      return [file.bars];
    });
    for (const { split } of outcomes(year, await Promise.all(series))) {
      const { train, validation, test: rest, dropped } = split;
      expect(split.bars, split.symbol).toBe(252);
      expect(dropped.warm_up).toBe(0);
      const out = Object.values(dropped).reduce((sum, count) => sum + count, 0);
      expect(train.length + validation.length + rest.length + out).toBe(252);
    }
  });
});
