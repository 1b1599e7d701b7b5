import { createRandom, throwIfCancelled, type CancellationToken } from "../core/index.js";
import type { Engine, Samples } from "../engines/index.js";
import type { Strategy } from "../strategy/index.js";
import { MLPTradingModel, ModelTrainer, type TrainingParts } from "../training/index.js";
import { evaluateOn, type SymbolRowCount } from "./evaluate.js";
import type { LabelledRows } from "./rows.js";
import type { ControlFacts } from "./verdict.js";

/** Runs beside a training that are the same in everything but the labels they learn from; field names as in JSON. */
export interface ControlResult {
  readonly type: "shuffled";
  /** Training samples whose labels stayed together, by symbol. */
  readonly blocks: Readonly<Record<string, number>>;
  readonly runs: readonly {
    /** Of the shuffle; weights, order and dropout have the training's. */
    readonly seed: number;
    readonly epochs_trained: number;
    readonly test_accuracy: number;
    /** Mean probability of what came less that of the same probabilities at random times, and its 95 % interval. */
    readonly difference: number;
    readonly interval: readonly [low: number, high: number] | null;
  }[];
  /** Means over the runs. */
  readonly mean: ControlFacts;
}

/**
 * A single control may learn the true direction of a feature by luck: what shuffled labels say is as often right as wrong. Three
 * are right together in one case of eight at most.
 */
const runs = 3;

/** What controls are made of. */
export interface ControlRequest {
  readonly strategy: Strategy;
  readonly engine: Engine;
  readonly parts: TrainingParts;
  /** Whose rows the training part is made of, in order. */
  readonly trainRows: readonly SymbolRowCount[];
  readonly test: LabelledRows;
  readonly testRows: readonly SymbolRowCount[];
}

/**
 * Trains the same network on the same rows with the labels of each symbol's training part in another order, and tests it on the same test
 * part. What it is better than at random times, no label taught it. Null without test rows.
 *
 * @throws CancelledError, and what a training throws
 */
export function trainControls(
  { strategy, engine, parts, trainRows, test, testRows }: ControlRequest,
  token: CancellationToken,
): ControlResult | null {
  const { train } = parts;
  const blocks: Record<string, number> = {};
  const found: ControlResult["runs"][number][] = [];
  for (let k = 1; k <= runs; k++) {
    const seed = (strategy.training.seed + k) >>> 0;
    const labels = train.labels.slice();
    let from = 0;
    for (const { symbol, rows } of trainRows) {
      const part = train.labels.subarray(from, from + rows);
      blocks[symbol] = blockOf(part);
      labels.set(shuffleBlocks(part, blocks[symbol], seed, symbol, token), from);
      from += rows;
    }
    const shuffled: Samples = { ...train, labels };
    const untrained = new MLPTradingModel(train.columns, strategy.architecture);
    const trained = new ModelTrainer(engine, strategy.training, () => performance.now()).fit(
      untrained,
      { ...parts, train: shuffled },
      { token },
    );
    const { metrics, skill } = evaluateOn(
      { model: trained.model, engine, importanceSeed: null, called: "test bars", seen: 0 },
      test,
      testRows,
      token,
    );
    if (skill === null || !("test_accuracy" in metrics)) return null;
    found.push({
      seed,
      epochs_trained: trained.trainingMetrics.epochs_trained,
      test_accuracy: metrics.test_accuracy,
      difference: skill.difference,
      interval: skill.interval,
    });
  }
  const meanOf = (figure: (run: (typeof found)[number]) => number): number =>
    found.reduce((sum, run) => sum + figure(run), 0) / runs;
  const accuracy = meanOf(({ test_accuracy }) => test_accuracy);
  const mean = { runs, accuracy, difference: meanOf(({ difference }) => difference) };
  return { type: "shuffled", blocks, runs: found, mean };
}

/** Labels that belong together: twice as many as one class lasts on average, but an eighth of all at most. */
function blockOf(labels: Uint8Array): number {
  let changes = 1;
  for (let i = 1; i < labels.length; i++) if (labels[i] !== labels[i - 1]) changes++;
  const wanted = Math.ceil(Math.max((2 * labels.length) / changes, Math.cbrt(labels.length)));
  return Math.max(1, Math.min(wanted, Math.floor(labels.length / 8)));
}

/** The labels in blocks, in another order. @throws CancelledError */
function shuffleBlocks(
  labels: Uint8Array,
  block: number,
  seed: number,
  symbol: string,
  token: CancellationToken,
): Uint8Array {
  throwIfCancelled(token);
  const order = Uint32Array.from({ length: Math.ceil(labels.length / block) }, (_, k) => k);
  createRandom(seed, `shuffled labels ${symbol}`).shuffle(order, token);
  const out = new Uint8Array(labels.length);
  let at = 0;
  for (const k of order) {
    const moved = labels.subarray(k * block, (k + 1) * block);
    out.set(moved, at);
    at += moved.length;
  }
  return out;
}
