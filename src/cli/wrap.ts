/**
 * Breaks lines at spaces so that none is longer than `width`; words that are longer stay whole. A line's continuation begins
 * under its text: below the indentation, or below the value of a `name   value` line.
 *
 * @param width columns; null (no terminal) leaves the text as it is
 */
export function wrapText(text: string, width: number | null): string {
  if (width === null) return text;
  return text
    .split("\n")
    .map((line) => (line.length <= width ? line : wrapLine(line, width)))
    .join("\n");
}

function wrapLine(line: string, width: number): string {
  const lead = /^(?: *\S+ {2,}| +)?/.exec(line)?.[0] ?? "";
  // A value that begins beyond the middle leaves too little room below it.
  const indent = lead.length > width / 2 ? 0 : lead.length;
  const lines: string[] = [];
  let current = lead;
  let empty = true;
  for (const word of line.slice(lead.length).split(" ")) {
    if (!empty && current.length + 1 + word.length > width) {
      lines.push(current);
      current = " ".repeat(indent);
      empty = true;
    }
    current += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, current].join("\n");
}

/** Columns of a terminal, at least 40; null where the stream is none. */
export function widthOf(stream: NodeJS.WriteStream): number | null {
  return stream.isTTY && stream.columns > 0 ? Math.max(40, stream.columns) : null;
}
