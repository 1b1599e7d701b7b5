import { describe, expect, test } from "vitest";
import { rounds } from "../../test/rounds.js";
import { createRandom, neverCancelled, type Phase } from "../core/index.js";
import { closeTimes, sliceBars, timeframeMs, type Bars, type Timeframe } from "../data/index.js";
import { membershipTypes, type FuzzySpec, type MembershipSpec, type TransformSpec } from "../fuzzy/index.js";
import { indicatorNames, makeIndicatorSpec, outputsOf, type IndicatorSpec } from "../indicators/index.js";
import { MissingTimeframeError, prepareFeatures, type FeatureRecipe } from "./prepare.js";
import { completeRows, warmUpRows, type FeatureTable } from "./table.js";

const firstMonday = Date.UTC(2023, 0, 2);

/** A random walk over weekdays; intraday bars lie between 14:00 and 21:00 UTC, daily ones are New York dates. */
function walk(symbol: string, timeframe: Timeframe, days: number): Bars {
  const length = timeframeMs[timeframe];
  const times: number[] = [];
  const step = Math.max(length, timeframeMs["1d"]);
  for (let date = firstMonday; date < firstMonday + days * timeframeMs["1d"]; date += step) {
    const weekday = new Date(date).getUTCDay();
    if (timeframe !== "1w" && (weekday === 0 || weekday === 6)) continue;
    if (length >= timeframeMs["1d"]) times.push(date);
    else for (let hour = 14; hour < 21; hour += length / 3_600_000) times.push(date + hour * 3_600_000);
  }
  const random = createRandom(7, `${symbol} ${timeframe}`);
  const n = times.length;
  const [open, high, low, close, volume] = Array.from({ length: 5 }, () => new Float64Array(n));
  let price = 100;
  for (let t = 0; t < n; t++) {
    open[t] = price;
    price = Math.max(20, price * (1 + 0.01 * random.normal()));
    close[t] = price;
    high[t] = Math.max(open[t], price) * (1 + 0.004 * random.uniform());
    low[t] = Math.min(open[t], price) * (1 - 0.004 * random.uniform());
    volume[t] = random.integer(100, 10_000);
  }
  const meta = {
    source: "test",
    adjustment: "none",
    currency: null,
    dayTimezone: "America/New_York",
  } as const;
  return { symbol, timeframe, time: Float64Array.from(times), open, high, low, close, volume, meta };
}

/** One function of every type, laid over the finite values so that none of them is flat. */
function setsOver(values: Float64Array): FuzzySpec["sets"] {
  const finite = values.filter(Number.isFinite).sort();
  const [low, high] = [finite[0] ?? 0, finite[finite.length - 1] ?? 1];
  const width = high - low || 1;
  const middle = low + width / 2;
  const memberships: Record<keyof typeof membershipTypes, number[]> = {
    triangular: [low, low, high],
    trapezoidal: [low, middle, high, high + width],
    gaussian: [middle, width / 3],
    bell: [width / 3, 1.3, middle],
    sigmoid: [middle, 4 / width],
  };
  return Object.entries(memberships).map(([type, parameters]) => ({
    name: type,
    membership: { type, parameters } as MembershipSpec,
  }));
}

const transforms: TransformSpec[] = [{ type: "identity" }, { type: "price_ratio", reference: "close" }];

/** Every output of an indicator under every transform, in sets of every type. */
function recipeFor(name: string, base: Bars, lookback: number): FeatureRecipe {
  const indicators: IndicatorSpec[] = [];
  const fuzzy: FuzzySpec[] = [];
  for (const transform of transforms) {
    const spec = makeIndicatorSpec(`x_${transform.type}`, name);
    indicators.push(spec);
    const columns = spec.indicator.compute(base, spec.params, neverCancelled);
    for (const output of outputsOf(spec)) {
      const values = columns[output].map((value, t) =>
        transform.type === "identity" ? value : value === 0 ? NaN : base.close[t] / value,
      );
      fuzzy.push({ featureId: `${spec.featureId}.${output}`, transform, sets: setsOver(values) });
    }
  }
  return { indicators, fuzzy, lookback, baseTimeframe: base.timeframe };
}

function bytes(column: Float64Array): Uint8Array {
  return new Uint8Array(column.slice().buffer);
}

/** The rows of a table from `from` on, as bytes per feature. */
function rowBytes(table: FeatureTable, from: number, to: number): Record<string, Uint8Array> {
  return Object.fromEntries(table.names.map((name, j) => [name, bytes(table.columns[j].subarray(from, to))]));
}

const combinations: { base: Bars; others: Bars[]; lookback: number }[] = [
  { base: walk("SYN1", "1h", 60), others: [], lookback: 2 },
  { base: walk("SYN1", "1h", 60), others: [walk("SYN1", "1d", 60)], lookback: 1 },
  { base: walk("SYN1", "30m", 40), others: [walk("SYN1", "1h", 40), walk("SYN1", "1d", 40)], lookback: 0 },
  { base: walk("SYN1", "1d", 400), others: [walk("SYN1", "1w", 400), walk("SYN1", "1h", 400)], lookback: 1 },
];

describe("features of bars [0..t] are the first rows of the full run, bit for bit", () => {
  test.each(indicatorNames)("%s, all outputs, transforms, membership types and timeframes", (name) => {
    const random = createRandom(11, name);
    let defined = 0;
    for (const { base, others, lookback } of combinations) {
      const recipe = recipeFor(name, base, lookback);
      const full = prepareFeatures(recipe, [base, ...others], neverCancelled).table;
      // 50 moments in each of 4 combinations: 200 for every indicator in the full count.
      for (let round = 0; round < rounds(50, 2); round++) {
        const rows = random.integer(1, base.time.length);
        const now = closeTimes(base)[rows - 1];
        const known = others.map((bars) => {
          const closed = closeTimes(bars).filter((close) => close <= now).length;
          // A coarse bar that has opened but not closed may be stored as well; it must not count.
          const opened = bars.time.filter((time) => time <= now).length;
          return sliceBars(bars, 0, random.integer(closed, Math.max(closed, opened)));
        });
        const early = prepareFeatures(recipe, [sliceBars(base, 0, rows), ...known], neverCancelled).table;
        const fullRows = rowBytes(full, 0, rows);
        for (const [feature, column] of Object.entries(rowBytes(early, 0, rows))) {
          if (Buffer.compare(column, fullRows[feature]) !== 0)
            expect.fail(`${feature} differs within ${rows} bars`);
        }
      }
      for (const column of full.columns) {
        for (const degree of column) {
          if (Number.isNaN(degree)) continue;
          defined++;
          if (!(degree >= 0 && degree <= 1)) expect.fail(`degree ${degree}`);
        }
      }
    }
    expect(defined, "values that exist at all").toBeGreaterThan(1000);
  });
});

describe("a symbol's features", () => {
  const recipe = recipeFor("rsi", walk("SYN1", "1d", 200), 2);
  const one = walk("SYN1", "1d", 200);
  const two = walk("SYN2", "1d", 150);
  const run = (bars: Bars): FeatureTable => prepareFeatures(recipe, [bars], neverCancelled).table;

  test("do not depend on the symbols computed before", () => {
    const alone = rowBytes(run(one), 0, one.time.length);
    run(two);
    expect(rowBytes(run(one), 0, one.time.length)).toEqual(alone);
    expect(rowBytes(run(two), 20, 40)).not.toEqual(rowBytes(run(one), 20, 40));
  });

  test("begin after the indicator's warm-up and the lags", () => {
    const table = run(one);
    expect(warmUpRows(table), "RSI 14 has its first value at bar 14, its second lag two bars later").toBe(16);
    expect(completeRows(table).subarray(16).every(Boolean)).toBe(true);
  });

  test("are prepared in three phases, told in order", () => {
    const told: Phase[] = [];
    prepareFeatures(recipe, [one], neverCancelled, (phase) => told.push(phase));
    expect(told).toEqual(["computing_indicators", "generating_fuzzy", "creating_features"]);
  });

  test("need bars of the base timeframe", () => {
    expect(() => prepareFeatures({ ...recipe, baseTimeframe: "1h" }, [one], neverCancelled)).toThrow(
      MissingTimeframeError,
    );
  });

  test("come with the warnings of every timeframe", () => {
    const narrow: FeatureRecipe = {
      ...recipe,
      fuzzy: [
        {
          featureId: "x_identity",
          transform: { type: "identity" },
          sets: [{ name: "low", membership: { type: "triangular", parameters: [0, 20, 45] } }],
        },
      ],
    };
    const { warnings } = prepareFeatures(narrow, [one, walk("SYN1", "1w", 200)], neverCancelled);
    expect(warnings.map((text) => text.split(":")[0])).toEqual([
      "SYN1 1d, x_identity",
      "SYN1 1w, x_identity",
    ]);
  });
});
