import { neverCancelled, UsageError } from "../core/index.js";
import type { IndicatorEntry } from "../indicators/index.js";
import { apiOf, asksBackend, printRemoteTable } from "./api.js";
import { barsFrom, storedSeriesOf, withBarsOptions, type BarsOptions } from "./bars-input.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import { csvOf } from "./csv.js";
import { alignRows, formatOf, printColumns, printData, printJson, warn, type CommonOptions } from "./io.js";
import { paramsOf, withParamOption } from "./params.js";

interface ComputeOptions extends BarsOptions {
  param?: readonly string[];
}

async function compute(name: string, options: ComputeOptions): Promise<void> {
  const format = formatOf(options);
  const { IndicatorParameterError, indicatorTable, makeIndicatorSpec, UnknownIndicatorError } =
    await import("../indicators/index.js");
  const params = paramsOf(options.param);
  let spec: ReturnType<typeof makeIndicatorSpec>;
  try {
    spec = makeIndicatorSpec(name, name, params);
  } catch (error) {
    const typed = error instanceof UnknownIndicatorError || error instanceof IndicatorParameterError;
    throw typed ? new UsageError(error.message) : error;
  }
  const api = options.input === undefined ? await apiOf(options, true) : null;
  if (api !== null) {
    const { symbol, timeframe } = await storedSeriesOf(options);
    return printRemoteTable(`${symbol} ${timeframe}`, format, (rows) =>
      api.call("/indicators/compute", {
        method: "POST",
        body: { name, params, symbol, timeframe, ...rows },
      }),
    );
  }
  const bars = await barsFrom(options);
  const { columns, notices } = indicatorTable(bars, spec, neverCancelled);
  for (const text of notices) warn(text);
  printColumns(bars.time, columns, format);
}

const listColumns = ["name", "aliases", "params", "outputs", "needs_volume", "definition"] as const;

async function list(options: CommonOptions): Promise<void> {
  const format = formatOf(options);
  const api = await apiOf(options);
  const entries =
    api === null
      ? (await import("../indicators/index.js")).indicatorEntries()
      : await api.data<IndicatorEntry[]>("/indicators");
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
  asksBackend(withCommonOptions(group.command("list")))
    .description(
      "All indicators: outputs (* is what the bare name means), parameters; definitions with --json.",
    )
    .action(list);
  asksBackend(withParamOption(withBarsOptions(withCommonOptions(group.command("compute")))))
    .description("Values of one indicator, a row for every bar.")
    .argument("<name>", "name or alias, as `indicators list` shows it")
    .action(compute);
};
