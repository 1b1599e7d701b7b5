import { inBlocks, neverCancelled, type CancellationToken } from "../core/index.js";
import { firstAtOrAfter, type DateRange } from "../data/index.js";
import { noLabel, type Labels } from "../labels/index.js";
import { parts, type Boundaries, type Part } from "./split.js";

/** Rows dropped before joining, by cause. */
export interface Dropped {
  /** Before the slowest feature has its first value. */
  readonly warm_up: number;
  /** The label is not known within the data. */
  readonly no_label: number;
  /** The label became known in the next part. */
  readonly purged: number;
  /** In the first bars of validation or test. */
  readonly embargoed: number;
  /** A feature has no value after the warm-up, as a volume average without volume; present where there are such rows. */
  readonly undefined_feature?: number;
}

/** The cause for which a row is dropped. */
export type DropCause = keyof Dropped;

/** Where the base bars of one symbol went. */
export interface SymbolSplit {
  readonly symbol: string;
  /** Base bars in the range: those of the three parts and all dropped ones. */
  readonly bars: number;
  /** Rows of the symbol's base bars, in time order. */
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
  readonly dropped: Dropped;
  /** Base bars in each part's time, and those of them that were dropped. */
  readonly byPart: Readonly<Record<Part, { readonly bars: number; readonly dropped: Dropped }>>;
}

/** What `splitSymbol` needs of one symbol. */
export interface SymbolRows {
  readonly symbol: string;
  /** Openings of all base bars, [n]. */
  readonly time: Float64Array;
  /** Asked for; `to` is exclusive. */
  readonly range: DateRange;
  /** 1 for rows that have all features, [n]. */
  readonly complete: Uint8Array;
  /** Leading rows without a complete set of features. */
  readonly warmUp: number;
  /** Of the base bars up to the end of the range, at most [n]. */
  readonly labels: Labels;
  readonly boundaries: Boundaries;
}

type Counts = Record<DropCause, number>;

const noCounts = (): Counts => ({ warm_up: 0, no_label: 0, purged: 0, embargoed: 0, undefined_feature: 0 });

function droppedOf({ undefined_feature, ...usual }: Counts): Dropped {
  return undefined_feature === 0 ? usual : { ...usual, undefined_feature };
}

/** The first time of the next part that has bars: labels of this part's samples must be known before it. */
function nextStart(part: Part, { start }: Boundaries): number {
  if (part === "test") return Infinity;
  return part === "train" ? start.validation : start.test;
}

/** One part of one symbol: rows kept and dropped. */
interface PartRows {
  readonly bars: number;
  readonly kept: Uint32Array;
  readonly counts: Counts;
}

/** Keeps or drops the rows [from, to) of a part; `end` is the first row after the range. */
function splitPart(
  { time, complete, warmUp, labels, boundaries }: SymbolRows,
  part: Part,
  [from, to, end]: readonly [number, number, number],
  token: CancellationToken,
): PartRows {
  const { classes, knownAt } = labels;
  const knownBefore = nextStart(part, boundaries);
  const embargoEnd = boundaries.embargoEnd[part];
  const bars = Math.max(0, to - from);
  const kept = new Uint32Array(bars);
  const counts = noCounts();
  let rows = 0;
  inBlocks(bars, token, (blockFrom, blockTo) => {
    for (let t = from + blockFrom; t < from + blockTo; t++) {
      if (t < warmUp) counts.warm_up++;
      else if (complete[t] === 0) counts.undefined_feature++;
      else if (t >= classes.length || classes[t] === noLabel || knownAt[t] >= end) counts.no_label++;
      else if (time[t] < embargoEnd) counts.embargoed++;
      else if (time[knownAt[t]] >= knownBefore) counts.purged++;
      else kept[rows++] = t;
    }
  });
  return { bars, kept: kept.subarray(0, rows), counts };
}

/**
 * Divides the base bars of one symbol at the shared dates. Each bar of the range lands in one part or is dropped for one
 * cause, the first that applies of: warm-up, undefined feature, no label, embargo, purge.
 *
 * Purge (Lopez de Prado 2018, ch. 7.4): training and validation samples whose label became known at or after the first bar of the
 * next part are dropped, for that label contains prices of that part. A label that was known only after the range counts as none.
 *
 * @throws CancelledError
 */
export function splitSymbol(rows: SymbolRows, token: CancellationToken = neverCancelled): SymbolSplit {
  const { symbol, time, range, boundaries } = rows;
  const from = firstAtOrAfter(time, range.from);
  const end = Math.max(from, firstAtOrAfter(time, range.to));
  // Parts are stretches of time, so each one's rows lie between its first time and that of the next.
  const within = (when: number): number => Math.min(end, Math.max(from, firstAtOrAfter(time, when)));
  const starts = [from, within(boundaries.start.validation), within(boundaries.start.test), end];
  const [train, validation, test] = parts.map((part, p) =>
    splitPart(rows, part, [starts[p], starts[p + 1], end], token),
  );
  const total = noCounts();
  for (const { counts } of [train, validation, test]) {
    for (const cause of Object.keys(total) as DropCause[]) total[cause] += counts[cause];
  }
  const summaryOf = ({ bars, counts }: PartRows) => ({ bars, dropped: droppedOf(counts) });
  return {
    symbol,
    bars: end - from,
    train: train.kept,
    validation: validation.kept,
    test: test.kept,
    dropped: droppedOf(total),
    byPart: { train: summaryOf(train), validation: summaryOf(validation), test: summaryOf(test) },
  };
}
