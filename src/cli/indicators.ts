import { neverCancelled, UsageError } from "../core/index.js";
import { barsFrom, withBarsOptions, type BarsOptions } from "./bars-input.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import { csvOf } from "./csv.js";
import { alignRows, formatOf, printColumns, printData, printJson, warn, type CommonOptions } from "./io.js";
import { paramsOf, withParamOption } from "./params.js";

interface ComputeOptions extends BarsOptions {
  param?: readonly string[];
}

async function compute(name: string, options: ComputeOptions): Promise<void> {
  const format = formatOf(options);
  const {
    computeIndicators,
    IndicatorParameterError,
    makeIndicatorSpec,
    outputsOf,
    UnknownIndicatorError,
    warmupOf,
  } = await import("../indicators/index.js");
  let spec: ReturnType<typeof makeIndicatorSpec>;
  try {
    spec = makeIndicatorSpec(name, name, paramsOf(options.param));
  } catch (error) {
    const typed = error instanceof UnknownIndicatorError || error instanceof IndicatorParameterError;
    throw typed ? new UsageError(error.message) : error;
  }
  const bars = await barsFrom(options);
  const computed = computeIndicators(bars, [spec], neverCancelled);
  const columns: Record<string, Float64Array> = {};
  for (const output of outputsOf(spec)) {
    const { indicator, featureId } = spec;
    const header = indicator.outputs.length === 1 ? indicator.name : `${indicator.name}.${output}`;
    const column = computed.column(`${featureId}.${output}`);
    if (column !== undefined) columns[header] = column;
  }
  const warmup = warmupOf(spec);
  if (warmup >= bars.time.length)
    warn(`All values begin at bar ${warmup + 1}, and there are ${bars.time.length} bars.`);
  printColumns(bars.time, columns, format);
}

const listColumns = ["name", "aliases", "params", "outputs", "needs_volume", "definition"] as const;

async function list(options: CommonOptions): Promise<void> {
  const format = formatOf(options);
  const { indicatorEntries } = await import("../indicators/index.js");
  const entries = indicatorEntries();
  if (format === "json") return printJson(entries);
  const rows = entries.map((entry) => ({
    ...entry,
    aliases: entry.aliases.join(" "),
    params: entry.params
      .map((param) => (param.default == null ? param.name : `${param.name}=${param.default}`))
      .join(" "),
    outputs: entry.outputs.map(({ name, primary }) => (primary ? `*${name}` : name)).join(" "),
    needs_volume: entry.needs_volume ? "yes" : "",
  }));
  if (format === "csv") return printData(csvOf(listColumns, rows));
  // The definitions are too long for a table; --json has them.
  const shown = ["name", "outputs", "params"] as const;
  printData(alignRows([shown, ...rows.map((row) => shown.map((column) => row[column]))]));
}

/** `ktrdr indicators list|compute`. */
export const registerIndicatorsCommands: RegisterCommands = (program) => {
  const group = groupOf(program, "indicators", "List indicators, and compute their values.");
  withCommonOptions(group.command("list"))
    .description(
      "All indicators: outputs (* is what the bare name means), parameters; definitions with --json.",
    )
    .action(list);
  withParamOption(withBarsOptions(withCommonOptions(group.command("compute"))))
    .description("Values of one indicator, a row for every bar.")
    .argument("<name>", "name or alias, as `indicators list` shows it")
    .action(compute);
};
