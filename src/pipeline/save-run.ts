import type { CancellationToken } from "../core/index.js";
import { findEngine, type Engine } from "../engines/index.js";
import { createPortable, portableLayout } from "../portable/index.js";
import type { Strategy } from "../strategy/index.js";
import type { TrainedModel, TrainingParts } from "../training/index.js";
import type { ControlResult } from "./control.js";
import type { Evaluation } from "./evaluate.js";
import { boundaryTexts, packageVersion } from "./metadata.js";
import type { PhaseClock } from "./phase-clock.js";
import type { Preparation } from "./preparation.js";
import type { TimeReceipt, TrainingResult, Verdict } from "./result.js";
import type { TrainRequest } from "./training-pipeline.js";

/** What runs on the same data have in common. */
export interface SharedRun {
  readonly request: Omit<TrainRequest, "strategyConfig" | "operationId">;
  readonly engine: Engine;
  readonly preparation: Preparation;
  readonly trainingParts: TrainingParts;
  readonly token: CancellationToken;
}

/** What one of them has for itself. */
export interface FinishedRun {
  readonly strategy: Strategy;
  readonly operationId: string;
  readonly trained: TrainedModel;
  /** Networks that were trained together, this one included. */
  readonly together: number;
  readonly evaluation: Evaluation;
  readonly control: ControlResult | null;
  readonly verdict: Verdict;
  readonly notices: readonly string[];
  readonly clock: PhaseClock;
}

/**
 * Writes the files of a trained and evaluated model, and publishes them.
 *
 * @throws CancelledError, and what `ModelStorage.publish` throws
 */
export async function saveRun(
  { request, engine, preparation, token }: SharedRun,
  { strategy, operationId, trained, together, evaluation, control, verdict, clock, ...run }: FinishedRun,
): Promise<TrainingResult> {
  const { symbols } = request;
  const { timeframes, baseTimeframe } = strategy;
  const { boundaries, examples, ranges, dataSummary: data_summary, leaks: leak_receipt } = preparation;
  const { model } = trained;
  const notices = [...run.notices];
  const portable = await createPortable(
    {
      name: strategy.name,
      layout: portableLayout(strategy),
      model,
      ordinary: examples,
      producerVersion: packageVersion,
    },
    findEngine("auto"),
    token,
    (why) => notices.push(`model.onnx was not checked: onnxruntime is installed and does not load (${why}).`),
  );
  const result = {
    strategy_name: strategy.name,
    training_metrics: trained.trainingMetrics,
    test_metrics: evaluation.metrics,
    artifacts: { feature_importance: evaluation.importance, per_symbol_metrics: evaluation.perSymbol },
    model_info: {
      parameters_count: model.parameterCount,
      trainable_parameters: model.parameterCount,
      architecture: model.description,
    },
    data_summary,
    verdict,
    ...(control === null ? {} : { control }),
    leak_receipt,
    resource_usage: resourceUsage(engine),
    ...(request.engineReason === undefined ? {} : { engine_choice: request.engineReason }),
    notices,
  };
  const published = request.modelStorage.publish(
    {
      strategyName: strategy.name,
      timeframe: timeframes[0],
      weights: trained.weights,
      strategy: strategy.document,
      features: {
        feature_names: preparation.parts.data.train.features.names,
        base_timeframe: baseTimeframe,
        ranges,
      },
      metrics: {
        training_metrics: { ...result.training_metrics },
        test_metrics: { ...result.test_metrics },
        artifacts: result.artifacts,
      },
      metadata: {
        created_at: new Date().toISOString(),
        operation_id: operationId,
        strategy_name: strategy.name,
        seed: strategy.training.seed,
        data_hash: data_summary.data_hash,
        versions: { ktrdr: packageVersion, node: process.versions.node, format: 1 },
        symbols,
        timeframes,
        base_timeframe: baseTimeframe,
        start_date: data_summary.start_date,
        end_date: data_summary.end_date,
        split_boundaries: boundaryTexts(boundaries.start),
        series: preparation.series,
        model_info: result.model_info,
        data_summary,
        verdict: result.verdict,
        leak_receipt,
        ...(control === null ? {} : { control }),
        resource_usage: result.resource_usage,
        time_receipt: receipt(clock, trained, together),
        onnx_check: portable.check,
        notices,
      },
      onnx: portable.bytes,
    },
    { operationId, token },
  );
  return {
    model_name: published.name,
    model_path: published.path,
    ...result,
    time_receipt: receipt(clock, trained, together),
  };
}

function receipt(clock: PhaseClock, { timing }: TrainedModel, together: number): TimeReceipt {
  const { loop, arithmetic, progress, cancellation } = timing;
  const times = clock.times();
  return {
    ...times.seconds,
    training_arithmetic: arithmetic,
    progress: progress + times.progress,
    cancellation: cancellation + times.cancellation,
    orchestration_share: loop === 0 ? 0 : 1 - arithmetic / loop,
    ...(together === 1 ? {} : { trained_together: together }),
    total: times.total,
  };
}

function resourceUsage({ name, device }: Engine): TrainingResult["resource_usage"] {
  if (device?.type !== "gpu") return { engine: name, device_type: "cpu" };
  return { engine: name, device_type: "gpu", gpu_name: device.name };
}
