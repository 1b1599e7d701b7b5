export * from "./bridge.js";
export { LocalTrainingOrchestrator, type LocalTrainingResult } from "./local/local-orchestrator.js";
export * from "./local/local-runner.js";
export * from "./local/train-seeds.js";
export * from "./host/event-log.js";
export * from "./host/host-orchestrator.js";
export * from "./host/session-token.js";
export * from "./host/training-session.js";
export { createProgressScale, percentOf, progressText } from "./progress-scale.js";
export type { SessionInfo, TrainingMode } from "./session-info.js";
export { OutOfMemoryError, usableMemory } from "./out-of-memory.js";
export type { TrainingOperationContext } from "./context.js";
export { strategyOf } from "./request-strategy.js";
export { planTraining, type TrainingPlan } from "./plan-training.js";
export {
  letTrainingsGiveWay,
  prepareThread,
  prepareTrainingThread,
  type ThreadScript,
} from "./training-thread.js";
export { backtestOnThread, type BacktestJob, type BacktestOutcome } from "./backtest-thread.js";
export { StrategyTrainer, type StrategyTrainerRequest } from "./strategy-trainer.js";
export {
  walkForwardOnThreads,
  type WalkForwardJob,
  type WalkForwardOutcome,
} from "./walk-forward-threads.js";
