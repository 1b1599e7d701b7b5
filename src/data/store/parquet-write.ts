import { createHash, type Hash } from "node:crypto";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Bars, SeriesMeta } from "../bars.js";
import type { Timeframe } from "../timeframes.js";

/** Rows of a row group; a column of one is read and hashed in 1 to 3 ms, so that a stop is seen within 5 ms. */
export const rowGroupRows = 50_000;

/** Key of our record in the key-value metadata. */
export const metaKey = "ktrdr";
/** Columns beside `time`. */
export const priceAndVolume = ["open", "high", "low", "close", "volume"] as const;

/** The series' own record in the key-value metadata; `sha256` covers its other fields and all columns (`hashRecord`). */
export interface StoredRecord extends SeriesMeta {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly sha256: string;
}

/** The bytes behind a column. */
export function bytesOf(values: Float64Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
}

/** The hash of a series, begun with its record; the columns follow, row group by row group, `time` first in each. */
export function hashRecord({
  symbol,
  timeframe,
  source,
  adjustment,
  currency,
  dayTimezone,
}: Omit<StoredRecord, "sha256">): Hash {
  const record = JSON.stringify([symbol, timeframe, source, adjustment, currency, dayTimezone]);
  return createHash("sha256").update(record);
}

function hashSeries(record: Omit<StoredRecord, "sha256">, time: BigInt64Array, bars: Bars): string {
  const hash = hashRecord(record);
  for (let from = 0; from < time.length; from += rowGroupRows) {
    const to = Math.min(time.length, from + rowGroupRows);
    hash.update(bytesOf(time.subarray(from, to)));
    for (const name of priceAndVolume) hash.update(bytesOf(bars[name].subarray(from, to)));
  }
  return hash.digest("hex");
}

/**
 * A series as a Parquet file: `time` (INT64, milliseconds UTC), `open`, `high`, `low`, `close`, `volume` (DOUBLE), none
 * nullable, plain and uncompressed, so that they are read straight into typed arrays (prices hardly compress).
 */
export function encodeParquet(bars: Bars): Uint8Array {
  const time = new BigInt64Array(bars.time.length);
  for (let t = 0; t < time.length; t++) time[t] = BigInt(bars.time[t]);
  const { source, adjustment, currency, dayTimezone } = bars.meta;
  const { symbol, timeframe } = bars;
  const series = { symbol, timeframe, source, adjustment, currency, dayTimezone };
  const record: StoredRecord = { ...series, sha256: hashSeries(series, time, bars) };
  return new Uint8Array(
    parquetWriteBuffer({
      schema: [
        { name: "bars", num_children: 1 + priceAndVolume.length },
        { name: "time", type: "INT64", repetition_type: "REQUIRED", converted_type: "TIMESTAMP_MILLIS" },
        ...priceAndVolume.map((name) => ({ name, type: "DOUBLE", repetition_type: "REQUIRED" }) as const),
      ],
      columnData: [
        { name: "time", data: time, encoding: "PLAIN", statistics: true },
        ...priceAndVolume.map((name) => ({ name, data: bars[name], encoding: "PLAIN" }) as const),
      ],
      codec: "UNCOMPRESSED",
      statistics: false,
      rowGroupSize: rowGroupRows,
      kvMetadata: [{ key: metaKey, value: JSON.stringify(record) }],
      createdBy: "ktrdr",
    }),
  );
}
