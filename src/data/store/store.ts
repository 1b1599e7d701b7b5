import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  codeOf,
  KnownError,
  messageOf,
  neverCancelled,
  writeFileAtomic,
  type CancellationToken,
} from "../../core/index.js";
import type { Bars } from "../bars.js";
import { timeframeMs, type Timeframe } from "../timeframes.js";
import { mergeBars } from "./merge.js";
import { NoBarsError } from "./no-bars.js";
import { readParquet, readParquetSummary } from "./parquet-read.js";
import { encodeParquet } from "./parquet-write.js";
import {
  InvalidBarsError,
  whenText,
  type InspectedSeries,
  type LoadedBars,
  type MergeReport,
  type SeriesEntry,
  type SeriesPlace,
} from "./series.js";
import {
  checkSymbol,
  DamagedSeriesError,
  parseSeriesFile,
  seriesFormats,
  type SeriesFormat,
} from "./symbols.js";
import { findViolations } from "./verify.js";

function first<T>(list: readonly T[], describe: (item: T) => string): string {
  const more = list.length > 1 ? ` (and ${list.length - 1} more)` : "";
  return `${describe(list[0])}${more}`;
}

/**
 * Series of bars in a folder: `<SYMBOL>_<timeframe>.parquet`, or a CSV of that name where there is no Parquet.
 *
 * Sample bars lie in `<folder>/sample` and serve only symbols of which the folder itself has nothing: bars of one symbol
 * never come from both. Symbols are letters, digits and `_ - . ^ =`; every method throws `BadSymbolError` for others.
 */
export class BarStore {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** The store of sample bars inside this one. */
  get sampleStore(): BarStore {
    return new BarStore(join(this.folder, "sample"));
  }

  /** True where `load` would find a file, sample bars included. */
  has(symbol: string, timeframe: Timeframe): boolean {
    return this.find(symbol, timeframe) !== null;
  }

  /** The file that `load` reads, or null. */
  find(symbol: string, timeframe: Timeframe): SeriesPlace | null {
    const own = this.findOwn(symbol, timeframe);
    if (own !== null || this.#files().some((file) => file.symbol === symbol)) return own;
    const sample = this.sampleStore.findOwn(symbol, timeframe);
    return sample && { ...sample, fromSample: true };
  }

  /** The file of the series in this folder itself, or null. */
  findOwn(symbol: string, timeframe: Timeframe): SeriesPlace | null {
    checkSymbol(symbol);
    for (const format of seriesFormats) {
      const path = this.#path(symbol, timeframe, format);
      if (existsSync(path)) return { path, format, fromSample: false };
    }
    return null;
  }

  /** Every series, by symbol and then finest timeframe first; a damaged file is listed with its `error`. */
  async list(token: CancellationToken = neverCancelled): Promise<SeriesEntry[]> {
    const own = this.#files();
    const symbols = new Set(own.map(({ symbol }) => symbol));
    const samples = this.sampleStore.#files().filter(({ symbol }) => !symbols.has(symbol));
    const entries: SeriesEntry[] = [];
    for (const file of own) entries.push(await summarize(file, false, token));
    for (const file of samples) entries.push(await summarize(file, true, token));
    return entries.sort(
      (a, b) =>
        (a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0) ||
        timeframeMs[a.timeframe] - timeframeMs[b.timeframe],
    );
  }

  /**
   * All stored bars of a series, checked. A million bars take some 100 ms from Parquet.
   *
   * @throws NoBarsError where the series is not stored
   * @throws DamagedSeriesError naming file, place and reason
   */
  async load(
    symbol: string,
    timeframe: Timeframe,
    token: CancellationToken = neverCancelled,
  ): Promise<LoadedBars> {
    const { bars, path, fromSample, refused, repaired, notices } = await this.inspect(
      symbol,
      timeframe,
      token,
    );
    if (refused.length > 0) {
      throw new DamagedSeriesError(
        path,
        first(refused, ({ row, reason }) => `row ${row}: ${reason}`),
      );
    }
    const violations = findViolations(bars, 1, token);
    if (violations.length > 0) {
      const [{ index, what }] = violations;
      throw new DamagedSeriesError(path, `bar ${index + 1} (${whenText(violations[0])}): ${what}`);
    }
    if (bars.time.length === 0) throw new DamagedSeriesError(path, "it has no bars");
    const repairs =
      repaired.length === 0 ? [] : [`${path}: ${first(repaired, ({ row, what }) => `row ${row}: ${what}`)}`];
    return { ...bars, fromSample, notices: [...notices, ...repairs] };
  }

  /** Reads a series without judging it. @throws NoBarsError, DamagedSeriesError (no bars can be read at all) */
  async inspect(symbol: string, timeframe: Timeframe, token: CancellationToken): Promise<InspectedSeries> {
    const place = this.find(symbol, timeframe);
    if (place === null) throw await this.noBars(symbol, timeframe, -Infinity, Infinity);
    if (place.format === "parquet") {
      const bars = await readParquet(place.path, symbol, timeframe, token);
      return { ...place, bars, refused: [], repaired: [], notices: [] };
    }
    const { readBarsFile } = await import("../import/index.js");
    const { bars, refused, repaired, notices } = await readBarsFile(place.path, { symbol, timeframe }, token);
    return { ...place, bars, refused, repaired, notices };
  }

  /** The error to throw where a series has no bars in [from, to), telling what is stored. */
  async noBars(symbol: string, timeframe: Timeframe, from: number, to: number): Promise<NoBarsError> {
    const stored = await this.list();
    return new NoBarsError({ symbol, timeframe, from, to, folder: this.folder, stored });
  }

  /**
   * Writes a series as Parquet in one step: a crash or a full disk leaves the old file as it was.
   *
   * @throws InvalidBarsError
   * @throws DiskFullError
   */
  async save(bars: Bars): Promise<void> {
    checkSymbol(bars.symbol);
    const [violation] = findViolations(bars, 1);
    if (violation !== undefined || bars.time.length === 0)
      throw new InvalidBarsError(bars, violation ?? null);
    writeFileAtomic(this.#path(bars.symbol, bars.timeframe, "parquet"), encodeParquet(bars));
  }

  /**
   * Adds bars to the series stored in this folder (not to sample bars), or creates it. Stored bars are never lost and
   * never changed; with `replace` the stored series is dropped instead.
   *
   * @throws MergeRefusedError where the bars in common do not show that both are the same series
   */
  async merge(incoming: Bars, { replace = false }: { replace?: boolean } = {}): Promise<MergeReport> {
    const { symbol, timeframe } = incoming;
    const place = this.findOwn(symbol, timeframe);
    const n = incoming.time.length;
    if (place === null) {
      await this.save(incoming);
      return { action: "created", added: n, common: 0, removed: 0, total: n, notices: [] };
    }
    const notices =
      place.format === "csv"
        ? [`"${place.path}" stays where it is, but is no longer read: the Parquet file beside it is.`]
        : [];
    if (replace) {
      const { bars: removed } = await summarize({ ...place, symbol, timeframe }, false, neverCancelled);
      await this.save(incoming);
      return { action: "replaced", added: n, common: 0, removed, total: n, notices };
    }
    const { bars, added, common } = mergeBars(await this.load(symbol, timeframe), incoming);
    const total = bars.time.length;
    if (added === 0) return { action: "unchanged", added, common, removed: 0, total, notices: [] };
    await this.save(bars);
    return { action: "merged", added, common, removed: 0, total, notices };
  }

  #path(symbol: string, timeframe: Timeframe, format: SeriesFormat): string {
    return join(this.folder, `${symbol}_${timeframe}.${format}`);
  }

  /** Files of series in this folder, one per series: the Parquet where there are both. */
  #files(): SeriesFile[] {
    let names: string[];
    try {
      names = readdirSync(this.folder);
    } catch (error) {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    }
    const present = new Set(names);
    return names.flatMap((name) => {
      const file = parseSeriesFile(name);
      if (file === null) return [];
      if (file.format === "csv" && present.has(`${file.symbol}_${file.timeframe}.parquet`)) return [];
      return [{ ...file, path: join(this.folder, name) }];
    });
  }
}

interface SeriesFile {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly format: SeriesFormat;
  readonly path: string;
}

async function summarize(file: SeriesFile, sample: boolean, token: CancellationToken): Promise<SeriesEntry> {
  const { symbol, timeframe, format, path } = file;
  const entry = { symbol, timeframe, format, path, sample };
  try {
    if (format === "parquet") {
      const { bars, from, to, meta } = await readParquetSummary(path);
      return { ...entry, bars, from, to, meta, error: null };
    }
    const { readBarsFile } = await import("../import/index.js");
    const { bars, refused } = await readBarsFile(path, { symbol, timeframe }, token);
    const error =
      refused.length === 0
        ? null
        : `"${path}": ${first(refused, ({ row, reason }) => `row ${row}: ${reason}`)}`;
    const n = bars.time.length;
    return {
      ...entry,
      bars: n,
      from: bars.time[0] ?? null,
      to: bars.time[n - 1] ?? null,
      meta: bars.meta,
      error,
    };
  } catch (error) {
    if (!(error instanceof KnownError) || error.code === "CANCELLED") throw error;
    return { ...entry, bars: 0, from: null, to: null, meta: null, error: messageOf(error) };
  }
}
