import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { figure, type Measure } from "./measure.js";

/** A line of results.json. */
export interface DatedMeasure extends Measure {
  readonly bench: string;
  readonly machine: string;
  readonly date: string;
  readonly commit: string;
}

const file = fileURLToPath(new URL("../docs/PERFORMANCE.md", import.meta.url));

function row({ measure, value, unit, at_least, aim, pass }: DatedMeasure): string {
  const measuredText = value === null ? "not measured" : `${figure(value)} ${unit}`;
  const verdict = pass === null ? "" : pass ? "met" : "**missed**";
  return `| ${measure} | ${measuredText} | ${at_least ?? ""} | ${aim ?? ""} | ${verdict} |`;
}

function table(results: readonly DatedMeasure[]): string {
  if (results.length === 0) return "Not in the last run.";
  return ["| | measured | required | aim | |", "| --- | --- | --- | --- | --- |", ...results.map(row)].join(
    "\n",
  );
}

/** Growth is measured of every indicator, label and membership function; here the largest of each kind stands for all. */
function withLargestGrowth(results: readonly DatedMeasure[]): DatedMeasure[] {
  const kindOf = ({ measure }: DatedMeasure): string => measure.slice(0, measure.lastIndexOf(","));
  const others = results.filter(({ bench }) => bench !== "growth");
  const growths = results.filter(({ bench }) => bench === "growth");
  const largest = [...new Set(growths.map(kindOf))].map((kind) => {
    const alike = growths.filter((growth) => kindOf(growth) === kind);
    const most = alike.reduce((a, b) => (Number(b.value) > Number(a.value) ? b : a));
    return {
      ...most,
      measure: `${kind}, largest of ${alike.length}: ${most.measure.slice(kind.length + 2)}`,
    };
  });
  return [...others, ...largest];
}

/**
 * Writes the tables of docs/PERFORMANCE.md between their markers, `<!-- figures: NAME -->` and `<!-- end -->`: NAME is a
 * benchmark's, or `origin` for machine, date and commit, or `targets` for everything that must be reached.
 */
export async function writeReport(results: readonly DatedMeasure[]): Promise<void> {
  const [{ machine, date, commit }] = results;
  const text = readFileSync(file, "utf8").replace(
    /(<!-- figures: (\S+) -->\n)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const chosen =
        name === "targets"
          ? withLargestGrowth(results.filter(({ at_least }) => at_least !== null))
          : results.filter(({ bench }) => bench === name);
      const body =
        name === "origin" ? `${machine}, Linux, ${date.slice(0, 10)}, commit \`${commit}\`.` : table(chosen);
      return `${begin}\n${body}\n\n${end}`;
    },
  );
  writeFileSync(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
}
