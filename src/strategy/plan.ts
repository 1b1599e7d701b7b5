import { outputsOf, warmupOf } from "../indicators/index.js";
import { featureNames, type Strategy } from "./strategy.js";

/** A strategy with everything resolved that a file may leave open, as JSON shows it. */
export interface StrategyPlan {
  readonly name: string;
  readonly path: string | null;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly base_timeframe: string;
  readonly start_date: string | null;
  readonly end_date: string | null;
  /** `local`, or what is fetched before the training. */
  readonly data_mode: string;
  readonly history_required: number | null;
  /** Feature names in the network's order. */
  readonly inputs: readonly string[];
  readonly lookback_periods: number;
  /** Each with all its parameters, and the bars of its timeframe before the first value of its slowest output. */
  readonly indicators: readonly {
    readonly feature_id: string;
    readonly name: string;
    readonly params: unknown;
    readonly outputs: readonly string[];
    readonly warm_up: number;
  }[];
  readonly fuzzy_sets: readonly {
    readonly feature_id: string;
    readonly input_transform: unknown;
    readonly sets: readonly {
      readonly name: string;
      readonly type: string;
      readonly parameters: readonly number[];
    }[];
  }[];
  readonly labels: { readonly source: string; readonly params: unknown; readonly definition: string };
  readonly data_split: unknown;
  readonly architecture: {
    readonly layers: readonly number[];
    readonly activation: string;
    readonly dropout: number;
  };
  readonly training: unknown;
  readonly decisions: unknown;
  readonly notices: readonly string[];
}

/** Everything that a run of this strategy would do, before any bar is read. */
export function planOf(strategy: Strategy): StrategyPlan {
  const { architecture, label, training, decisions } = strategy;
  const inputs = featureNames(strategy);
  return {
    name: strategy.name,
    path: strategy.path,
    symbols: strategy.symbols,
    timeframes: strategy.timeframes,
    base_timeframe: strategy.baseTimeframe,
    start_date: strategy.startDate,
    end_date: strategy.endDate,
    data_mode: strategy.dataMode,
    history_required: strategy.historyRequired,
    inputs,
    lookback_periods: strategy.lookback,
    indicators: strategy.indicators.map((spec) => ({
      feature_id: spec.featureId,
      name: spec.indicator.name,
      params: spec.params,
      outputs: outputsOf(spec),
      warm_up: warmupOf(spec),
    })),
    fuzzy_sets: strategy.fuzzy.map(({ featureId, transform, sets }) => ({
      feature_id: featureId,
      input_transform: transform,
      sets: sets.map(({ name, membership }) => ({ name, ...membership })),
    })),
    labels: { source: label.name, params: label.params, definition: label.type.definition },
    data_split: strategy.split,
    architecture: {
      layers: [inputs.length, ...architecture.hidden, 3],
      activation: architecture.activation,
      dropout: architecture.dropout,
    },
    training: {
      epochs: training.epochs,
      batch_size: training.batchSize,
      learning_rate: training.learningRate,
      optimizer: snakeCase(training.optimizer),
      loss: training.loss,
      class_weights: training.classWeights,
      gradient_clip: training.gradientClip,
      lr_scheduler: training.scheduler && snakeCase(training.scheduler),
      early_stopping: training.earlyStopping && snakeCase(training.earlyStopping),
      seed: training.seed,
      shuffle: training.shuffle,
      progress_update_frequency: training.progressUpdateFrequency,
    },
    decisions: {
      confidence_threshold: decisions.confidenceThreshold,
      position_awareness: decisions.positionAwareness,
      min_signal_separation: decisions.minSignalSeparation,
    },
    notices: strategy.notices,
  };
}

/** Keys as JSON outside the process spells them: `weightDecay` becomes `weight_decay`. */
function snakeCase(values: object): Record<string, unknown> {
  const spelled = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [spelled(key), value as unknown]));
}
