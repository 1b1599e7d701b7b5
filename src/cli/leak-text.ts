import type { LeakReceipt } from "../pipeline/index.js";

/** The receipt in one line. */
export function leakText({ features, labels, joins }: LeakReceipt): string {
  const join = joins.rows_checked === 0 ? "" : `, ${joins.rows_checked} joins of coarser bars`;
  return (
    `no leak found: features of ${features.prefixes} random prefixes (${features.bars_compared} bars) are the same to the bit, ` +
    `${labels.samples} label intervals keep to the split${join}`
  );
}
