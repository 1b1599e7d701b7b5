import { blockEnd, neverCancelled, type CancellationToken } from "../core/index.js";
import { classNames, type ClassName } from "../labels/index.js";

/** Samples of each class. */
export type LabelDistribution = Readonly<Record<ClassName, number>>;

/** Counts classes over several label columns, each [n] with values 0..2. @throws CancelledError */
export function labelDistribution(
  labels: readonly Uint8Array[],
  token: CancellationToken = neverCancelled,
): LabelDistribution {
  const counts = [0, 0, 0];
  for (const column of labels) {
    for (let i = 0; i < column.length;)
      for (const end = blockEnd(i, column.length, token); i < end; i++) counts[column[i]]++;
  }
  return { BUY: counts[0], HOLD: counts[1], SELL: counts[2] };
}

/** What to know where a class never occurs among the training samples; null where all do. */
export function missingClassWarning(train: LabelDistribution): string | null {
  const missing = classNames.filter((name) => train[name] === 0);
  if (missing.length === 0) return null;
  return (
    `No training sample is ${missing.join(" or ")}: the model cannot learn to answer it. ` +
    `Widen the range, or change the label's threshold, barriers or horizon.`
  );
}
