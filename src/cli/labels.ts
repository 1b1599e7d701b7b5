import { nearestName, neverCancelled, UsageError, wantedBy } from "../core/index.js";
import type { AnyLabelType } from "../labels/index.js";
import { barsFrom, withBarsOptions, type BarsOptions } from "./bars-input.js";
import { asksBackend } from "./api.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import { csvOf } from "./csv.js";
import {
  formatOf,
  printColumns,
  printData,
  printJson,
  printText,
  timestampText,
  type CommonOptions,
} from "./io.js";
import { paramsOf, withParamOption } from "./params.js";

interface ComputeOptions extends BarsOptions {
  param?: readonly string[];
  pivots?: boolean;
}

async function typeNamed(name: string): Promise<AnyLabelType> {
  const { findLabelType, UnknownLabelTypeError } = await import("../labels/index.js");
  try {
    return findLabelType(name);
  } catch (error) {
    throw error instanceof UnknownLabelTypeError ? new UsageError(error.message) : error;
  }
}

/** Parameters complete and checked. @throws UsageError naming every wrong one */
async function checkedParams(type: AnyLabelType, given: Record<string, unknown>): Promise<unknown> {
  const { labelParametersOf } = await import("../labels/index.js");
  const parsed = type.schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const known = labelParametersOf(type).map((param) => param.name);
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") {
      const name = issue.path.join(".");
      return [`${name} is ${JSON.stringify(given[name]) ?? "missing"}: ${wantedBy(issue)}`];
    }
    return issue.keys.map((key) => {
      const nearest = nearestName(key, known);
      const hint = nearest === undefined ? "" : `, did you mean "${nearest}"?`;
      return `unknown parameter "${key}"${hint} (known: ${known.join(", ")})`;
    });
  });
  throw new UsageError(`${type.name}: ${problems.join("; ")}`);
}

const pivotText = (pivot: number): string => (pivot > 0 ? "H" : pivot < 0 ? "L" : "");

async function compute(name: string, options: ComputeOptions): Promise<void> {
  const format = formatOf(options);
  const type = await typeNamed(name);
  const params: unknown = await checkedParams(type, paramsOf(options.param));
  if (options.pivots && type.pivots === undefined)
    throw new UsageError(`--pivots: ${type.name} labels have none.`);
  const { classNames } = await import("../labels/index.js");
  const bars = await barsFrom(options);
  const { classes, knownAt } = type.compute(bars, params, neverCancelled);
  const columns: Record<string, string[]> = {
    label: Array.from(classes, (c) => (c < 0 ? "" : classNames[c])),
    known_at: Array.from(knownAt, (t) => (t < 0 ? "" : timestampText(bars.time[t]))),
  };
  if (options.pivots && type.pivots !== undefined) {
    columns["pivot"] = Array.from(type.pivots(bars, params, neverCancelled), pivotText);
  }
  printColumns(bars.time, columns, format);
}

async function list(options: CommonOptions): Promise<void> {
  const format = formatOf(options);
  const { labelParametersOf, labelTypes } = await import("../labels/index.js");
  const entries = Object.values(labelTypes).map((type) => ({
    name: type.name,
    title: type.title,
    params: labelParametersOf(type),
    definition: type.definition,
  }));
  if (format === "json") return printJson(entries);
  const rows = entries.map((entry) => ({
    ...entry,
    params: entry.params.map((param) => `${param.name}=${param.default}`).join(" "),
  }));
  if (format === "csv") return printData(csvOf(["name", "title", "params", "definition"], rows));
  printText(
    rows
      .map(({ name, title, params, definition }) => `${name}: ${title}\n    ${params}\n    ${definition}`)
      .join("\n\n"),
  );
}

/** `ktrdr labels list|compute`. */
export const registerLabelsCommands: RegisterCommands = (program) => {
  const group = groupOf(
    program,
    "labels",
    "List label types, and compute labels: classes to learn, and when each became known.",
  );
  asksBackend(withCommonOptions(group.command("list")))
    .description("All label types: parameters and rules.")
    .action(list);
  withParamOption(withBarsOptions(withCommonOptions(group.command("compute"))))
    .description("Label of every bar, and the bar with whose close it was known.")
    .argument("<type>", "label type, as `labels list` shows it")
    .option("--pivots", "add a column of confirmed turning points, H or L (zigzag)")
    .action(compute);
};
