import { open } from "node:fs/promises";
import { parquetMetadataAsync, parquetRead, type AsyncBuffer, type FileMetaData } from "hyparquet";
import { codeOf, KnownError, messageOf, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars, SeriesMeta } from "../bars.js";
import type { Timeframe } from "../timeframes.js";
import { bytesOf, hashRecord, metaKey, priceAndVolume, type StoredRecord } from "./parquet-write.js";
import { DamagedSeriesError } from "./symbols.js";

const timeNames = ["time", "timestamp", "date"];

interface OpenFile extends AsyncBuffer {
  close(): Promise<void>;
}

async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, "r");
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const from = start < 0 ? Math.max(0, size + start) : start;
      const buffer = new ArrayBuffer(Math.max(0, Math.min(end, size) - from));
      let filled = 0;
      while (filled < buffer.byteLength) {
        const { bytesRead } = await handle.read(new Uint8Array(buffer, filled), { position: from + filled });
        if (bytesRead === 0) throw new Error("the file ended while it was read");
        filled += bytesRead;
      }
      return buffer;
    },
    close: () => handle.close(),
  };
}

/** Our record, or null in a file of other software. */
function recordOf(metadata: FileMetaData): StoredRecord | null {
  const text = metadata.key_value_metadata?.find(({ key }) => key === metaKey)?.value;
  return text === undefined ? null : (JSON.parse(text) as StoredRecord);
}

function metaOf(record: StoredRecord | null): SeriesMeta {
  if (record === null) return { source: "unknown", adjustment: "unknown", currency: null, dayTimezone: null };
  const { source, adjustment, currency, dayTimezone } = record;
  return { source, adjustment, currency, dayTimezone };
}

/** Schema names of our six columns, whatever their case; files of other software call the time differently. */
function columnNames(metadata: FileMetaData): Map<string, string> {
  const present = metadata.schema.slice(1).map(({ name }) => name);
  const find = (wanted: readonly string[]): string => {
    const name = present.find((candidate) => wanted.includes(candidate.toLowerCase()));
    if (name === undefined) throw new Error(`it has no column "${wanted[0]}" (found: ${present.join(", ")})`);
    return name;
  };
  const names = new Map([["time", find(timeNames)]]);
  for (const name of priceAndVolume) names.set(name, find([name]));
  return names;
}

/** What one millisecond is in the unit of the time column, or for dates the milliseconds of one day as `perUnit`. */
function takeTimeUnit(metadata: FileMetaData, name: string): { perMs: bigint; msPerUnit: number } {
  const element = metadata.schema.find((candidate) => candidate.name === name);
  const logical = element?.logical_type;
  let unit = element?.converted_type === "TIMESTAMP_MICROS" ? "MICROS" : "MILLIS";
  if (logical?.type === "TIMESTAMP") unit = logical.unit;
  const isDate = element?.converted_type === "DATE" || logical?.type === "DATE";
  // Without its type the column arrives as a BigInt64Array rather than as an array of a million Date objects.
  if (element !== undefined) {
    delete element.converted_type;
    delete element.logical_type;
  }
  if (isDate) return { perMs: 1n, msPerUnit: 86_400_000 };
  return { perMs: unit === "NANOS" ? 1_000_000n : unit === "MICROS" ? 1000n : 1n, msPerUnit: 1 };
}

function toMs(value: unknown, perMs: bigint, msPerUnit: number): number {
  if (typeof value === "bigint") return Number(value / perMs);
  if (value instanceof Date) return value.getTime();
  return typeof value === "number" ? (value * msPerUnit) / Number(perMs) : NaN;
}

/** A function that turns the time column's values into epoch ms. */
type ToNumber = (value: unknown) => number;

function priceOf(value: unknown): number {
  return value === null || value === undefined ? NaN : Number(value);
}

/** Copies a decoded page to its rows. */
function fill(target: Float64Array, at: number, values: ArrayLike<unknown>, toNumber: ToNumber): void {
  if (values instanceof Float64Array && toNumber === priceOf) {
    target.set(values, at);
    return;
  }
  for (let i = 0; i < values.length; i++) target[at + i] = toNumber(values[i]);
}

/** Rows of the file. @throws where the row groups do not add up to it, before anything is allocated by a wrong count */
function countRows(metadata: FileMetaData): number {
  const rows = Number(metadata.num_rows);
  const inGroups = metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0);
  if (inGroups !== rows) throw new Error(`${inGroups} of ${rows} rows are there`);
  return rows;
}

async function compressorsFor(metadata: FileMetaData): Promise<object> {
  const codecs = metadata.row_groups.flatMap(({ columns }) =>
    columns.map(({ meta_data }) => meta_data?.codec),
  );
  if (codecs.every((codec) => codec === "UNCOMPRESSED" || codec === "SNAPPY")) return {};
  const { compressors } = await import("hyparquet-compressors");
  return { compressors };
}

/** Runs `read` on an open file; anything but a known error becomes a `DamagedSeriesError` that names the file. */
async function withFile<T>(path: string, read: (file: OpenFile) => Promise<T>): Promise<T> {
  let file: OpenFile | undefined;
  try {
    file = await openFile(path);
    if (file.byteLength === 0) throw new DamagedSeriesError(path, "it is empty");
    return await read(file);
  } catch (error) {
    if (error instanceof KnownError) throw error;
    const system = codeOf(error);
    throw new DamagedSeriesError(
      path,
      system === undefined ? `it is no sound Parquet file (${messageOf(error)})` : messageOf(error),
      error,
    );
  } finally {
    await file?.close();
  }
}

/** What a Parquet file says about itself, from its footer alone. Times are null where other software wrote none. */
export interface ParquetSummary {
  readonly bars: number;
  readonly from: number | null;
  readonly to: number | null;
  readonly meta: SeriesMeta;
}

/** Reads the footer only. @throws DamagedSeriesError */
export function readParquetSummary(path: string): Promise<ParquetSummary> {
  return withFile(path, async (file) => {
    const metadata = await parquetMetadataAsync(file);
    const name = columnNames(metadata).get("time");
    const columnOf = (group: number) =>
      metadata.row_groups.at(group)?.columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name);
    const instant = (value: unknown): number | null => (value instanceof Date ? value.getTime() : null);
    return {
      bars: Number(metadata.num_rows),
      from: instant(columnOf(0)?.meta_data?.statistics?.min_value),
      to: instant(columnOf(-1)?.meta_data?.statistics?.max_value),
      meta: metaOf(recordOf(metadata)),
    };
  });
}

/**
 * Reads a series; the token is looked at before each column of each row group. Values are as stored, not yet checked
 * against the rules of `Bars`; a cell without value is NaN. Other software's files are read too (any unit of time, any
 * usual compression), then without the check of the content hash that ours carry.
 *
 * @throws DamagedSeriesError naming the file: truncated, altered, no Parquet, columns missing
 * @throws CancelledError
 */
export function readParquet(
  path: string,
  symbol: string,
  timeframe: Timeframe,
  token: CancellationToken,
): Promise<Bars> {
  return withFile(path, async (file) => {
    const metadata = await parquetMetadataAsync(file);
    const names = columnNames(metadata);
    const record = recordOf(metadata);
    if (record !== null && record.timeframe !== timeframe)
      throw new Error(`it holds ${record.timeframe} bars`);
    const { perMs, msPerUnit } = takeTimeUnit(metadata, names.get("time") as string);
    const timeOf: ToNumber = (value) => toMs(value, perMs, msPerUnit);
    const options = { file, metadata, ...(await compressorsFor(metadata)) };
    const rows = countRows(metadata);
    const columns = new Map([...names.keys()].map((column) => [column, new Float64Array(rows)]));
    const hash = record === null ? null : hashRecord(record);
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      for (const [column, name] of names) {
        throwIfCancelled(token);
        const pages: { columnData: ArrayLike<unknown>; rowStart: number }[] = [];
        const onChunk = (page: (typeof pages)[number]): unknown => pages.push(page);
        await parquetRead({ ...options, columns: [name], rowStart, rowEnd, onChunk });
        const filled = pages.reduce((sum, page) => sum + page.columnData.length, 0);
        if (filled !== rowEnd - rowStart) {
          throw new Error(`column "${name}" has ${filled} values in a row group of ${rowEnd - rowStart}`);
        }
        for (const { columnData, rowStart: first } of pages) {
          fill(columns.get(column) as Float64Array, first, columnData, column === "time" ? timeOf : priceOf);
          if (columnData instanceof BigInt64Array || columnData instanceof Float64Array) {
            hash?.update(bytesOf(columnData));
          }
        }
      }
      rowStart = rowEnd;
    }
    if (hash !== null && hash.digest("hex") !== record?.sha256) {
      throw new Error("its content does not match its SHA-256");
    }
    const column = (name: string): Float64Array => columns.get(name) as Float64Array;
    return {
      symbol,
      timeframe,
      time: column("time"),
      open: column("open"),
      high: column("high"),
      low: column("low"),
      close: column("close"),
      volume: column("volume"),
      meta: metaOf(record),
    };
  });
}
