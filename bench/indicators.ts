import { makeBars } from "../test/bars.js";
import { importBuilt } from "./built.js";
import { columnCosts, costLines } from "./columns.js";
import { barsText, figure, measured, type Bench } from "./measure.js";

/** Every indicator with its default parameters over many bars. */
export const benchIndicators: Bench = async ({ quick, note }) => {
  const { indicators, makeIndicatorSpec, neverCancelled, outputsOf } = await importBuilt();
  const count = quick ? 100_000 : 1_000_000;
  const size = barsText(count);
  const bars = makeBars({ count, timeframe: "1m", volatility: 0.001 });
  const work: Record<string, () => void> = {};
  const outputs: Record<string, number> = {};
  for (const name of Object.keys(indicators)) {
    const spec = makeIndicatorSpec(name, name);
    outputs[name] = outputsOf(spec).length;
    for (const [output, column] of Object.entries(
      spec.indicator.compute(bars, spec.params, neverCancelled),
    )) {
      if (column.every((value) => Number.isNaN(value)) || column.includes(Infinity)) {
        throw new Error(`${name}.${output} over ${count} bars is not finite`);
      }
    }
    work[name] = () => spec.indicator.compute(bars, spec.params, neverCancelled);
  }
  const { costs, passMs } = await columnCosts(work, count, quick ? 3 : 9);
  note(`one pass over ${count} values: ${passMs.toFixed(3)} ms`);
  for (const line of costLines(costs)) note(line);
  const names = Object.keys(indicators);
  const total = names.reduce((sum, name) => sum + costs[name].passes, 0);
  const columns = names.reduce((sum, name) => sum + outputs[name], 0);
  const slowest = names.reduce((a, b) => (costs[b].passes > costs[a].passes ? b : a));
  note(`slowest: ${slowest}, all its outputs together ${figure(costs[slowest].passes)} passes`);
  return [
    measured(`mean time per indicator output column, ${size}`, total / columns, "passes", {
      atLeast: 12,
      aim: 6,
      better: "lower",
    }),
    measured(`slowest indicator, ${size}`, costs[slowest].passes, "passes", {
      atLeast: 60,
      aim: 30,
      better: "lower",
    }),
    ...names.map((name) => measured(`indicator ${name}, ${size}`, costs[name].nsPerBar, "ns/bar")),
  ];
};
