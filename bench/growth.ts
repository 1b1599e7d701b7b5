import { sliceBars, type Bars } from "../src/data/index.js";
import { makeBars } from "../test/bars.js";
import { importBuilt } from "./built.js";
import { figure, measured, barsText, type Bench, type Measure } from "./measure.js";
import { membershipExamples } from "./memberships.js";
import { interleave, median, timed, type Variant } from "./timing.js";

type Built = Awaited<ReturnType<typeof importBuilt>>;

/** Something computed over all bars. */
type Work = (bars: Bars) => unknown;

/** Nanoseconds a bar of one computation over a series, which is repeated until it has worked through `atLeast` bars. */
function timing(work: Work, bars: Bars, atLeast: number): Variant {
  const repeats = Math.ceil(atLeast / bars.time.length);
  return () => {
    const ms = timed(() => {
      for (let k = 0; k < repeats; k++) work(bars);
    });
    return (ms * 1e6) / (repeats * bars.time.length);
  };
}

/** Median nanoseconds a bar of each variant, in interleaved rounds. */
async function nsPerBar(
  variants: Readonly<Record<string, Variant>>,
  rounds: number,
): Promise<Record<string, number>> {
  const times = await interleave(variants, rounds);
  return Object.fromEntries(Object.entries(times).map(([name, ns]) => [name, median(ns)]));
}

/** Greatest share of the first of some values in the others, either way: 1.3 where one is 30 % above another. */
const growth = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);

const freshColumn = "a fresh column, filled";

/** Every indicator, label and membership function with its defaults. */
function everything({
  indicators,
  labelTypes,
  makeIndicatorSpec,
  membershipDegrees,
  neverCancelled,
}: Built): Record<string, Work> {
  // What a result's memory costs by itself: beyond 32 MB it comes fresh from the operating system every time.
  const works: Record<string, Work> = {
    [freshColumn]: (bars) => new Float64Array(bars.time.length).fill(1),
  };
  for (const name of Object.keys(indicators)) {
    const { indicator, params } = makeIndicatorSpec(name, name);
    works[`indicator ${name}`] = (bars) => indicator.compute(bars, params, neverCancelled);
  }
  for (const [name, type] of Object.entries(labelTypes)) {
    const params: unknown = type.schema.parse({});
    works[`${name} labels`] = (bars) => type.compute(bars, params, neverCancelled);
  }
  // Volumes, 1,000 to 9,000, stand for crisp values.
  for (const spec of membershipExamples(100)) {
    works[`membership ${spec.type}`] = ({ volume }) => membershipDegrees(spec, volume);
  }
  return works;
}

/** The same with windows of a length; cci is left out, for its mean absolute deviation costs in proportion. */
function withPeriod({ indicators, labelTypes, makeIndicatorSpec, parametersOf, neverCancelled }: Built) {
  return (period: number): Record<string, Work> => {
    const works: Record<string, Work> = {};
    for (const [name, indicator] of Object.entries(indicators)) {
      const names = parametersOf(indicator)
        .map((parameter) => parameter.name)
        .filter((parameter) => parameter.endsWith("period"));
      if (names.length === 0 || name === "cci") continue;
      let params: Record<string, unknown> = Object.fromEntries(names.map((parameter) => [parameter, period]));
      if (name === "macd") {
        const part = Math.floor(period / 4); // its periods end at 50 and 100
        params = { slow_period: period / 2, fast_period: part, signal_period: part };
      }
      if (name === "adline") params["use_sma_smoothing"] = true;
      const spec = makeIndicatorSpec(name, name, params);
      works[`indicator ${name}`] = (bars) => indicator.compute(bars, spec.params, neverCancelled);
    }
    for (const [name, type] of Object.entries(labelTypes)) {
      if (!("horizon" in (type.schema.parse({}) as object))) continue;
      const params: unknown = type.schema.parse({ horizon: period });
      works[`${name} labels`] = (bars) => type.compute(bars, params, neverCancelled);
    }
    return works;
  };
}

/** How the time a bar grows with the number of bars, and with the length of windows. */
export const benchGrowth: Bench = async ({ quick, note }) => {
  const built = await importBuilt();
  const sizes = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000, 10_000_000];
  const rounds = 3;
  const atLeast = quick ? 100_000 : 1_000_000;
  const bars = makeBars({ count: sizes[sizes.length - 1], timeframe: "1m", volatility: 0.001 });
  const results: Measure[] = [];

  const range = `${barsText(sizes[0])} to ${barsText(sizes[sizes.length - 1])}`;
  for (const [name, work] of Object.entries(everything(built))) {
    const variants = Object.fromEntries(
      sizes.map((size) => [barsText(size), timing(work, sliceBars(bars, 0, size), atLeast)]),
    );
    const ns = await nsPerBar(variants, rounds);
    const texts = Object.entries(ns).map(([size, value]) => `${figure(value)} at ${size}`);
    note(`${name}: ns/bar ${texts.join(", ")}`);
    const target = name === freshColumn ? undefined : ({ atLeast: 1.5, aim: 1.5, better: "lower" } as const);
    results.push(
      measured(`growth of time per bar, ${range}, ${name}`, growth(Object.values(ns)), "x", target),
    );
  }

  const some = sliceBars(bars, 0, atLeast);
  const [short, long] = [10, 200].map(withPeriod(built));
  for (const name of Object.keys(short)) {
    const variants = { short: timing(short[name], some, atLeast), long: timing(long[name], some, atLeast) };
    const ns = await nsPerBar(variants, rounds);
    note(`${name}: ns/bar ${figure(ns["short"])} at period 10, ${figure(ns["long"])} at 200`);
    results.push(
      measured(`growth of time per bar, period 10 to 200, ${name}`, ns["long"] / ns["short"], "x", {
        atLeast: 2,
        aim: 2,
        better: "lower",
      }),
    );
  }
  return results;
};
