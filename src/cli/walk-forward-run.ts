import { availableParallelism } from "node:os";
import { writeFileAtomic } from "../core/index.js";
import { parseDateRange } from "../data/index.js";
import { OperationStore } from "../operations/index.js";
import {
  prepareThread,
  strategyOf,
  walkForwardOnThreads,
  type WalkForwardJob,
  type WalkForwardOutcome,
} from "../orchestration/index.js";
import type { FoldResult } from "../pipeline/index.js";
import { costWarnings, decisionsFrom, settingsData, settingsOf } from "./backtest-options.js";
import { csvOf } from "./csv.js";
import { alignRows, foldersOf, note, printJson, printText, timestampText, wantsJson, warn } from "./io.js";
import { leakText } from "./leak-text.js";
import { contextOf } from "./models-train.js";
import { runRecorded } from "./recorded-run.js";
import { trialsOn } from "../operations/index.js";
import { planOf, type WalkForwardOptions } from "./walk-forward.js";

/** What `ktrdr walk-forward` does. @throws UsageError, and every `KnownError` of what it reads and runs */
export async function walkForwardCommand(options: WalkForwardOptions): Promise<void> {
  const json = wantsJson(options);
  const plan = planOf(options);
  const folders = foldersOf(options);
  prepareThread("worker");
  const context = await contextOf(options);
  const strategy = strategyOf(context);
  const { symbols, startDate, endDate } = strategy;
  const range = parseDateRange(startDate, endDate);
  const firstSeed = strategy.training.seed;
  const seeds = Array.from({ length: options.seeds }, (_, k) => (firstSeed + k) >>> 0);
  const store = new OperationStore(folders.operations);
  try {
    const settings = JSON.stringify({ plan, seeds, ...settingsOf(options), ...decisionsFrom(options) });
    // The present one is not in the registry yet, and counts.
    const present = { source: `walk_forward:${options.strategy}`, settings };
    const trials = trialsOn(store, folders, { symbols, ...range }, present);
    const stitch = {
      settings: settingsOf(options),
      decisions: decisionsFrom(options),
      trials,
      seed: firstSeed,
    };
    const job: WalkForwardJob = { context, plan, embargo: options.embargo ?? null, seeds, stitch };
    const record = {
      type: "walk_forward",
      metadata: {
        strategy: options.strategy,
        symbols,
        timeframes: strategy.timeframes,
        start_date: startDate,
        end_date: endDate,
        plan,
        parameters: { seeds },
      },
      summarize: ({ stitched }: WalkForwardOutcome) => ({ statement: stitched.verdict.statement }),
    };
    const threads = options.threads ?? availableParallelism();
    const outcome = await runRecorded(store, record, (token) =>
      walkForwardOnThreads(job, threads, token, (result, done, all) =>
        note(`${done}/${all} ${foldText(result)}`),
      ),
    );
    const warnings = warningsOf(outcome);
    for (const text of warnings) warn(text);
    if (options.equityCsv !== undefined) {
      writeFileAtomic(options.equityCsv, `${csvOf(["timestamp", "equity"], equityOf(outcome))}\n`);
    }
    if (json) printJson(resultOf(options, job, outcome, warnings));
    else printText(walkForwardText(strategy.name, outcome));
    if (options.equityCsv !== undefined) note(`Wrote ${options.equityCsv}.`);
  } finally {
    store.close();
  }
}

function foldText({ fold, seed, metrics, test }: FoldResult): string {
  const accuracy = "test_accuracy" in metrics ? percent(metrics.test_accuracy) : "nothing to test on";
  return `fold ${fold}, seed ${seed}: test ${dayOf(test.from)} to ${dayOf(test.to)}, accuracy ${accuracy}`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const dayOf = (text: string | null): string => text?.slice(0, 10) ?? "-";

function warningsOf({ notices, stitched: { accounts, settings } }: WalkForwardOutcome): string[] {
  const several = accounts.length > 1;
  return [
    ...notices,
    ...accounts.flatMap(({ bars, backtest }) =>
      backtest.warnings.map((text) => (several ? `${bars.symbol}: ${text}` : text)),
    ),
    ...costWarnings(settings),
  ];
}

function equityOf({
  stitched: { time, equity },
}: WalkForwardOutcome): { timestamp: string; equity: number }[] {
  return Array.from(time, (at, t) => ({ timestamp: timestampText(at), equity: equity[t] }));
}

/** Figures that are averaged over folds and seeds. */
const averaged = [
  "test_accuracy",
  "test_loss",
  "precision",
  "recall",
  "f1_score",
  "balanced_accuracy",
  "majority_class_accuracy",
] as const;

type Averages = Record<(typeof averaged)[number], number | null>;

/** Mean and sample deviation over all folds and seeds that had something to test on; null where there are too few. */
function averagesOf(folds: readonly FoldResult[]): { mean: Averages; deviation: Averages } {
  const all = folds.flatMap(({ metrics }) => ("test_accuracy" in metrics ? [metrics] : []));
  const meanOf = (values: readonly number[]): number | null =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  const over = (figure: (values: readonly number[]) => number | null): Averages =>
    Object.fromEntries(
      averaged.map((name) => [name, figure(all.map((metrics) => metrics[name]))]),
    ) as Averages;
  const deviationOf = (values: readonly number[]): number | null => {
    const mean = meanOf(values);
    if (mean === null || values.length < 2) return null;
    return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
  };
  return { mean: over(meanOf), deviation: over(deviationOf) };
}

function resultOf(
  options: WalkForwardOptions,
  job: WalkForwardJob,
  outcome: WalkForwardOutcome,
  warnings: readonly string[],
): object {
  const { stitched } = outcome;
  const { settings, accounts } = stitched;
  return {
    config: {
      strategy: options.strategy,
      symbols: accounts.map(({ bars }) => bars.symbol),
      ...job.plan,
      embargo: job.embargo,
      seeds: job.seeds,
      ...settingsData(settings),
      capital: options.capital, // of all accounts together
      confidence_threshold: stitched.confidenceThreshold,
      min_signal_separation_bars: settings.minSeparation,
      position_awareness: settings.positionAwareness,
    },
    folds: outcome.folds.map(({ predictions: _predictions, ...fold }) => fold),
    ...averagesOf(outcome.folds),
    backtest: {
      final_equity: stitched.equity.at(-1) ?? options.capital,
      total_return_pct: 100 * ((stitched.equity.at(-1) ?? options.capital) / options.capital - 1),
      per_symbol: Object.fromEntries(
        accounts.map(({ bars, backtest: { metrics, baselines } }) => [bars.symbol, { metrics, baselines }]),
      ),
    },
    equity: equityOf(outcome),
    seed_choice: stitched.choice,
    verdict: stitched.verdict,
    leak_receipt: outcome.leakReceipt,
    warnings,
  };
}

function walkForwardText(strategy: string, outcome: WalkForwardOutcome): string {
  const { folds, stitched } = outcome;
  const rows = folds.map(({ fold, seed, train, validation, test, metrics }) => [
    String(fold),
    String(seed),
    `${dayOf(test.from)} to ${dayOf(test.to)}`,
    String(train.samples),
    String(validation.samples),
    String(test.samples),
    ...("test_accuracy" in metrics
      ? [metrics.test_accuracy, metrics.majority_class_accuracy, metrics.balanced_accuracy].map(percent)
      : ["-", "-", "-"]),
  ]);
  const { mean, deviation } = averagesOf(folds);
  const spread = (name: keyof Averages): string =>
    mean[name] === null
      ? "-"
      : `${percent(mean[name])}${deviation[name] === null ? "" : ` ± ${percent(deviation[name])}`}`;
  const accounts = stitched.accounts.map(({ bars, backtest: { metrics } }) => [
    bars.symbol,
    `${metrics.total_return_pct.toFixed(2)} %`,
    `${metrics.buy_and_hold_return_pct.toFixed(2)} %`,
    metrics.sharpe === null ? "-" : metrics.sharpe.toFixed(2),
    `${metrics.max_drawdown_pct.toFixed(2)} %`,
    String(metrics.trades),
    metrics.costs.toFixed(2),
  ]);
  return [
    `Walk-forward of ${strategy}`,
    "",
    alignRows([
      [
        "fold",
        "seed",
        "test",
        "train",
        "validation",
        "test samples",
        "accuracy",
        "commonest class",
        "balanced",
      ],
      ...rows,
    ]),
    "",
    `Accuracy ${spread("test_accuracy")} over folds and seeds; always the commonest class ${spread("majority_class_accuracy")}.`,
    "",
    "Trading what the models said of their tests, one test after the other:",
    alignRows([["symbol", "return", "buy and hold", "Sharpe", "drawdown", "trades", "costs"], ...accounts]),
    "",
    ...seedLines(stitched.choice),
    `Receipt: ${leakText(outcome.leakReceipt)}.`,
    "",
    stitched.verdict.statement,
  ].join("\n");
}

function seedLines(choice: WalkForwardOutcome["stitched"]["choice"]): string[] {
  if (choice === null) return [];
  const rows = choice.seeds.map(({ seed, total_return_pct, timing_sharpe, trades }) => [
    String(seed),
    `${total_return_pct.toFixed(2)} %`,
    timing_sharpe === null ? "-" : timing_sharpe.toFixed(2),
    String(trades),
  ]);
  return [
    "Each seed alone; above, the mean of what all of them say decides:",
    alignRows([["seed", "return", "Sharpe of the timing", "trades"], ...rows]),
    "",
  ];
}
