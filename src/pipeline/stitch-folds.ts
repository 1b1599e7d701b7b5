import { inBlocks, neverCancelled, throwIfCancelled, type CancellationToken } from "../core/index.js";
import {
  accountsTiming,
  annualisationOf,
  backtest,
  decisionsOf,
  judgeAccounts,
  momentsOf,
  overfittingOf,
  simulate,
  type AccountPart,
  type Backtest,
  type BacktestSettings,
  type BacktestVerdict,
  type Overfitting,
} from "../backtest/index.js";
import { sliceBars, timeframeMs, type Bars } from "../data/index.js";
import { sortedUnion } from "../dataset/index.js";
import type { DecisionOverrides, ModelBacktestRequest } from "./backtest-model.js";
import type { FoldResult, PreparedFolds } from "./walk-forward.js";

/** How the stitched predictions of all folds are traded. */
export interface StitchRequest {
  readonly settings: ModelBacktestRequest["settings"];
  readonly decisions: DecisionOverrides;
  readonly trials: number;
  readonly seed: number;
}

/** The account of one symbol over all tests. */
export interface SymbolAccount {
  readonly bars: Bars;
  readonly backtest: Backtest;
}

/** What came of trading the predictions of all folds. */
export interface StitchedBacktest {
  /** In the order of the symbols; each began with an equal share of the capital. */
  readonly accounts: readonly SymbolAccount[];
  readonly settings: BacktestSettings;
  readonly confidenceThreshold: number;
  /** Bar times of all tests, epoch ms, and the money of all accounts after each. */
  readonly time: Float64Array;
  readonly equity: Float64Array;
  /** Null for one seed. */
  readonly choice: SeedChoice | null;
  readonly verdict: WalkForwardVerdict;
}

/** The verdict of a back-test, and what the choice among seeds is worth. */
export interface WalkForwardVerdict extends BacktestVerdict {
  /** Null for one seed, and where it cannot be told. */
  readonly probability_of_overfitting: number | null;
}

/** What the models of one seed alone came to over all tests; field names as in JSON. */
export interface SeedResult {
  readonly seed: number;
  readonly total_return_pct: number;
  readonly trades: number;
  /** Sharpe ratio, a year, of the returns beyond those of the average position; null where nothing was traded. */
  readonly timing_sharpe: number | null;
}

/** What it would be worth to keep the seed that did best. */
export interface SeedChoice {
  readonly seeds: readonly SeedResult[];
  /** Null where it cannot be told. */
  readonly overfitting: Overfitting | null;
  readonly statement: string;
}

/**
 * Trades what the folds' models said of bars that none of them had trained or selected on, as one account per symbol. Where
 * several models speak of a bar (seeds, combinatorial folds) the mean of their probabilities decides.
 *
 * @throws CancelledError
 */
export function stitchFolds(
  { strategy, series, union, folds }: PreparedFolds,
  results: readonly FoldResult[],
  { settings, decisions, trials, seed }: StitchRequest,
  token: CancellationToken = neverCancelled,
): StitchedBacktest {
  const file = strategy.decisions;
  const all: BacktestSettings = {
    ...settings,
    capital: settings.capital / series.length,
    size: decisions.size ?? file.positionSize,
    minSeparation:
      decisions.minSeparation ??
      Math.ceil((file.minSignalSeparation * 3_600_000) / timeframeMs[strategy.baseTimeframe]),
    positionAwareness: decisions.positionAwareness ?? file.positionAwareness,
  };
  const confidenceThreshold = decisions.confidenceThreshold ?? file.confidenceThreshold;
  const firstTime = union[Math.min(...folds.map(({ test }) => test[0].from))];
  const lastTime = union[Math.max(...folds.map(({ test }) => test[test.length - 1].to)) - 1];
  const stretches = series.map(({ base, from, to }) => {
    let [first, end] = [from, to];
    while (first < to && base.time[first] < firstTime) first++;
    while (end > first && base.time[end - 1] > lastTime) end--;
    return { bars: sliceBars(base, first, end), first, length: base.time.length };
  });
  const signalsOf = (of: readonly FoldResult[], s: number): Int8Array => {
    const { bars, first, length } = stretches[s];
    const { rows, probabilities } = meanProbabilities(
      of.map((result) => result.predictions[s]),
      length,
      token,
    );
    const inRange = rows.map((t) => t - first);
    return decisionsOf(probabilities, inRange, bars.time.length, confidenceThreshold, token);
  };
  const accounts = stretches.map(({ bars }, s): SymbolAccount => {
    throwIfCancelled(token);
    const signals = signalsOf(results, s);
    return { bars, backtest: backtest({ bars, signals, settings: all, trials, seen: 0, seed }, token) };
  });
  const { time, equity } = addAccounts(accounts, all.capital, token);
  const trades = accounts.reduce((sum, one) => sum + one.backtest.metrics.trades, 0);
  const heldBars = accounts.reduce(
    (sum, { backtest: { metrics } }) => sum + metrics.trades * (metrics.average_bars_held ?? 0),
    0,
  );
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const names = series.map(({ symbol }) => symbol).join(", ");
  const measuredOn =
    `${time.length} bar times of ${names} ${strategy.baseTimeframe} from ${day(firstTime)} to ${day(lastTime)} ` +
    `(the tests of ${folds.length} folds)`;
  const { bars_per_year: barsPerYear } = annualisationOf({ time, timeframe: strategy.baseTimeframe });
  const choice = chooseSeed(
    [...new Set(results.map((result) => result.seed))],
    (one) => {
      const of = results.filter((result) => result.seed === one);
      return stretches.map(({ bars }, s) => ({
        bars,
        simulation: simulate(bars, signalsOf(of, s), all, token),
      }));
    },
    all.capital,
    barsPerYear,
    token,
  );
  const verdict = judgeAccounts(
    accounts.map(({ bars, backtest: { simulation } }) => ({ bars, simulation })),
    { trades, average_bars_held: trades === 0 ? null : heldBars / trades },
    all,
    { barsPerYear, trials, seen: 0, measuredOn, seed },
    token,
  );
  return {
    accounts,
    settings: all,
    confidenceThreshold,
    time,
    equity,
    choice,
    verdict: {
      ...verdict,
      statement: choice === null ? verdict.statement : `${verdict.statement} ${choice.statement}`,
      probability_of_overfitting: choice?.overfitting?.probability ?? null,
    },
  };
}

/** Each seed traded alone, and what choosing the best of them would be worth; null where there is no choice. */
function chooseSeed(
  seeds: readonly number[],
  trade: (seed: number) => readonly AccountPart[],
  capital: number,
  barsPerYear: number,
  token: CancellationToken,
): SeedChoice | null {
  if (seeds.length < 2) return null;
  const timing: Float64Array[] = [];
  let [trades, heldBars] = [0, 0];
  const each = seeds.map((seed): SeedResult => {
    throwIfCancelled(token);
    const accounts = trade(seed);
    const { excess } = accountsTiming(accounts, token);
    timing.push(excess);
    const { mean, deviation } = momentsOf(excess);
    let [money, made] = [0, 0];
    for (const { simulation } of accounts) {
      money += simulation.equity.at(-1) ?? capital;
      made += simulation.trades.count;
      heldBars += simulation.trades.held.reduce((sum, bars) => sum + bars, 0);
    }
    trades += made;
    return {
      seed,
      total_return_pct: 100 * (money / (capital * accounts.length) - 1),
      trades: made,
      timing_sharpe: deviation > 0 ? (mean / deviation) * Math.sqrt(barsPerYear) : null,
    };
  });
  // As in the verdict, what lies within two trades belongs together.
  const overfitting = overfittingOf(timing, trades === 0 ? 1 : Math.ceil((2 * heldBars) / trades), token);
  return { seeds: each, overfitting, statement: choiceText(seeds.length, overfitting) };
}

/** Below this the best of the candidates is among the better ones nearly always. */
const lasting = 0.05;

function choiceText(seeds: number, overfitting: Overfitting | null): string {
  if (overfitting === null) {
    return `Whether the best of the ${seeds} seeds would stay the best cannot be told: there are too few bars for the length of the trades, or the seeds do not differ.`;
  }
  const { probability, by_chance, splits } = overfitting;
  return (
    `Of the ${seeds} seeds, the one that did best in one half of these bars was not above the middle of them in the other half in ` +
    `${percent(probability)} of ${splits} ways to halve them (probability of back-test overfitting; ${percent(by_chance)} by luck alone)` +
    (probability < lasting
      ? ": the best of them stays among the better ones."
      : ": to keep the seed that did best would be to trust luck.")
  );
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/** The mean of what several models said of each bar; bars that none spoke of are left out. */
function meanProbabilities(
  predictions: readonly FoldResult["predictions"][number][],
  bars: number,
  token: CancellationToken,
): { rows: Uint32Array; probabilities: Float32Array } {
  const sums = new Float64Array(3 * bars);
  const counts = new Uint32Array(bars);
  for (const { rows, probabilities } of predictions) {
    inBlocks(rows.length, token, (from, to) => {
      for (let i = from; i < to; i++) {
        counts[rows[i]]++;
        for (let k = 0; k < 3; k++) sums[3 * rows[i] + k] += probabilities[3 * i + k];
      }
    });
  }
  const rows = new Uint32Array(bars);
  const probabilities = new Float32Array(3 * bars);
  let found = 0;
  inBlocks(bars, token, (from, to) => {
    for (let t = from; t < to; t++) {
      if (counts[t] === 0) continue;
      for (let k = 0; k < 3; k++) probabilities[3 * found + k] = sums[3 * t + k] / counts[t];
      rows[found++] = t;
    }
  });
  return { rows: rows.slice(0, found), probabilities: probabilities.slice(0, 3 * found) };
}

/** The money of all accounts at each time that any of them has a bar; between its bars an account stays as it is. */
function addAccounts(
  accounts: readonly SymbolAccount[],
  capital: number,
  token: CancellationToken,
): { time: Float64Array; equity: Float64Array } {
  const time = sortedUnion(
    accounts.map(({ bars }) => bars.time),
    token,
  );
  const equity = new Float64Array(time.length);
  for (const {
    bars,
    backtest: { simulation },
  } of accounts) {
    let at = 0;
    inBlocks(time.length, token, (from, to) => {
      for (let t = from; t < to; t++) {
        while (at < bars.time.length && bars.time[at] <= time[t]) at++;
        equity[t] += at === 0 ? capital : simulation.equity[at - 1];
      }
    });
  }
  return { time, equity };
}
