import { KnownError, neverCancelled, throwIfCancelled, type CancellationToken } from "../core/index.js";
import { firstAtOrAfter } from "../data/index.js";
import { noLabel, type Labels } from "../labels/index.js";
import type { Dropped } from "./split-symbol.js";

/** Bar times from `from` on and before `to`, as positions on the common time axis of all symbols. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What one fold trains, selects and tests on. Spans of one part do not touch and are in order of time. */
export interface Fold {
  readonly train: readonly Span[];
  /** Empty where nothing is selected. */
  readonly validation: readonly Span[];
  readonly test: readonly Span[];
}

/** How folds are laid out. */
export type FoldPlan =
  | {
      /** `anchored`: each fold trains from the first time on; `rolling`: on the same number of times before its test. */
      readonly scheme: "anchored" | "rolling";
      readonly folds: number;
      /** Share of the times before the first test. */
      readonly first: number;
    }
  | {
      /** Every choice of `tested` out of `groups` stretches of time is a fold's test. */
      readonly scheme: "combinatorial";
      readonly groups: number;
      readonly tested: number;
    };

/** The times are too few for the folds that were asked for. */
export class TooFewTimesError extends KnownError {
  readonly code = "TOO_FEW_TIMES";
  readonly times: number;

  constructor(times: number, parts: number) {
    super(
      `${times} bar times cannot be divided into ${parts} stretches that each have some. Take a longer range or fewer folds.`,
    );
    this.times = times;
  }
}

/**
 * The folds of a plan over `times` bar times.
 *
 * Anchored and rolling (Pardo 2008): the times after the first share are cut into `folds` tests of equal length, each one
 * tested by a model that knows only what lay before it. Combinatorial (López de Prado 2018, ch. 12): the times are cut into
 * groups, and each choice of some is tested by a model trained on all others, later ones too.
 *
 * @param validationShare share of a fold's training time that selects the epoch, its last; 0 for none
 * @throws TooFewTimesError
 */
export function foldsOf(plan: FoldPlan, times: number, validationShare: number): Fold[] {
  const cut = (from: number, parts: number, k: number): number =>
    from + Math.floor(((times - from) * k) / parts + 1e-9);
  if (plan.scheme === "combinatorial") {
    const { groups, tested } = plan;
    if (times < 2 * groups) throw new TooFewTimesError(times, groups);
    return choices(groups, tested).map((chosen) => {
      const spans = (wanted: boolean): Span[] =>
        joined(
          Array.from({ length: groups }, (_, g) => g)
            .filter((g) => chosen.includes(g) === wanted)
            .map((g) => ({ from: cut(0, groups, g), to: cut(0, groups, g + 1) })),
        );
      return { ...withValidation(spans(false), validationShare), test: spans(true) };
    });
  }
  const { folds, first, scheme } = plan;
  const before = Math.floor(times * first + 1e-9);
  if (before < 2 || times - before < folds) throw new TooFewTimesError(times, folds + 1);
  return Array.from({ length: folds }, (_, k) => {
    const [from, to] = [cut(before, folds, k), cut(before, folds, k + 1)];
    const training = { from: scheme === "anchored" ? 0 : from - before, to: from };
    return { ...withValidation([training], validationShare), test: [{ from, to }] };
  });
}

/** All ways to choose `count` of the numbers 0 to `from` - 1, in order. */
function choices(from: number, count: number): number[][] {
  if (count === 0) return [[]];
  const all: number[][] = [];
  for (let last = count - 1; last < from; last++) {
    for (const rest of choices(last, count - 1)) all.push([...rest, last]);
  }
  return all;
}

/** Spans that touch become one. */
function joined(spans: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const span of spans) {
    const before = all.at(-1);
    if (before?.to === span.from) all[all.length - 1] = { from: before.from, to: span.to };
    else all.push(span);
  }
  return all;
}

/** The last share of the times becomes validation. */
function withValidation(spans: readonly Span[], share: number): { train: Span[]; validation: Span[] } {
  const times = spans.reduce((sum, { from, to }) => sum + to - from, 0);
  let left = Math.floor(times * (1 - share) + 1e-9);
  const train: Span[] = [];
  const validation: Span[] = [];
  for (const { from, to } of spans) {
    const until = Math.min(to, from + left);
    if (until > from) train.push({ from, to: until });
    if (until < to) validation.push({ from: until, to });
    left -= until - from;
  }
  return { train, validation };
}

/** What `splitFold` needs of one symbol. */
export interface FoldSymbol {
  /** Openings of all base bars, [n]. */
  readonly time: Float64Array;
  /** Bars [from, to) may become samples. */
  readonly from: number;
  readonly to: number;
  /** 1 for rows that have all features, [n]. */
  readonly complete: Uint8Array;
  /** Leading rows without a complete set of features. */
  readonly warmUp: number;
  readonly labels: Labels;
}

/** Rows of one symbol in one fold, as indices of base bars, ascending. */
export interface FoldRows {
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  /** Test rows that have a label. */
  readonly test: Uint32Array;
  /** All test rows that have features: what the fold's model is traded on. */
  readonly traded: Uint32Array;
  readonly dropped: Dropped;
}

/** A stretch of time that samples of other parts must not reach into, epoch ms: from its first bar to the last bar its labels saw. */
interface Guarded {
  readonly from: number;
  readonly to: number;
}

/**
 * The rows of each symbol in one fold, purged by label intervals.
 *
 * A sample's label is made of the bars from its own to the one with whose close it is known. A training sample is dropped where
 * that interval meets the stretch of a validation or test span, which reaches from the span's first bar to the last bar that
 * labels of its samples, of any symbol, were made of; a validation sample likewise against test spans. So neither did a training
 * label see test prices, nor does a training sample that follows a test lie in bars that test labels were made of. With
 * an embargo a stretch is that many bar times longer at either end.
 *
 * @param union the common time axis of all symbols, epoch ms, ascending
 * @throws CancelledError
 */
export function splitFold(
  fold: Fold,
  symbols: readonly FoldSymbol[],
  union: Float64Array,
  embargo: number,
  token: CancellationToken = neverCancelled,
): FoldRows[] {
  const timeAt = (position: number): number => (position < union.length ? union[position] : Infinity);
  const guard = ({ from, to }: Span): Guarded => {
    let until = union[to - 1];
    for (const { time, labels, to: end } of symbols) {
      throwIfCancelled(token);
      const stop = Math.min(end, labels.classes.length, firstAtOrAfter(time, timeAt(to)));
      for (let t = firstAtOrAfter(time, union[from]); t < stop; t++) {
        if (labels.classes[t] === noLabel || labels.knownAt[t] >= end) continue;
        until = Math.max(until, time[labels.knownAt[t]]);
      }
    }
    const last = firstAtOrAfter(union, until);
    return {
      from: union[Math.max(0, from - embargo)],
      to: union[Math.min(union.length - 1, last + embargo)],
    };
  };
  const tests = fold.test.map(guard);
  const selections = fold.validation.map(guard);
  return symbols.map((symbol) => {
    const counts = { warm_up: 0, no_label: 0, purged: 0, embargoed: 0 };
    const rowsIn = (spans: readonly Span[], guarded: readonly Guarded[], labelled: boolean): Uint32Array => {
      const { time, from, to, complete, warmUp, labels } = symbol;
      const { classes, knownAt } = labels;
      const kept: number[] = [];
      for (const span of spans) {
        const first = Math.max(from, firstAtOrAfter(time, timeAt(span.from)));
        const end = Math.min(to, firstAtOrAfter(time, timeAt(span.to)));
        for (let t = first; t < end; t++) {
          if ((t & 4095) === 0) throwIfCancelled(token);
          if (t < warmUp || complete[t] === 0) counts.warm_up += labelled ? 1 : 0;
          else if (!labelled) kept.push(t);
          else if (t >= classes.length || classes[t] === noLabel || knownAt[t] >= to) counts.no_label++;
          else if (guarded.some((one) => time[t] <= one.to && time[knownAt[t]] >= one.from)) counts.purged++;
          else kept.push(t);
        }
      }
      return Uint32Array.from(kept);
    };
    const train = rowsIn(fold.train, [...selections, ...tests], true);
    const validation = rowsIn(fold.validation, tests, true);
    const test = rowsIn(fold.test, [], true);
    return { train, validation, test, traded: rowsIn(fold.test, [], false), dropped: counts };
  });
}
