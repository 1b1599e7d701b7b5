import { z } from "zod";
import { phases } from "../../core/index.js";
import { sessionStatuses, TrainingSession, type EpochMetrics } from "../../orchestration/index.js";
import type { PastSession, TrainingService } from "./training-service.js";

/** Form of a session id: it names a temporary folder too. */
export const sessionIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,100}$/, "must be 1 to 100 letters, digits, _ or -")
  .describe("Id of a session.");

const statusSchema = z.enum(sessionStatuses);
const failureSchema = z.object({ code: z.string(), message: z.string() });
const time = z.string().describe("ISO 8601, UTC, with milliseconds.");

const epochSchema = z.object({
  epoch: z.int(),
  train_loss: z.number(),
  train_accuracy: z.number(),
  val_loss: z.number().nullable(),
  val_accuracy: z.number().nullable(),
  learning_rate: z.number(),
});

/** A session as lists show it. */
export const sessionSummarySchema = z.object({
  session_id: sessionIdSchema,
  status: statusSchema,
  queue_position: z.int().nullable().describe("From 1; null for a session that does not wait."),
  created_at: time,
  start_time: time.nullable().describe("When training began; null while waiting."),
  last_updated: time,
  error: failureSchema.nullable(),
});

/** How far a run is. */
export const progressSchema = z.object({
  phase: z.enum(phases).nullable(),
  epoch: z.int().describe("From 1; 0 before the first."),
  total_epochs: z.int(),
  batch: z.int().describe("Of this epoch, from 1."),
  total_batches: z.int().describe("Of one epoch."),
  loss: z.number().nullable().describe("Of this epoch so far."),
  accuracy: z.number().nullable(),
  progress_percent: z.number().describe("0 to 100, never going back."),
  items_processed: z.int().describe("Batches, over all epochs."),
  items_total: z.int(),
  message: z.string(),
  current_item: z.string().nullable().describe("The symbol that is being prepared."),
});

/** The losses and accuracies of a run. */
export const metricsSchema = z
  .object({ current: epochSchema.nullable(), best: epochSchema.nullable() })
  .describe("Newest epoch, and the one with the lowest validation loss.");

/** A session with its progress. Its size does not depend on the number of epochs. */
export const sessionStatusSchema = sessionSummarySchema.extend({
  progress: progressSchema
    .nullable()
    .describe("Null where it is no longer known: the session ended before this service started."),
  metrics: metricsSchema,
  gpu_usage: z.object({ name: z.string(), allocated_memory_mb: z.number() }).nullable(),
  stop_requested: z.boolean(),
  artifacts: z
    .object({ model_name: z.string(), model_path: z.string() })
    .nullable()
    .describe("The saved model; null unless completed."),
});

/** The fields of `sessionSummarySchema`. */
export function summaryOf(
  service: TrainingService,
  session: TrainingSession | PastSession,
): z.infer<typeof sessionSummarySchema> {
  return {
    session_id: session.sessionId,
    status: session.status,
    queue_position: service.positionOf(session.sessionId),
    created_at: session.createdAt,
    start_time: session.startedAt,
    last_updated: session.lastUpdated,
    error: session.error,
  };
}

/** The fields of `sessionStatusSchema`. */
export function statusOf(
  service: TrainingService,
  session: TrainingSession | PastSession,
): z.infer<typeof sessionStatusSchema> {
  const { result } = session;
  const live = session instanceof TrainingSession ? session : null;
  return {
    ...summaryOf(service, session),
    ...reportOf(live),
    // WebGPU tells no one how much memory a session takes; health replies have the device's figures.
    gpu_usage: null,
    stop_requested: live?.stopRequested ?? session.status === "cancelled",
    artifacts: result === null ? null : { model_name: result.model_name, model_path: result.model_path },
  };
}

/** Progress and metrics of a session; of none where it is no longer held. */
export function reportOf(
  live: TrainingSession | null,
): Pick<z.infer<typeof sessionStatusSchema>, "progress" | "metrics"> {
  return {
    progress: live === null ? null : progressOf(live),
    metrics: {
      current: metricsOf(live?.metrics.current ?? null),
      best: metricsOf(live?.metrics.best ?? null),
    },
  };
}

function progressOf(session: TrainingSession): z.infer<typeof progressSchema> {
  const {
    phase = null,
    epoch = 0,
    epochs = 0,
    batch = 0,
    batches = 0,
    loss = NaN,
    accuracy = NaN,
  } = session.snapshot ?? {};
  return {
    phase,
    epoch,
    total_epochs: epochs,
    batch,
    total_batches: batches,
    loss: Number.isFinite(loss) ? loss : null,
    accuracy: Number.isFinite(accuracy) ? accuracy : null,
    progress_percent: Math.round(100 * session.percent) / 100,
    items_processed: Math.max(0, epoch - 1) * batches + batch,
    items_total: epochs * batches,
    message: session.message,
    current_item: session.currentItem,
  };
}

function metricsOf(epoch: EpochMetrics | null): z.infer<typeof epochSchema> | null {
  return (
    epoch && {
      epoch: epoch.epoch,
      train_loss: epoch.trainLoss,
      train_accuracy: epoch.trainAccuracy,
      val_loss: epoch.validLoss,
      val_accuracy: epoch.validAccuracy,
      learning_rate: epoch.learningRate,
    }
  );
}
