import { membershipDegrees, membershipTypes, type FuzzySpec } from "../fuzzy/index.js";

/** The membership functions of one feature, sampled over a range, ready to be drawn. */
export interface MembershipCurves {
  readonly featureId: string;
  /** What the crisp value is: `rsi_14`, or `close / sma_50`. */
  readonly axis: string;
  /** Crisp values at equal distances, ascending, [points]. */
  readonly x: Float64Array;
  /** Degrees at `x`, [points] each, and the function as the strategy file writes it. */
  readonly sets: readonly {
    readonly name: string;
    readonly formula: string;
    readonly degrees: Float64Array;
  }[];
  /** How many observed values lie nearest to each `x`, [points]; null where no bars were given. */
  readonly observed: Float64Array | null;
}

/** The range of the finite values, or undefined without any. */
function rangeOf(values: Iterable<number>): [number, number] | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : undefined;
}

/**
 * Samples the sets of a feature over the observed range, or over the range that they support where there are no values.
 *
 * @param crisp   observed crisp values, or null
 * @param points  number of samples, 2 or more
 */
export function membershipCurves(
  spec: FuzzySpec,
  crisp: Float64Array | null,
  points: number,
): MembershipCurves {
  const spans = spec.sets.flatMap(({ membership: { type, parameters } }) =>
    membershipTypes[type].span(parameters),
  );
  let [from, to] = (crisp === null ? undefined : rangeOf(crisp)) ?? rangeOf(spans) ?? [0, 1];
  if (from === to) {
    const margin = Math.abs(from) / 100 || 1; // a single value still needs some room on both sides
    [from, to] = [from - margin, to + margin];
  }
  const step = (to - from) / (points - 1);
  const x = Float64Array.from({ length: points }, (_, k) => (k === points - 1 ? to : from + k * step));
  let observed: Float64Array | null = null;
  if (crisp !== null) {
    observed = new Float64Array(points);
    for (const value of crisp) if (Number.isFinite(value)) observed[Math.round((value - from) / step)]++;
  }
  const { transform, featureId } = spec;
  return {
    featureId,
    axis: transform.type === "price_ratio" ? `${transform.reference} / ${featureId}` : featureId,
    x,
    sets: spec.sets.map(({ name, membership }) => ({
      name,
      formula: `${membership.type} [${membership.parameters.join(", ")}]`,
      degrees: membershipDegrees(membership, x),
    })),
    observed,
  };
}

/** Round numbers (1, 2 or 5 times a power of ten apart) within the range, at most `most` of them. */
export function roundTicks(from: number, to: number, most: number): number[] {
  for (let power = Math.floor(Math.log10((to - from) / most)); ; power++) {
    for (const digit of [1, 2, 5]) {
      const step = Number(`${digit}e${power}`);
      const first = Math.ceil(from / step);
      const last = Math.floor(to / step);
      if (last - first + 1 > most) continue;
      // Through the decimal text, so that 3 * 0.1 reads 0.3.
      return Array.from({ length: Math.max(0, last - first + 1) }, (_, k) =>
        Number(((first + k) * step).toPrecision(12)),
      );
    }
  }
}

const eighths = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/** Heights 0..1 as `rows` lines of block characters, highest line first. */
function blocks(heights: Float64Array, rows: number): string[] {
  return Array.from({ length: rows }, (_, r) => {
    const below = rows - 1 - r;
    const cell = (height: number): string => {
      const filled = Math.round(height * rows * 8) - below * 8;
      return eighths[Math.max(0, Math.min(8, filled))];
    };
    return [...heights].map(cell).join("");
  });
}

/** A line of numbers under their places on the axis. */
function tickLine(x: Float64Array): string {
  const from = x[0];
  const to = x[x.length - 1];
  let line = "";
  for (const tick of roundTicks(from, to, 7)) {
    const text = String(tick);
    const column = Math.round(((tick - from) / (to - from)) * (x.length - 1)) - Math.floor(text.length / 2);
    if (column < line.length + (line === "" ? 0 : 2)) continue;
    line = line.padEnd(column) + text;
  }
  return line;
}

/** The curves as text: a small chart per set, one axis under all of them, and the observed values where there are any. */
export function plotText(curves: MembershipCurves): string {
  const chart = (heights: Float64Array, top: string): string[] =>
    blocks(heights, 3).map(
      (line, r) => `${(r === 0 ? top : r === 2 ? "0" : "").padStart(6)} │${line.trimEnd()}`,
    );
  const lines: string[] = [];
  for (const { name, formula, degrees } of curves.sets)
    lines.push(`${name}: ${formula}`, ...chart(degrees, "1"));
  const { observed } = curves;
  if (observed !== null) {
    const highest = Math.max(1, ...observed);
    const total = observed.reduce((sum, count) => sum + count, 0);
    const heights = observed.map((count) => count / highest);
    lines.push(`observed values: ${total}`, ...chart(heights, String(highest)));
  }
  lines.push(
    `${" ".repeat(7)}└${"─".repeat(curves.x.length)}`,
    `${" ".repeat(8)}${tickLine(curves.x)}`,
    `${" ".repeat(8)}${curves.axis}`,
  );
  return lines.join("\n");
}
