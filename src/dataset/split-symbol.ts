import { inBlocks, neverCancelled, type CancellationToken } from "../core/index.js";
import { firstAtOrAfter, type DateRange } from "../data/index.js";
import { noLabel, type Labels } from "../labels/index.js";
import { partAt, parts, type Boundaries, type Part } from "./split.js";

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

function droppedOf(counts: Counts): Dropped {
  const { undefined_feature, ...usual } = counts;
  return undefined_feature === 0 ? usual : { ...usual, undefined_feature };
}

/** The last time at which a label of this part may have become known, exclusive: the start of the next part that has bars. */
function knownBefore(part: Part, { start }: Boundaries): number {
  if (part === "test") return Infinity;
  return part === "train" ? start.validation : start.test;
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
  const { symbol, time, range, complete, warmUp, labels, boundaries } = rows;
  const from = firstAtOrAfter(time, range.from);
  const to = firstAtOrAfter(time, range.to);
  const noCounts = (): Counts => ({ warm_up: 0, no_label: 0, purged: 0, embargoed: 0, undefined_feature: 0 });
  const counts = { train: noCounts(), validation: noCounts(), test: noCounts() };
  const bars = { train: 0, validation: 0, test: 0 };
  const kept = { train: 0, validation: 0, test: 0 };
  const indices = {} as Record<Part, Uint32Array>;
  for (const part of parts) {
    // The parts are stretches of time, so each one's rows fit between its first bar and that of the next.
    const first = Math.max(from, firstAtOrAfter(time, boundaries.start[part]));
    const end = part === "test" ? to : Math.min(to, firstAtOrAfter(time, knownBefore(part, boundaries)));
    indices[part] = new Uint32Array(Math.max(0, end - first));
  }

  const causeOf = (t: number, part: Part): DropCause | null => {
    if (t < warmUp) return "warm_up";
    if (complete[t] === 0) return "undefined_feature";
    const known = t < labels.classes.length && labels.classes[t] !== noLabel ? labels.knownAt[t] : to;
    if (known >= to) return "no_label";
    if (time[t] < boundaries.embargoEnd[part]) return "embargoed";
    return time[known] >= knownBefore(part, boundaries) ? "purged" : null;
  };
  inBlocks(to - from, token, (blockFrom, blockTo) => {
    for (let t = from + blockFrom; t < from + blockTo; t++) {
      const part = partAt(time[t], boundaries);
      bars[part]++;
      const cause = causeOf(t, part);
      if (cause === null) indices[part][kept[part]++] = t;
      else counts[part][cause]++;
    }
  });

  const total = noCounts();
  for (const part of parts) {
    for (const cause of Object.keys(total) as DropCause[]) total[cause] += counts[part][cause];
  }
  const inPart = (part: Part) => ({ bars: bars[part], dropped: droppedOf(counts[part]) });
  return {
    symbol,
    bars: Math.max(0, to - from),
    train: indices.train.subarray(0, kept.train),
    validation: indices.validation.subarray(0, kept.validation),
    test: indices.test.subarray(0, kept.test),
    dropped: droppedOf(total),
    byPart: { train: inPart("train"), validation: inPart("validation"), test: inPart("test") },
  };
}
