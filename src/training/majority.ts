import { blockEnd, inBlocks, neverCancelled, type CancellationToken } from "../core/index.js";
import { sortedUnion } from "../dataset/index.js";
import { predictedClass } from "./metrics.js";

/** When test samples were made and when their labels became known, on one scale (openings of the bars, ms). */
export interface SampleTimes {
  /** [n]; samples of several symbols share times. */
  readonly time: Float64Array;
  /** [n], >= time. */
  readonly knownAt: Float64Array;
}

/** Accuracy of a model minus that of always giving the commonest class of the same samples. */
export interface AccuracyInterval {
  readonly difference: number;
  /** 95 % confidence interval; the model beats the constant answer only where `low` > 0. */
  readonly low: number;
  readonly high: number;
  /** How many independent samples the test part is worth; at most the number of samples. */
  readonly effectiveSamples: number;
}

/**
 * The interval behind the sentence "the model is better than always saying the same".
 *
 * Each sample gives d = hit - hit of the constant answer, which is -1, 0 or 1. The interval is that of Bonett & Price
 * (2012, J. Educ. Behav. Stat. 37, 479) for paired proportions, which stays honest where d never varies, on n / τ
 * samples instead of n: labels overlap, legs of a trend give many bars one label, and symbols move together, so the
 * samples are not independent. τ is the larger of
 * - the mean number of sampling times in the span from a sample to the bar at which its label is known (labels that look h
 *   bars ahead have about 1/h of the information), times the part of the next figure that symbols at one time cause;
 * - the variance of the mean of d by Newey & West (1987) over sums per time, divided by that of independent samples, with
 *   ceil(1.3 √T) lags, or two label spans if more (Lazarus et al. 2018, J. Bus. Econ. Stat. 36, 541), T times.
 * As the lags are many for the length of the series, the quantile is that of Kiefer & Vogelsang (2005, Econometric Theory
 * 21, 1130) instead of 1.96.
 *
 * @param probabilities [n × 3]
 * @param labels        [n]
 * @returns null without samples
 * @throws CancelledError
 */
export function accuracyAgainstMajority(
  probabilities: Float32Array,
  labels: Uint8Array,
  times: SampleTimes,
  token: CancellationToken = neverCancelled,
): AccuracyInterval | null {
  const n = labels.length;
  if (n === 0) return null;
  const majority = commonest(labels);
  const d = new Int8Array(n);
  let wins = 0;
  let losses = 0;
  inBlocks(n, token, (from, to) => {
    for (let i = from; i < to; i++) {
      d[i] = Number(predictedClass(probabilities, i) === labels[i]) - Number(labels[i] === majority);
      if (d[i] > 0) wins++;
      else if (d[i] < 0) losses++;
    }
  });
  const { dependence, quantile } = dependenceOf(d, (wins - losses) / n, times, token);
  const effective = n / dependence;
  // Bonett & Price: one win and one loss are added to the observed ones.
  const p = (wins / dependence + 1) / (effective + 2);
  const q = (losses / dependence + 1) / (effective + 2);
  const half = quantile * Math.sqrt((p + q - (p - q) ** 2) / (effective + 2));
  return {
    difference: (wins - losses) / n,
    low: Math.max(-1, p - q - half),
    high: Math.min(1, p - q + half),
    effectiveSamples: effective,
  };
}

function commonest(labels: Uint8Array): number {
  const counts = [0, 0, 0];
  for (const label of labels) counts[label]++;
  return counts.indexOf(Math.max(...counts));
}

/** τ >= 1, and the quantile that goes with the lags behind it. */
function dependenceOf(
  d: Int8Array,
  mean: number,
  { time, knownAt }: SampleTimes,
  token: CancellationToken,
): { dependence: number; quantile: number } {
  const distinct = sortedUnion(ascendingRuns(time, token), token);
  const count = distinct.length;
  const position = (when: number): number => firstAfter(distinct, when) - 1;
  const sums = new Float64Array(count); // of d - mean, per time
  let independent = 0;
  let spans = 0;
  inBlocks(d.length, token, (from, to) => {
    for (let i = from; i < to; i++) {
      const at = position(time[i]);
      sums[at] += d[i] - mean;
      independent += (d[i] - mean) ** 2;
      spans += Math.max(1, position(knownAt[i]) - at);
    }
  });
  const span = spans / d.length;
  const lags = Math.min(count - 1, Math.ceil(Math.max(1.3 * Math.sqrt(count), 2 * span)));
  const share = (lags + 1) / count;
  // Kiefer & Vogelsang 2005, table 1: Bartlett kernel, 97.5 %.
  const quantile = 1.96 + 2.9694 * share + 0.416 * share ** 2 - 0.5324 * share ** 3;
  if (independent === 0) return { dependence: span, quantile };
  const across = Math.max(1, longRunSum(sums, 0, token) / independent);
  const along = longRunSum(sums, lags, token) / independent;
  return { dependence: Math.min(d.length, Math.max(span * across, along)), quantile };
}

/** The stretches of a column in which each value is above the one before: one for each symbol that was joined. */
function ascendingRuns(values: Float64Array, token: CancellationToken): Float64Array[] {
  const runs: Float64Array[] = [];
  let from = 0;
  for (let i = 1; i <= values.length;)
    for (const end = blockEnd(i, values.length + 1, token); i < end; i++) {
      if (i < values.length && values[i] > values[i - 1]) continue;
      runs.push(values.subarray(from, i));
      from = i;
    }
  return runs;
}

/** Sum of autocovariances × length with Bartlett weights (Newey & West 1987); never negative. */
function longRunSum(x: Float64Array, lags: number, token: CancellationToken): number {
  let total = 0;
  for (let lag = 0; lag <= lags; lag++) {
    let sum = 0;
    for (let t = lag; t < x.length;)
      for (const end = blockEnd(t, x.length, token); t < end; t++) sum += x[t] * x[t - lag];
    total += (lag === 0 ? 1 : 2 * (1 - lag / (lags + 1))) * sum;
  }
  return total;
}

/** Index of the first value > `when`, the length if there is none. */
function firstAfter(sorted: Float64Array, when: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= when) low = middle + 1;
    else high = middle;
  }
  return low;
}
