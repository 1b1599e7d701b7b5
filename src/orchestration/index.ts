export * from "./bridge.js";
export * from "./local/local-orchestrator.js";
export * from "./local/local-runner.js";
export { OutOfMemoryError } from "./out-of-memory.js";
export type { TrainingOperationContext } from "./context.js";
export { planTraining, type TrainingPlan } from "./plan-training.js";
export { prepareTrainingThread } from "./training-thread.js";
