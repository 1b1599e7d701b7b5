export * from "./cadence.js";
export * from "./errors.js";
export type { EpochScore, TrainingHistory, TrainingMetrics } from "./history.js";
export * from "./importance.js";
export * from "./majority.js";
export * from "./metrics.js";
export * from "./model.js";
export * from "./schema.js";
export type { SchedulerSpec } from "./schedulers.js";
export {
  ModelTrainer,
  type TrainedModel,
  type TrainingHooks,
  type TrainingParts,
  type TrainingTiming,
} from "./trainer.js";
