/** One line of the results. */
export interface Measure {
  readonly measure: string;
  /** Null where it could not be measured here (no PyTorch, say). */
  readonly value: number | null;
  readonly unit: string;
  readonly at_least: number | null;
  readonly aim: number | null;
  /** Whether `at_least` is met; null where there is no target or no value. */
  readonly pass: boolean | null;
}

/** What must be reached and what is hoped for. */
export interface Target {
  readonly atLeast: number;
  readonly aim: number;
  /** Speed-ups are better when higher; costs when lower. */
  readonly better: "higher" | "lower";
}

/** Whether a run has the whole program before it or 45 seconds, and where it says what it found. */
export interface BenchContext {
  readonly quick: boolean;
  /** What `--engine` takes: the engine whose surroundings are measured; `auto` without the flag. */
  readonly engine: string;
  /** Prints a line of detail. */
  readonly note: (text: string) => void;
}

/** Measures one hot path. @throws where a result is not finite or two ways to one result differ */
export type Bench = (context: BenchContext) => Promise<Measure[]>;

/** A line of the results. @throws for a value that is not a number: something is broken then, not slow */
export function measured(measure: string, value: number | null, unit: string, target?: Target): Measure {
  if (value !== null && !Number.isFinite(value))
    throw new Error(`${measure}: ${value} ${unit} is not finite`);
  let pass: boolean | null = null;
  if (target !== undefined && value !== null) {
    pass = target.better === "higher" ? value >= target.atLeast : value <= target.atLeast;
  }
  return { measure, value, unit, at_least: target?.atLeast ?? null, aim: target?.aim ?? null, pass };
}

/** Four significant digits, thousands with commas. */
export function figure(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}

/** The results as aligned lines: measure, value, and where there is a target, how it compares. */
export function resultLines(results: readonly Measure[]): string[] {
  const width = Math.max(...results.map(({ measure }) => measure.length));
  return results.map(({ measure, value, unit, at_least, aim, pass }) => {
    const shown = value === null ? "not measured" : `${figure(value)} ${unit}`;
    const verdict = pass === null ? "" : pass ? "met" : "MISSED";
    const target = at_least === null ? "" : `${verdict} (at least ${at_least}, aim ${aim})`;
    return `${measure.padEnd(width)}  ${shown.padEnd(20)}  ${target}`.trimEnd();
  });
}

/** `10⁶ bars` for powers of ten. */
export function barsText(count: number): string {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return `10${digits[Math.round(Math.log10(count))]} bars`;
}
