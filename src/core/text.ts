/** Number of insertions, deletions and substitutions that turn `a` into `b` (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(previous[j] + 1, row[j - 1] + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length];
}

/** ` Did you mean "rsi"?`, or nothing where no name is near: what follows the sentence that refuses a name. */
export function didYouMean(nearest: string | null | undefined): string {
  return nearest ? ` Did you mean "${nearest}"?` : "";
}

/** The known name closest to what was written (case ignored), or undefined when none is near. */
export function nearestName(written: string, known: Iterable<string>): string | undefined {
  const wanted = written.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const name of known) {
    const distance = editDistance(wanted, name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** An instant (epoch ms) as tables show it: `2024-01-02T00:00:00Z`. */
export function timestampText(time: number): string {
  return new Date(time).toISOString().replace(".000Z", "Z");
}

/** One column of a table over time: float64 values with NaN for "none", or texts with "" for "none". */
export type TableColumn = Float64Array | readonly string[];

/** Row `t` of a table over time as JSON has it: `timestamp`, then the columns, null where there is no value. */
export function tableRow(
  time: Float64Array,
  columns: readonly (readonly [name: string, values: TableColumn])[],
  t: number,
): Record<string, string | number | null> {
  const row: Record<string, string | number | null> = { timestamp: timestampText(time[t]) };
  for (const [name, column] of columns) {
    const value = column[t];
    if (typeof value === "number") row[name] = Number.isFinite(value) ? value : null;
    else row[name] = value === "" ? null : value;
  }
  return row;
}
