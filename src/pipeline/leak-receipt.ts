import {
  createRandom,
  inBlocks,
  KnownError,
  throwIfCancelled,
  type CancellationToken,
} from "../core/index.js";
import { closeTimes, firstAtOrAfter, isIntraday, sliceBars, type Bars } from "../data/index.js";
import { parts, type Boundaries, type Part, type SymbolSplit } from "../dataset/index.js";
import {
  createFeatures,
  calculateIndicators,
  generateFuzzyMemberships,
  longestAgeMs,
  TimeframesApartError,
  type FeatureTable,
  type TimeframeMemberships,
} from "../features/index.js";
import { MissingVolumeError } from "../indicators/index.js";
import { noLabel, type Labels } from "../labels/index.js";
import type { Strategy } from "../strategy/index.js";
import type { LabelledRows } from "./rows.js";
import { barText } from "./series-records.js";
import type { SymbolSeries } from "./series.js";

/** What was checked against seeing the future before a training, all symbols together; field names as in JSON. */
export interface LeakReceipt {
  /** Always true: a leak stops the run. */
  readonly clean: true;
  readonly features: {
    /** Beginnings of the series from which the features were computed again. */
    readonly prefixes: number;
    /** Bars whose features were compared bit for bit, each prefix counted; `bars` of the whole series. */
    readonly bars_compared: number;
    readonly bars: number;
    readonly values_compared: number;
  };
  readonly labels: {
    /** Samples of all parts whose label interval was held against the split. */
    readonly samples: number;
    /** Labels that were computed again from the bars up to a prefix's end or a boundary, and compared. */
    readonly labels_compared: number;
  };
  readonly joins: {
    /** Rows whose value of another timeframe was held against the last bar that had closed. */
    readonly rows_checked: number;
  };
}

/** How something of the future got into a training. */
export type LeakKind = "feature" | "join" | "label" | "split";

/** Something that a training was about to learn from could not have been known at its bar. */
export class LeakError extends KnownError {
  readonly code = "LEAK";
  readonly kind: LeakKind;
  readonly symbol: string;
  /** The feature, or the part of the data set. */
  readonly what: string;
  /** Opening of the bar. */
  readonly bar: string;

  constructor(kind: LeakKind, symbol: string, what: string, bar: string, message: string) {
    super(`Leak: ${message} The run was stopped, and nothing was saved.`);
    this.kind = kind;
    this.symbol = symbol;
    this.what = what;
    this.bar = bar;
  }
}

/** Features and labels of one symbol, and what they were made of. */
export interface LeakSource {
  readonly strategy: Strategy;
  readonly series: SymbolSeries;
  readonly memberships: readonly TimeframeMemberships[];
  readonly table: FeatureTable;
  /** Leading rows without a complete set of features. */
  readonly warmUp: number;
  readonly labels: Labels;
}

/** One symbol as training is about to use it. */
export interface LeakSubject extends LeakSource {
  readonly boundaries: Boundaries;
  readonly split: SymbolSplit;
  readonly rows: Readonly<Record<Part, LabelledRows>>;
}

const joinsPerTimeframe = 32;
/** Labels are computed again up to a boundary where it lies within so many bars; beyond, up to the beginnings' ends alone. */
const boundaryBars = 20_000;

/**
 * Holds everything that one symbol gives to training against what could be known at the time:
 *
 * - features are computed again from random beginnings of the series, with the coarser bars that had closed by then, and every value
 *   must be the same to the bit, in the table and in the rows that the network reads; so a value that any later bar
 *   changes is found, whether an indicator, a membership function, a join or a scaling brought it in;
 * - labels are computed again from the same beginnings and, in all but long series, from the bars before each boundary: those that claim to be known by then
 *   must be the same, the others must not exist yet;
 * - every kept sample must lie in its part, and its label must be known before the next part begins;
 * - random rows must have the value of the last bar of each other timeframe that had closed with them.
 *
 * The work is bounded: beginnings add up to some 500 bars, the warm-up and a fiftieth of a long series, since a recursive indicator cannot be
 * computed from a window in its middle.
 *
 * What is drawn depends on the symbol and its number of bars alone, so that the receipt is of the data and the same for every seed.
 *
 * @throws LeakError, CancelledError
 */
export function checkLeaks(subject: LeakSubject, token: CancellationToken): LeakReceipt {
  const { start } = subject.boundaries;
  const receipt = checkSource(subject, [start.validation, start.test], token, (again, length) =>
    compareMatrices(subject, again, length, token),
  );
  return { ...receipt, labels: { ...receipt.labels, samples: checkIntervals(subject, token) } };
}

/**
 * The part of `checkLeaks` that knows nothing of splits: features and labels again from random beginnings, labels up to some boundaries too, and
 * joins. Its receipt counts no samples.
 *
 * @param boundaries times at which training ends somewhere, epoch ms
 * @param also       told of each table of features that was made again, and how many bars it has
 * @throws LeakError, CancelledError
 */
export function checkSource(
  source: LeakSource,
  boundaries: readonly number[],
  token: CancellationToken,
  also: (again: FeatureTable, length: number) => void = () => undefined,
): LeakReceipt {
  const { series, table } = source;
  const random = createRandom(table.rows, `leak receipt ${series.symbol}`);
  const lengths = prefixLengths(source, (from, to) => random.integer(from, to));
  let [prefixes, compared, values] = [0, 0, 0];
  for (const length of lengths) {
    throwIfCancelled(token);
    const again = featuresOf(source, length, token);
    if (again === null) continue;
    compareTables(source, again, length, token);
    also(again, length);
    prefixes++;
    compared += length;
    values += length * table.columns.length;
  }
  return {
    clean: true,
    features: { prefixes, bars_compared: compared, bars: table.rows, values_compared: values },
    labels: { samples: 0, labels_compared: checkLabels(source, lengths, boundaries, token) },
    joins: { rows_checked: checkJoins(source, (from, to) => random.integer(from, to), token) },
  };
}

/** One symbol's kept rows in a fold, and the spans of time of that fold as `[from, to)`, epoch ms. */
export interface FoldSubject {
  readonly symbol: string;
  readonly base: Bars;
  readonly labels: Labels;
  readonly rows: Readonly<Record<Part, Uint32Array>>;
}

/**
 * Holds the rows that a fold trains, selects and tests on against its spans: each lies in its part, and no sample's label was made of bars between
 * the first and the last that samples of a later use, of any symbol, were made of, whichever comes first in time. It looks at the rows that are
 * left and not at how they were chosen.
 *
 * @param spans of each part, as times [from, to), epoch ms
 * @throws LeakError, CancelledError
 */
export function checkFold(
  subjects: readonly FoldSubject[],
  spans: Readonly<Record<Part, readonly (readonly [from: number, to: number])[]>>,
  token: CancellationToken,
): void {
  /** What samples of each span were made of: from the first one's bar to the last bar that a label saw. */
  const reaches: Record<Part, [from: number, to: number][]> = { train: [], validation: [], test: [] };
  for (const part of ["test", "validation", "train"] as const) {
    const guarded = [...reaches.test, ...reaches.validation];
    const reach = spans[part].map((): [number, number] => [Infinity, -Infinity]);
    for (const { symbol, base, labels, rows } of subjects) {
      inBlocks(rows[part].length, token, (first, end) => {
        for (let i = first; i < end; i++) {
          const t = rows[part][i];
          const [opened, known] = [base.time[t], base.time[labels.knownAt[t]]];
          const span = spans[part].findIndex(([from, to]) => opened >= from && opened < to);
          const met = guarded.some(([from, to]) => opened <= to && known >= from);
          if (span >= 0 && known >= opened && !met) {
            reach[span] = [Math.min(reach[span][0], opened), Math.max(reach[span][1], known)];
            continue;
          }
          throw new LeakError(
            "split",
            symbol,
            part,
            barText(base, t),
            `the ${part} sample of ${symbol} at ${barText(base, t)} reaches over its fold: ` +
              (span < 0
                ? "it does not lie in that part."
                : `its label is known at ${barText(base, labels.knownAt[t])}, among the bars of another part.`),
          );
        }
      });
    }
    reaches[part] = reach;
  }
}

/** The receipts of all symbols as one. */
export function addReceipts(receipts: readonly LeakReceipt[]): LeakReceipt {
  const sum = (figure: (receipt: LeakReceipt) => number): number =>
    receipts.reduce((total, receipt) => total + figure(receipt), 0);
  return {
    clean: true,
    features: {
      prefixes: sum(({ features }) => features.prefixes),
      bars_compared: sum(({ features }) => features.bars_compared),
      bars: sum(({ features }) => features.bars),
      values_compared: sum(({ features }) => features.values_compared),
    },
    labels: {
      samples: sum(({ labels }) => labels.samples),
      labels_compared: sum(({ labels }) => labels.labels_compared),
    },
    joins: { rows_checked: sum(({ joins }) => joins.rows_checked) },
  };
}

/**
 * How many bars the beginnings have: random, but at least the warm-up. One may be long, to meet leaks anywhere in all but long series;
 * two are short, for what the first bars show already.
 */
function prefixLengths(
  { series: { series }, table, warmUp }: LeakSource,
  integer: (from: number, to: number) => number,
): number[] {
  const n = table.rows;
  if (warmUp >= n) return [];
  // The end of a day in a zone takes 30 us to find, more than all indicators of a bar.
  const slow =
    series.length > 1 &&
    series.some(({ meta, timeframe }) => meta.dayTimezone !== null && !isIntraday(timeframe));
  const [long, short] = slow ? [100 + n / 50, 20] : [800 + n / 50, 100 + n / 200];
  const from = warmUp + 1;
  return [long, short, short].map((most) => integer(from, Math.min(n, from + Math.floor(most))));
}

/** Features from the first bars only; null where these alone cannot be computed (no volume yet, timeframes apart). */
function featuresOf(
  { strategy, series: { series, base } }: LeakSource,
  length: number,
  token: CancellationToken,
): FeatureTable | null {
  const [closed] = closeTimes(sliceBars(base, length - 1, length));
  const known = series.map((bars) =>
    sliceBars(bars, 0, bars.timeframe === base.timeframe ? length : closedBy(bars, closed)),
  );
  try {
    const indicators = calculateIndicators(strategy, known, token);
    const memberships = generateFuzzyMemberships(strategy, indicators, token);
    return createFeatures(strategy, memberships, token);
  } catch (error) {
    if (error instanceof MissingVolumeError || error instanceof TimeframesApartError) return null;
    throw error;
  }
}

/** How many bars had closed by then. */
function closedBy(bars: Bars, when: number): number {
  let count = firstAtOrAfter(bars.time, when);
  while (count > 0 && closeTimes(sliceBars(bars, count - 1, count))[0] > when) count--;
  return count;
}

const bytesOf = (column: Float64Array, length: number): Buffer =>
  Buffer.from(column.buffer, column.byteOffset, 8 * length);

function compareTables(
  { series: { base, symbol }, table }: LeakSource,
  again: FeatureTable,
  length: number,
  token: CancellationToken,
): void {
  for (const [j, column] of table.columns.entries()) {
    if (j % 16 === 0) throwIfCancelled(token); // 16 columns of 30,000 bars are 4 MB
    const other = again.columns[j];
    if (bytesOf(column, length).equals(bytesOf(other, length))) continue;
    // NaNs may have other bits, and are equal nevertheless.
    for (let t = 0; t < length; t++) {
      if (Object.is(column[t], other[t])) continue;
      const bar = barText(base, t);
      const [known, used] = [other[t], column[t]].map((value) => (Number.isNaN(value) ? "no value" : value));
      throw new LeakError(
        "feature",
        symbol,
        table.names[j],
        bar,
        `feature "${table.names[j]}" of ${symbol} ${base.timeframe} at ${bar} depends on later bars: from the bars up to ` +
          `${barText(base, length - 1)} it is ${known}, in the whole series ${used}. An indicator or membership function may use bars ` +
          `that have closed with its own bar, and nothing later.`,
      );
    }
  }
}

/** Rows as the network reads them: the same features, rounded once. */
function compareMatrices(
  { series: { base, symbol }, split, rows }: LeakSubject,
  again: FeatureTable,
  length: number,
  token: CancellationToken,
): void {
  for (const part of parts) {
    const { columns, values, names } = rows[part].matrix;
    const kept = split[part];
    for (let i = 0; i < kept.length && kept[i] < length; i++) {
      const t = kept[i];
      if (i % 256 === 0) throwIfCancelled(token);
      for (let j = 0; j < columns; j++) {
        if (Math.fround(again.columns[j][t]) === values[i * columns + j]) continue;
        throw new LeakError(
          "feature",
          symbol,
          names[j],
          barText(base, t),
          `input "${names[j]}" of ${symbol} ${base.timeframe} at ${barText(base, t)} is ${values[i * columns + j]}, but the bars up to ` +
            `${barText(base, length - 1)} give ${again.columns[j][t]}: it was changed after it was computed.`,
        );
      }
    }
  }
}

/** Each kept sample lies in its part, and its label was known before the next part; how many samples there are. */
function checkIntervals(
  { series: { base, symbol }, boundaries, split, rows, labels }: LeakSubject,
  token: CancellationToken,
): number {
  const { start, embargoEnd } = boundaries;
  const ends = { train: start.validation, validation: start.test, test: Infinity };
  let samples = 0;
  for (const part of parts) {
    const { opened, knownAt, labels: classes } = rows[part];
    const kept = split[part];
    for (let i = 0; i < kept.length; i++) {
      const t = kept[i];
      if (i % 4096 === 0) throwIfCancelled(token);
      const known = labels.knownAt[t];
      const inPart = opened[i] === base.time[t] && opened[i] >= embargoEnd[part] && opened[i] < ends[part];
      if (inPart && known >= t && knownAt[i] === base.time[known] && knownAt[i] < ends[part]) {
        if (classes[i] === labels.classes[t]) continue;
      }
      throw new LeakError(
        "split",
        symbol,
        part,
        barText(base, t),
        `the ${part} sample of ${symbol} at ${barText(base, t)} reaches over the split: its label is known at ` +
          `${known >= 0 ? barText(base, known) : "no bar"}, and the part ends before ${new Date(ends[part]).toISOString().slice(0, 16)}.`,
      );
    }
    samples += opened.length;
  }
  return samples;
}

/** Labels from the bars up to each boundary and each prefix's end; how many were compared. */
function checkLabels(
  { strategy, series: { base, symbol }, labels }: LeakSource,
  lengths: readonly number[],
  boundaries: readonly number[],
  token: CancellationToken,
): number {
  const n = labels.classes.length;
  const until = boundaries.map((time) => firstAtOrAfter(base.time, time));
  const wanted = [...until.filter((end) => end <= boundaryBars), ...lengths];
  const ends = [...new Set(wanted)].filter((end) => end > 0 && end < n);
  let compared = 0;
  for (const end of ends) {
    const again = strategy.label.type.compute(sliceBars(base, 0, end), strategy.label.params, token);
    for (let t = 0; t < end; t++) {
      if (t % 8192 === 0) throwIfCancelled(token);
      const known = labels.knownAt[t] < end && labels.classes[t] !== noLabel;
      const same = known
        ? again.classes[t] === labels.classes[t] && again.knownAt[t] === labels.knownAt[t]
        : again.classes[t] === noLabel;
      if (same) continue;
      const claim = known
        ? `claims to be known at ${barText(base, labels.knownAt[t])}`
        : "exists before it is known";
      throw new LeakError(
        "label",
        symbol,
        strategy.label.name,
        barText(base, t),
        `the label of ${symbol} ${base.timeframe} at ${barText(base, t)} ${claim}, but bars after ${barText(base, end - 1)} change it. ` +
          `A label may be used from the bar on that \`knownAt\` names, and no later bar may change it.`,
      );
    }
    compared += end;
  }
  return compared;
}

/** Random rows have the values of the last bar of each other timeframe that had closed with them; how many were checked. */
function checkJoins(
  { series: { base, symbol }, memberships, table }: LeakSource,
  integer: (from: number, to: number) => number,
  token: CancellationToken,
): number {
  const places = new Map(table.names.map((name, j) => [name, j]));
  let checked = 0;
  for (const { bars, memberships: degrees } of memberships) {
    if (bars.timeframe === base.timeframe) continue;
    throwIfCancelled(token);
    const limit = longestAgeMs(bars.timeframe);
    for (let k = 0; k < joinsPerTimeframe; k++) {
      const t = integer(0, table.rows - 1);
      const [closed] = closeTimes(sliceBars(base, t, t + 1));
      const last = closedBy(bars, closed) - 1;
      const age = last < 0 ? Infinity : closed - closeTimes(sliceBars(bars, last, last + 1))[0];
      for (const { name, column } of degrees.columns) {
        const j = places.get(`${bars.timeframe}_${name}`) as number;
        const expected = age > limit ? NaN : column[last];
        if (Object.is(table.columns[j][t], expected)) continue;
        throw new LeakError(
          "join",
          symbol,
          table.names[j],
          barText(base, t),
          `feature "${table.names[j]}" of ${symbol} at ${barText(base, t)} is not that of the last ${bars.timeframe} bar that had closed with it.`,
        );
      }
      checked++;
    }
  }
  return checked;
}
