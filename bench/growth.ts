import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sliceBars, type Bars } from "../src/data/index.js";
import { makeBars } from "../test/bars.js";
import { garbageCollector } from "../test/garbage.js";
import { importBuilt } from "./built.js";
import { figure, measured, barsText, type Bench, type BenchContext, type Measure } from "./measure.js";
import { membershipExamples } from "./memberships.js";
import { interleave, timed, type Variant } from "./timing.js";

type Built = Awaited<ReturnType<typeof importBuilt>>;

/** Something computed over all bars. */
type Work = (bars: Bars) => unknown;

/**
 * Nanoseconds a bar of one computation over series of `size` bars: as many of them, one after the other in `bars`, as make `atLeast`
 * bars, so that short series come from memory and are new to the branch predictor just as long ones are.
 */
function timing(work: Work, bars: Bars, size: number, atLeast: number): Variant {
  const count = Math.ceil(atLeast / size);
  const series = Array.from({ length: count }, (_, k) => sliceBars(bars, k * size, (k + 1) * size));
  const collect = garbageCollector();
  return () => {
    // Fresh columns then lie where those of earlier measurements lay. A whole collection would throw compiled code away.
    collect({ type: "minor" });
    return (timed(() => series.forEach(work)) * 1e6) / (count * size);
  };
}

/** Least nanoseconds a bar of each variant over interleaved rounds: what else the machine does only ever adds. */
async function nsPerBar(
  variants: Readonly<Record<string, Variant>>,
  rounds: number,
): Promise<Record<string, number>> {
  const times = await interleave(variants, rounds);
  return Object.fromEntries(Object.entries(times).map(([name, ns]) => [name, Math.min(...ns)]));
}

/** Greatest share of the first of some values in the others, either way: 1.3 where one is 30 % above another. */
const growth = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);

const freshColumn = "a fresh column, filled";
const fill: Work = (bars) => new Float64Array(bars.time.length).fill(1);

/** Every indicator, label and membership function with its defaults. */
function everything({
  indicators,
  labelTypes,
  makeIndicatorSpec,
  membershipDegrees,
  neverCancelled,
}: Built): Record<string, Work> {
  // What a result's memory costs by itself.
  const works: Record<string, Work> = {
    [freshColumn]: fill,
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

/**
 * Columns of 10⁷ bars are 80 MB. glibc hands blocks beyond 32 MB back to the system when they are freed and fetches fresh pages for
 * the next one, which costs more than most indicators do; with these settings it keeps them, so that the time seen is the computation's.
 */
const keepingMemory = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: String(2 ** 36) } as const;
const keepingMemoryText = Object.entries(keepingMemory)
  .map(([name, value]) => `${name}=${value}`)
  .join(" ");

/** How the time a bar grows with the number of bars, and with the length of windows. */
export const benchGrowth: Bench = async (context) => {
  const kept = process.env["MALLOC_MMAP_MAX_"] === keepingMemory.MALLOC_MMAP_MAX_;
  return context.quick || kept ? await measureGrowth(context) : await inChild(context);
};

/** The same in a process whose allocator keeps memory. */
async function inChild({ note }: BenchContext): Promise<Measure[]> {
  const ns = timing(
    fill,
    makeBars({ count: 10_000_000, timeframe: "1m", volatility: 0.001 }),
    10_000_000,
    1,
  )();
  note(`a fresh column of 10⁷ bars, filled, its memory from the system: ${figure(Number(ns))} ns/bar`);
  note(`the rest with ${keepingMemoryText}`);
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-bench-"));
  try {
    const json = join(folder, "growth.json");
    const program = fileURLToPath(new URL("run.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", program, "growth", "--json", json], {
      env: { ...process.env, ...keepingMemory },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.includes("ns/bar")) note(line.trim());
    }
    const code = await ended;
    if (code !== 0) throw new Error(`the process that measures growth ended with ${code}`);
    return JSON.parse(readFileSync(json, "utf8")) as Measure[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureGrowth({ quick, note }: BenchContext): Promise<Measure[]> {
  const built = await importBuilt();
  const sizes = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000, 10_000_000];
  const rounds = quick ? 3 : 7;
  const atLeast = quick ? 100_000 : 1_000_000;
  const bars = makeBars({ count: sizes[sizes.length - 1], timeframe: "1m", volatility: 0.001 });
  const results: Measure[] = [];

  const range = `${barsText(sizes[0])} to ${barsText(sizes[sizes.length - 1])}`;
  for (const [name, work] of Object.entries(everything(built))) {
    const variants = Object.fromEntries(
      sizes.map((size) => [barsText(size), timing(work, bars, size, atLeast)]),
    );
    const ns = await nsPerBar(variants, rounds);
    const texts = Object.entries(ns).map(([size, value]) => `${figure(value)} at ${size}`);
    note(`${name}: ns/bar ${texts.join(", ")}`);
    const target = name === freshColumn ? undefined : ({ atLeast: 1.5, aim: 1.5, better: "lower" } as const);
    results.push(
      measured(`growth of time per bar, ${range}, ${name}`, growth(Object.values(ns)), "x", target),
    );
  }

  const [short, long] = [10, 200].map(withPeriod(built));
  for (const name of Object.keys(short)) {
    const variants = {
      short: timing(short[name], bars, atLeast, atLeast),
      long: timing(long[name], bars, atLeast, atLeast),
    };
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
}
