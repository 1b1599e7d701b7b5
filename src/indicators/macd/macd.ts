import * as z from "zod";
import { blockEnd } from "../../core/index.js";
import { defineIndicator } from "../define.js";
import { exponentialMean } from "../kernels/smoothing.js";
import { sourceColumn, sourceSchema } from "../kernels/source.js";

/** Appel's moving average convergence/divergence. */
export const macdIndicator = defineIndicator({
  name: "macd",
  aliases: ["movingaverageconvergencedivergence"],
  title: "Moving Average Convergence/Divergence",
  definition:
    "Appel 1979: EMA(fast) - EMA(slow), each seeded with the mean of its own first values; signal = EMA of the line seeded " +
    "likewise; hist = line - signal; first line at bar slow - 1, first signal at bar slow + signal - 2",
  schema: z
    .strictObject({
      fast_period: z.int().min(1).max(50).default(12),
      slow_period: z.int().min(2).max(100).default(26),
      signal_period: z.int().min(1).max(50).default(9),
      source: sourceSchema,
    })
    .refine((params) => params.fast_period < params.slow_period, {
      path: ["fast_period"],
      message: "fast_period must be less than slow_period",
    }),
  outputs: ["line", "signal", "hist"],
  primary: "line",
  needsVolume: ({ source }) => source === "volume",
  warmup: ({ slow_period, signal_period }) => {
    const signal = slow_period + signal_period - 2;
    return { line: slow_period - 1, signal, hist: signal };
  },
  compute: (bars, { fast_period, slow_period, signal_period, source }, token) => {
    const x = sourceColumn(bars, source);
    const fast = exponentialMean(x, fast_period, token);
    const line = exponentialMean(x, slow_period, token);
    for (let t = slow_period - 1; t < line.length;)
      for (const end = blockEnd(t, line.length, token); t < end; t++) line[t] = fast[t] - line[t];
    const signal = exponentialMean(line, signal_period, token, slow_period - 1);
    const hist = fast;
    for (let t = 0; t < hist.length;)
      for (const end = blockEnd(t, hist.length, token); t < end; t++) hist[t] = line[t] - signal[t];
    return { line, signal, hist };
  },
});
