import type { CancellationToken, Phase } from "../core/index.js";
import { KnownError } from "../core/index.js";
import type { Bars, Timeframe } from "../data/index.js";
import { computeMemberships, coverageWarnings, type FuzzySpec } from "../fuzzy/index.js";
import { computeIndicators, type IndicatorColumns, type IndicatorSpec } from "../indicators/index.js";
import { alignTimeframes, type TimeframeMemberships } from "./align.js";
import type { FeatureTable } from "./table.js";

/** The parts of a strategy that turn bars into features. */
export interface FeatureRecipe {
  readonly indicators: readonly IndicatorSpec[];
  readonly fuzzy: readonly FuzzySpec[];
  /** Lagged copies of every feature, 0 or more. */
  readonly lookback: number;
  /** The timeframe whose bars are the rows. */
  readonly baseTimeframe: Timeframe;
}

/** One timeframe of a symbol: its bars and the indicators computed from them. */
export interface TimeframeIndicators {
  readonly bars: Bars;
  readonly columns: IndicatorColumns;
}

/** The features of one symbol and what a person should know about them. */
export interface PreparedFeatures {
  readonly table: FeatureTable;
  /** What the table was made of. */
  readonly memberships: readonly TimeframeMemberships[];
  /** Values outside all fuzzy sets, sets without values, timeframes without values; one text each. */
  readonly warnings: readonly string[];
}

/** A base timeframe without bars. */
export class MissingTimeframeError extends KnownError {
  readonly code = "MISSING_TIMEFRAME";
  readonly timeframe: Timeframe;

  constructor(timeframe: Timeframe, found: readonly Timeframe[]) {
    super(
      `The strategy's base timeframe is ${timeframe}, and the bars given are ${found.join(", ") || "none"}. ` +
        `Give ${timeframe} bars, or choose the timeframe of the bars for the strategy.`,
    );
    this.timeframe = timeframe;
  }
}

/**
 * Indicators of all timeframes of one symbol, from the first bar given. State starts afresh in each series: a symbol's
 * values are the same whichever other symbols take part in the run.
 *
 * @param series  bars of one symbol, one entry per timeframe
 */
export function calculateIndicators(
  recipe: Pick<FeatureRecipe, "indicators">,
  series: readonly Bars[],
  token: CancellationToken,
): TimeframeIndicators[] {
  return series.map((bars) => ({ bars, columns: computeIndicators(bars, recipe.indicators, token) }));
}

/** Membership degrees of all timeframes of one symbol. */
export function generateFuzzyMemberships(
  recipe: Pick<FeatureRecipe, "fuzzy">,
  indicators: readonly TimeframeIndicators[],
  token: CancellationToken,
): TimeframeMemberships[] {
  return indicators.map(({ bars, columns }) => ({
    bars,
    memberships: computeMemberships(bars, columns, recipe.fuzzy, token),
  }));
}

/** The feature table of one symbol: a row per base bar. @throws MissingTimeframeError and the errors of `alignTimeframes` */
export function createFeatures(
  recipe: Pick<FeatureRecipe, "lookback" | "baseTimeframe">,
  parts: readonly TimeframeMemberships[],
  token: CancellationToken,
): FeatureTable {
  const base = parts.find(({ bars }) => bars.timeframe === recipe.baseTimeframe);
  if (base === undefined) {
    const found = parts.map(({ bars }) => bars.timeframe);
    throw new MissingTimeframeError(recipe.baseTimeframe, found);
  }
  return alignTimeframes(base.bars, parts, recipe.lookback, token);
}

/**
 * The whole way from one symbol's bars to its features: the one path of training, test, prediction and the command line.
 *
 * A row depends only on bars that had closed with its base bar, from the first ones given; so give all stored bars, and
 * a bar's features are the same whatever the dates of the run.
 *
 * @param series   bars of one symbol, one entry per timeframe
 * @param onPhase  told before each step
 */
export function prepareFeatures(
  recipe: FeatureRecipe,
  series: readonly Bars[],
  token: CancellationToken,
  onPhase: (phase: Phase) => void = () => undefined,
): PreparedFeatures {
  onPhase("computing_indicators");
  const indicators = calculateIndicators(recipe, series, token);
  onPhase("generating_fuzzy");
  const parts = generateFuzzyMemberships(recipe, indicators, token);
  onPhase("creating_features");
  const table = createFeatures(recipe, parts, token);
  return { table, memberships: parts, warnings: [...table.warnings, ...membershipWarnings(parts)] };
}

/** The coverage warnings of all timeframes, each naming symbol and timeframe. */
export function membershipWarnings(parts: readonly TimeframeMemberships[]): string[] {
  return parts.flatMap(({ bars, memberships }) =>
    coverageWarnings(memberships.coverage, `${bars.symbol} ${bars.timeframe}`),
  );
}
