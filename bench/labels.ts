import { makeBars } from "../test/bars.js";
import { importBuilt } from "./built.js";
import { columnCosts, costLines } from "./columns.js";
import { barsText, measured, type Bench } from "./measure.js";

/** Every label type with its default parameters over many bars. */
export const benchLabels: Bench = async ({ quick, note }) => {
  const { labelTypes, neverCancelled } = await importBuilt();
  const count = quick ? 100_000 : 1_000_000;
  const size = barsText(count);
  const bars = makeBars({ count, timeframe: "1m", volatility: 0.001 });
  const work: Record<string, () => void> = {};
  for (const [name, type] of Object.entries(labelTypes)) {
    const params: unknown = type.schema.parse({});
    work[name] = () => type.compute(bars, params, neverCancelled);
    if (!type.compute(bars, params, neverCancelled).classes.some((label) => label >= 0)) {
      throw new Error(`${name} labels none of ${count} bars`);
    }
  }
  const { costs } = await columnCosts(work, count, quick ? 3 : 9);
  for (const line of costLines(costs)) note(line);
  const target = { atLeast: 100, aim: 40, better: "lower" } as const;
  return Object.keys(labelTypes).map((name) =>
    measured(`${name} labels, ${size}`, costs[name].passes, "passes", target),
  );
};
