import { createPass, interleave, median, timed } from "./timing.js";

/** What computing over all bars costs. */
export interface ColumnCost {
  readonly nsPerBar: number;
  /** In sums over a `Float64Array` of the same length, timed in the same rounds. */
  readonly passes: number;
}

/** Costs of some computations over `bars` bars each, median of interleaved rounds. */
export async function columnCosts(
  work: Readonly<Record<string, () => unknown>>,
  bars: number,
  rounds: number,
): Promise<{ costs: Record<string, ColumnCost>; passMs: number }> {
  const pass = createPass(bars);
  const timings = Object.entries(work).map(([name, compute]) => [name, () => timed(compute)] as const);
  // One sum takes a millisecond: twenty, spread over the round, make a steadier unit.
  const passTimes: number[] = [];
  const withPass = timings.map(([name, variant]) => {
    return [
      name,
      async () => {
        passTimes.push(await pass());
        return variant();
      },
    ] as const;
  });
  const times = await interleave(Object.fromEntries(withPass), rounds);
  const passMs = median(passTimes);
  const costs = Object.fromEntries(
    Object.entries(times).map(([name, ms]) => {
      const cost: ColumnCost = { nsPerBar: (median(ms) * 1e6) / bars, passes: median(ms) / passMs };
      return [name, cost] as const;
    }),
  );
  return { costs, passMs };
}

/** The costs as aligned lines. */
export function costLines(costs: Readonly<Record<string, ColumnCost>>): string[] {
  const width = Math.max(...Object.keys(costs).map((name) => name.length));
  return Object.entries(costs).map(
    ([name, { nsPerBar, passes }]) =>
      `${name.padEnd(width)}  ${nsPerBar.toFixed(2).padStart(8)} ns/bar  ${passes.toFixed(1).padStart(6)} passes`,
  );
}
