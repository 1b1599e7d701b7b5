import type { Command } from "commander";
import {
  didYouMean,
  KnownError,
  nearestName,
  neverCancelled,
  UsageError,
  writeFileAtomic,
} from "../core/index.js";
import type { ApiClient } from "../service/manager/api-client.js";
import { apiOf, asksBackend, printRemoteTable, strategyBody } from "./api.js";
import { barsFrom, refuseFileFlags, timeframeOf, withBarsOptions, type BarsOptions } from "./bars-input.js";
import { groupOf, withCommonOptions, type RegisterCommands } from "./command.js";
import {
  foldersOf,
  formatOf,
  note,
  printColumns,
  printData,
  printJson,
  warn,
  type OutputFormat,
} from "./io.js";

interface FuzzyOptions extends BarsOptions {
  strategy: string;
}

interface PlotOptions extends FuzzyOptions {
  feature: string;
  svg?: string;
}

/** A feature that the strategy has no fuzzy sets for. */
class UnknownFeatureError extends KnownError {
  readonly code = "UNKNOWN_FEATURE";
  readonly feature: string;

  constructor(feature: string, known: readonly string[]) {
    const nearest = nearestName(feature, known);
    const hint = didYouMean(nearest);
    super(`The strategy has no fuzzy sets for "${feature}". It has them for: ${known.join(", ")}.${hint}`);
    this.feature = feature;
  }
}

async function strategyOf(options: FuzzyOptions): Promise<import("../strategy/index.js").Strategy> {
  const { findStrategy, loadStrategy } = await import("../strategy/index.js");
  return loadStrategy(findStrategy(options.strategy, foldersOf(options).strategies));
}

async function compute(options: FuzzyOptions): Promise<void> {
  const format = formatOf(options);
  const api = options.input === undefined ? await apiOf(options, true) : null;
  if (api !== null) return computeRemotely(api, options, format);
  const strategy = await strategyOf(options);
  const bars = await barsFrom(options, strategy.timeframes);
  const { computeIndicators } = await import("../indicators/index.js");
  const { computeMemberships, coverageWarnings } = await import("../fuzzy/index.js");
  const indicators = computeIndicators(bars, strategy.indicators, neverCancelled);
  const memberships = computeMemberships(bars, indicators, strategy.fuzzy, neverCancelled);
  const where = `${bars.symbol} ${bars.timeframe}`;
  for (const text of coverageWarnings(memberships.coverage, where)) warn(text);
  printColumns(
    bars.time,
    Object.fromEntries(memberships.columns.map(({ name, column }) => [name, column])),
    format,
  );
}

async function computeRemotely(api: ApiClient, options: FuzzyOptions, format: OutputFormat): Promise<void> {
  refuseFileFlags(options);
  const { symbol, timeframe } = options;
  if (symbol === undefined) throw new UsageError("Give --input FILE, or --symbol S and --timeframe T.");
  if (timeframe !== undefined) await timeframeOf("--timeframe", timeframe);
  const body = { ...strategyBody(options.strategy), symbol, timeframe };
  await printRemoteTable(timeframe === undefined ? symbol : `${symbol} ${timeframe}`, format, (rows) =>
    api.call("/fuzzy/compute", { method: "POST", body: { ...body, ...rows } }),
  );
}

/** Samples of the functions: as wide as a terminal's text, or fine enough for a drawing. */
const textPoints = 64;
const drawnPoints = 301;

async function plot(options: PlotOptions): Promise<void> {
  const format = formatOf(options);
  const strategy = await strategyOf(options);
  const spec = strategy.fuzzy.find(({ featureId }) => featureId === options.feature);
  if (spec === undefined) {
    throw new UnknownFeatureError(
      options.feature,
      strategy.fuzzy.map(({ featureId }) => featureId),
    );
  }
  const crisp =
    options.input === undefined && options.symbol === undefined
      ? null
      : await crispValues(options, strategy, spec);
  const { membershipCurves, plotText } = await import("./membership-plot.js");
  if (options.svg !== undefined) {
    const { plotSvg } = await import("./membership-svg.js");
    writeFileAtomic(options.svg, plotSvg(membershipCurves(spec, crisp, drawnPoints)));
    note(`Wrote ${options.svg}`);
  }
  if (format === "text") {
    printData(plotText(membershipCurves(spec, crisp, textPoints)));
    return;
  }
  const curves = membershipCurves(spec, crisp, drawnPoints);
  const names = curves.sets.map(({ name }) => name);
  if (format === "json") {
    const points = [...curves.x].map((x, k) => ({
      x,
      degrees: Object.fromEntries(curves.sets.map(({ name, degrees }) => [name, degrees[k]])),
    }));
    printJson({ feature: spec.featureId, input: curves.axis, sets: spec.sets, points });
    return;
  }
  const lines = [...curves.x].map((x, k) => [x, ...curves.sets.map(({ degrees }) => degrees[k])].join(","));
  printData([["x", ...names].join(","), ...lines].join("\n"));
}

/** What the fuzzy sets of one feature see over the bars asked for, [bars]. */
async function crispValues(
  options: PlotOptions,
  strategy: import("../strategy/index.js").Strategy,
  spec: import("../fuzzy/index.js").FuzzySpec,
): Promise<Float64Array> {
  const bars = await barsFrom(options, strategy.timeframes);
  const { computeIndicators } = await import("../indicators/index.js");
  const { MissingIndicatorColumnError, transformed } = await import("../fuzzy/index.js");
  const indicators = computeIndicators(bars, strategy.indicators, neverCancelled);
  const column = indicators.column(spec.featureId);
  if (column === undefined) throw new MissingIndicatorColumnError(spec.featureId, indicators.ids);
  const n = bars.time.length;
  return transformed(spec.transform, bars, column, 0, n, new Float64Array(n));
}

/** `ktrdr fuzzy compute|plot`. */
export const registerFuzzyCommands: RegisterCommands = (program) => {
  const fuzzy = groupOf(program, "fuzzy", "Membership degrees of indicators in fuzzy sets.");
  const command = (name: string, description: string): Command =>
    withBarsOptions(withCommonOptions(fuzzy.command(name).description(description))).requiredOption(
      "--strategy <file>",
      "strategy file, or a name under config/strategies",
    );
  asksBackend(command("compute", "Membership degrees of every bar.")).action(compute);
  command("plot", "Membership functions of one feature, over the observed values where bars are given.")
    .requiredOption("--feature <id>", "feature id, as under fuzzy_sets")
    .option("--svg <file>", "also write a drawing")
    .action(plot);
};
