import {
  CancelledError,
  KnownError,
  neverCancelled,
  throwIfCancelled,
  type CancellationToken,
} from "../../core/index.js";
import { closeTimes, firstAtOrAfter, sliceBars, type Bars } from "../bars.js";
import { findGaps } from "../quality/index.js";
import { BarStore, type LoadedBars, type SeriesEntry } from "../store/index.js";
import type { Timeframe } from "../timeframes.js";
import { parseDateRange, type DateRange } from "./dates.js";
import {
  IncompleteLoadError,
  NoProviderError,
  NothingFetchedError,
  type MarketDataProvider,
} from "./provider.js";
import { meaningfulGapBars, segmentMs, splitBackwards, splitRange } from "./segments.js";

/** Where bars may come from: the store alone, or also the provider (after, before, or before, inside and after what is stored). */
export const dataModes = ["local", "tail", "backfill", "full"] as const;

/** One of the data modes. */
export type DataMode = (typeof dataModes)[number];

/** Bars to load. Dates as `parseDateRange` takes them, both inclusive. */
export interface LoadRequest {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** Default `local`. */
  readonly mode?: DataMode;
  readonly startDate?: string | null;
  readonly endDate?: string | null;
}

/** How far fetching has come: `segment` of `segments` done (from 1), `bars` arrived so far. */
export interface LoadProgress {
  readonly segment: number;
  readonly segments: number;
  readonly bars: number;
}

/** What fetching changed. */
export interface UpdateReport {
  readonly segments: number;
  /** Bars that were not stored before. */
  readonly added: number;
}

const dayMs = 86_400_000;

/** A series is written anew as a whole, so what arrived is stored once in so many segments; a kill loses no more. */
const segmentsPerSave = 20;

/** Loads bars from a store, and brings them there from a provider. */
export class DataManager {
  readonly #store: BarStore;
  readonly #provider: MarketDataProvider | undefined;
  readonly #now: () => number;

  /** @param now the clock that tells which bars have closed; only `update` reads it */
  constructor(store: BarStore, provider?: MarketDataProvider, now: () => number = Date.now) {
    this.#store = store;
    this.#provider = provider;
    this.#now = now;
  }

  /**
   * All bars of a series from the first stored one up to the end of the end date, because indicators are computed from
   * the first stored bar. The start date only has to leave something: rows are cut to it once features are made.
   *
   * @throws NoBarsError where no bar lies in the range, or the series is not stored
   * @throws UsageError for a malformed date, or an end before the start
   * @throws IncompleteLoadError, NoProviderError in the modes that fetch
   * @throws DamagedSeriesError, CancelledError
   */
  async load(
    request: LoadRequest,
    token: CancellationToken = neverCancelled,
    onProgress?: (progress: LoadProgress) => void,
  ): Promise<LoadedBars> {
    const { symbol, timeframe, mode = "local", startDate, endDate } = request;
    const { from, to } = parseDateRange(startDate, endDate);
    if (mode !== "local") await this.update({ ...request, mode }, token, onProgress);
    const bars = await this.#store.load(symbol, timeframe, token);
    const end = firstAtOrAfter(bars.time, to);
    if (firstAtOrAfter(bars.time, from) >= end) throw await this.#store.noBars(symbol, timeframe, from, to);
    return { ...bars, ...sliceBars(bars, 0, end) };
  }

  /**
   * Fetches what the mode asks for and merges it into the store: `tail` from the last stored bar on, `backfill` from the
   * start date (or the provider's first bar) up to the first stored one, `full` both and the unexpected gaps between.
   * With nothing stored, `tail` takes the last 30 days where no start date says more.
   *
   * Segments next to the stored bars come first and each range overlaps them by one bar, so that whatever arrives joins
   * without a hole and on the same scale. Bars that have not closed yet are not stored. When a fetch fails or is
   * cancelled, what arrived is stored before the error is thrown.
   *
   * @throws NoProviderError, IncompleteLoadError, MergeRefusedError, CancelledError
   */
  async update(
    request: LoadRequest & { readonly mode: DataMode },
    token: CancellationToken = neverCancelled,
    onProgress: (progress: LoadProgress) => void = () => undefined,
  ): Promise<UpdateReport> {
    const { symbol, timeframe, mode } = request;
    const provider = this.#provider;
    if (mode === "local") return { segments: 0, added: 0 };
    if (provider === undefined) throw new NoProviderError(mode);
    const segments = await this.#plan(provider, request, token);
    const arrived: Bars[] = [];
    let [added, bars, done] = [0, 0, 0];
    const store = async (): Promise<void> => {
      // All that arrived, every time: the newest pieces alone may have no bar in common with what is stored.
      const incoming = joinPieces(arrived);
      if (incoming !== null) added += (await this.#store.merge(incoming)).added;
    };
    try {
      for (const { from, to } of segments) {
        throwIfCancelled(token);
        const piece = this.#closedOnly(await provider.fetch({ symbol, timeframe, from, to }, token));
        done++;
        bars += piece.time.length;
        arrived.push(piece);
        onProgress({ segment: done, segments: segments.length, bars });
        if (done % segmentsPerSave === 0) await store();
      }
    } catch (error) {
      await store();
      if (error instanceof CancelledError || !(error instanceof KnownError)) throw error;
      throw new IncompleteLoadError(symbol, timeframe, added, joinRanges(segments.slice(done)), error);
    }
    await store();
    return { segments: segments.length, added };
  }

  /**
   * `update`, and the series as it is stored then.
   *
   * @throws NothingFetchedError where there were no bars of it before and the provider has none in the range; all that `update` throws
   */
  async updateSeries(
    request: LoadRequest & { readonly mode: DataMode },
    token: CancellationToken = neverCancelled,
    onProgress: (progress: LoadProgress) => void = () => undefined,
  ): Promise<UpdateReport & { readonly series: SeriesEntry }> {
    const { symbol, timeframe, startDate, endDate } = request;
    const report = await this.update(request, token, onProgress);
    const series = (await this.#store.list(token)).find(
      (entry) => entry.symbol === symbol && entry.timeframe === timeframe && !entry.sample,
    );
    if (series === undefined) {
      throw new NothingFetchedError(symbol, timeframe, parseDateRange(startDate, endDate));
    }
    return { ...report, series };
  }

  /** Segments to fetch, those next to the stored bars first. */
  async #plan(
    provider: MarketDataProvider,
    request: LoadRequest & { readonly mode: DataMode },
    token: CancellationToken,
  ): Promise<DateRange[]> {
    const { symbol, timeframe, mode, startDate, endDate } = request;
    const asked = parseDateRange(startDate, endDate);
    const end = Math.min(asked.to, this.#now());
    const stored =
      this.#store.findOwn(symbol, timeframe) === null
        ? null
        : await this.#store.load(symbol, timeframe, token);
    const first = stored?.time[0];
    const last = stored?.time.at(-1);
    const before = async (): Promise<DateRange[]> => {
      const to = first === undefined ? end : first + 1;
      const head = (await provider.earliest?.(symbol, timeframe, token)) ?? null;
      const from = Math.max(
        asked.from > -Infinity ? asked.from : (head ?? to - segmentMs(timeframe)),
        head ?? -Infinity,
      );
      return from >= to - 1 ? [] : splitBackwards({ from, to }, timeframe);
    };
    const after = (): DateRange[] => {
      const from = last ?? (asked.from > -Infinity ? asked.from : end - 30 * dayMs);
      return end - 1 <= from ? [] : splitRange({ from, to: end }, timeframe);
    };
    if (mode === "tail") return after();
    if (mode === "backfill" || stored === null) return before();
    const inside = findGaps(stored, token).gaps.filter(
      (gap) =>
        gap.kind === "unexpected" &&
        gap.missing >= meaningfulGapBars[timeframe] &&
        gap.next > asked.from &&
        gap.previous < asked.to,
    );
    return [
      ...inside.flatMap((gap) => splitRange({ from: gap.previous, to: gap.next + 1 }, timeframe)),
      ...after(),
      ...(await before()),
    ];
  }

  /** Without bars that are still open: a stored bar never changes. */
  #closedOnly(bars: Bars): Bars {
    const now = this.#now();
    return sliceBars(bars, 0, firstAtOrAfter(closeTimes(bars), now + 1));
  }
}

/** Pieces in any order as one series; null without bars. A bar in two pieces is taken once. */
function joinPieces(pieces: readonly Bars[]): Bars | null {
  const filled = pieces.filter(({ time }) => time.length > 0).sort((a, b) => a.time[0] - b.time[0]);
  if (filled.length === 0) return null;
  let last = -Infinity;
  const parts = filled.map((piece) => {
    const part = sliceBars(piece, firstAtOrAfter(piece.time, last + 1), piece.time.length);
    last = Math.max(last, piece.time[piece.time.length - 1]);
    return part;
  });
  const column = (name: "time" | "open" | "high" | "low" | "close" | "volume"): Float64Array => {
    const joined = new Float64Array(parts.reduce((sum, part) => sum + part.time.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part[name], at);
      at += part.time.length;
    }
    return joined;
  };
  const [{ symbol, timeframe, meta }] = filled;
  return {
    symbol,
    timeframe,
    meta,
    time: column("time"),
    open: column("open"),
    high: column("high"),
    low: column("low"),
    close: column("close"),
    volume: column("volume"),
  };
}

/** Neighbouring ranges as one, oldest first, as text. */
function joinRanges(ranges: readonly DateRange[]): { from: string; to: string }[] {
  const joined: { from: number; to: number }[] = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const open = joined.at(-1);
    if (open !== undefined && from <= open.to) open.to = Math.max(open.to, to);
    else joined.push({ from, to });
  }
  const text = (instant: number): string => new Date(instant).toISOString().replace(".000Z", "Z");
  return joined.map(({ from, to }) => ({ from: text(from), to: text(to) }));
}
