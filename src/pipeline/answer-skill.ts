import { blockBootstrap, fewestBlocks } from "../backtest/index.js";
import { blockEnd, inBlocks, neverCancelled, type CancellationToken } from "../core/index.js";
import { sortedUnion } from "../dataset/index.js";

/** When test samples were made and when their labels became known, on one scale (openings of the bars, ms). */
export interface SampleTimes {
  /** [n]; ascending for each symbol, one symbol after the other; symbols share times. */
  readonly time: Float64Array;
  /** [n], >= time. */
  readonly knownAt: Float64Array;
}

/** How much more probability a model gives to what comes than the same probabilities would at random times; 0..1. */
export interface AnswerSkill {
  /** Mean probability of what came, were the same probabilities dealt out at random over each symbol's bars: Σ p̄_k l̄_k. */
  readonly chance: number;
  /** Mean probability of what came, less `chance`. */
  readonly difference: number;
  /** 95 % interval of the difference; null where there are too few times for any. */
  readonly interval: readonly [low: number, high: number] | null;
  /**
   * One-sided: how often chance alone gives a difference as large; uniform where there is no skill. Null
   * without an interval, and for probabilities that never vary.
   */
  readonly p: number | null;
  /** The difference in standard errors; null like the interval. */
  readonly deviations: number | null;
  /** False where fewer times or blocks of dependent bars fit into the series than a claim of skill needs. */
  readonly enough: boolean;
}

/** Fewer times than this are too few for the bootstrap to be one: of 34 it claims four times as often as it should. */
const fewestTimes = 60;

/** Probabilities may remember labels over this part of the bars. */
const remembered = 8;

/** Seed of the bootstrap: the same answers have the same interval, whoever asks. */
const seed = 1;

/**
 * Is there anything in a model's probabilities beyond how high they are on average? The statistic is the covariance of probabilities and
 * labels, summed over the classes: the mean probability of what came, less that of the same probabilities at random times; for certain
 * answers it is the numerator of Cohen's kappa (1960). It is 0 on average for whatever knows nothing, constant answers included, and does
 * not reward for a market that rises: label shares are those of the bars judged. Probabilities say more than answers: with a correlation of
 * 0.2 over 750 bars it lies 4.4 standard errors above 0, the accuracy 3.5. Symbols are centred one by one, as telling symbols apart is no
 * timing.
 *
 * The means contain labels from which later probabilities were computed, so the covariance is too low for a model that follows the market and
 * too high for one that goes against it (Stambaugh 1999, J. Financial Economics 54, 375), by the sum of the covariances with the labels before,
 * over the number of bars. That sum, over an eighth of the bars, is added.
 *
 * Each sample contributes Σ_k (p_k - mean p_k) (l_k - mean l_k), where l marks the label. Contributions at one time are added,
 * as symbols move together, and the circular block bootstrap gives interval and p. A block holds the time over which a label reaches
 * three times, and at least the cube root of all times: beyond a label's reach contributions of whatever knows nothing are unrelated, however
 * long its answers last.
 *
 * @param probabilities [n × 3]
 * @param labels        [n]
 * @returns null without samples
 * @throws CancelledError
 */
export function answerSkill(
  probabilities: Float32Array,
  labels: Uint8Array,
  { time, knownAt }: SampleTimes,
  token: CancellationToken = neverCancelled,
): AnswerSkill | null {
  const n = labels.length;
  if (n === 0) return null;
  const runs = ascendingRuns(time, token);
  const distinct = sortedUnion(
    runs.map(([from, to]) => time.subarray(from, to)),
    token,
  );
  const count = distinct.length;
  const perTime = new Float64Array(count);
  let [chance, spans] = [0, 0];
  for (const [from, to] of runs) {
    const given = [0, 0, 0]; // mean probabilities, and shares of the labels
    const labelled = [0, 0, 0];
    inBlocks(to - from, token, (first, end) => {
      for (let i = from + first; i < from + end; i++) {
        for (let k = 0; k < 3; k++) given[k] += probabilities[3 * i + k] / (to - from);
        labelled[labels[i]] += 1 / (to - from);
      }
    });
    const expected = given.reduce((sum, share, k) => sum + share * labelled[k], 0);
    chance += (expected * (to - from)) / n;
    const memory = Math.ceil((to - from) / remembered);
    const before = [0, 0, 0]; // of the last `memory` labels, less their shares
    let [at, known] = [0, 0];
    for (let i = from; i < to;)
      for (const end = blockEnd(i, to, token); i < end; i++) {
        while (distinct[at] < time[i]) at++;
        if (known < at) known = at;
        while (known + 1 < count && distinct[known + 1] <= knownAt[i]) known++;
        while (known > at && distinct[known] > knownAt[i]) known--;
        let contribution = probabilities[3 * i + labels[i]] - given[labels[i]] + expected;
        for (let k = 0; k < 3; k++) {
          const probability = probabilities[3 * i + k];
          contribution -= probability * labelled[k];
          contribution += ((probability - given[k]) * before[k]) / (to - from);
          const left = i - memory >= from ? Number(labels[i - memory] === k) - labelled[k] : 0;
          before[k] += Number(labels[i] === k) - labelled[k] - left;
        }
        perTime[at] += contribution * (count / n);
        spans += Math.max(1, known - at);
      }
  }
  const wanted = Math.ceil(Math.max(Math.cbrt(count), (3 * spans) / n));
  const most = Math.floor(count / fewestBlocks);
  const enough = wanted <= most && count >= fewestTimes;
  // Probabilities that never vary leave the noise of rounding.
  if (perTime.every((value) => Math.abs(value) < 1e-9)) {
    return { chance, difference: 0, interval: [0, 0], p: null, deviations: 0, enough };
  }
  if (most < 1) {
    const difference = perTime.reduce((sum, value) => sum + value, 0) / count;
    return { chance, difference, interval: null, p: null, deviations: null, enough };
  }
  const { mean, low, high, p, deviation } = blockBootstrap(perTime, Math.min(wanted, most), seed, token);
  return {
    chance,
    difference: mean,
    interval: [low, high],
    p,
    deviations: deviation > 0 ? mean / deviation : 0,
    enough,
  };
}

/** The stretches [from, to) of a column in which each value is above the one before: one for each symbol that was joined. */
function ascendingRuns(values: Float64Array, token: CancellationToken): [from: number, to: number][] {
  const runs: [number, number][] = [];
  let from = 0;
  for (let i = 1; i <= values.length;)
    for (const end = blockEnd(i, values.length + 1, token); i < end; i++) {
      if (i < values.length && values[i] > values[i - 1]) continue;
      runs.push([from, i]);
      from = i;
    }
  return runs;
}
