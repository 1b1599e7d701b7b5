import { readFileSync } from "node:fs";
import { throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Part } from "../dataset/index.js";
import type { FeatureMatrix } from "../features/index.js";

/** Version of this package, as its package.json states it. */
export const packageVersion: string = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string }
).version;

/** Lowest and highest value of each feature over some rows; null where there are no rows. */
export function featureRanges(
  { names, rows, columns, values }: FeatureMatrix,
  token: CancellationToken,
): Record<string, [number, number] | null> {
  const low = new Float64Array(columns).fill(Infinity);
  const high = new Float64Array(columns).fill(-Infinity);
  for (let i = 0; i < rows; i++) {
    if (i % 1024 === 0) throwIfCancelled(token); // 1024 rows of 1,000 features take about 1 ms
    const row = i * columns;
    for (let j = 0; j < columns; j++) {
      const value = values[row + j];
      if (value < low[j]) low[j] = value;
      if (value > high[j]) high[j] = value;
    }
  }
  return Object.fromEntries(names.map((name, j) => [name, rows === 0 ? null : [low[j], high[j]]]));
}

/** When each part begins, ISO; null for a part without times. */
export function boundaryTexts(start: Readonly<Record<Part, number>>): Record<`${Part}_start`, string | null> {
  const text = (time: number): string | null => (Number.isFinite(time) ? new Date(time).toISOString() : null);
  return {
    train_start: text(start.train),
    validation_start: text(start.validation),
    test_start: text(start.test),
  };
}
