/** Separators between cells, in the order in which they are tried. */
export const separators = [",", "\t", ";", "|"] as const;

/** What stands between two cells. */
export type Separator = (typeof separators)[number];

/** The cells of a line, trimmed, quotes removed (`""` inside quotes is one); null where a quote is not closed. */
export function splitCells(line: string, separator: Separator): string[] | null {
  if (!line.includes('"')) {
    const cells = line.split(separator);
    for (let j = 0; j < cells.length; j++) cells[j] = cells[j].trim();
    return cells;
  }
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i];
    if (quoted) {
      if (c !== '"') cell += c;
      else if (line[i + 1] === '"') cell += line[++i];
      else quoted = false;
    } else if (c === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (c === separator) {
      cells.push(cell.trim());
      cell = "";
    } else cell += c;
  }
  if (quoted) return null;
  cells.push(cell.trim());
  return cells;
}
