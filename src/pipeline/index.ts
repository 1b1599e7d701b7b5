export * from "./backtest-model.js";
export * from "./stitch-folds.js";
export * from "./walk-forward.js";
export { answerSkill, type AnswerSkill, type SampleTimes } from "./answer-skill.js";
export type { ControlResult } from "./control.js";
export * from "./diff-models.js";
export * from "./evaluate.js";
export * from "./explain.js";
export * from "./export-model.js";
export * from "./model-rules.js";
export {
  checkFold,
  checkLeaks,
  checkSource,
  LeakError,
  type FoldSubject,
  type LeakKind,
  type LeakReceipt,
  type LeakSource,
  type LeakSubject,
} from "./leak-receipt.js";
export { packageVersion } from "./metadata.js";
export { MemoryLimitError, mostTogether } from "./memory.js";
export * from "./preparation.js";
export * from "./result.js";
export * from "./rows.js";
export * from "./series.js";
export * from "./training-pipeline.js";
export * from "./verdict.js";
export * from "./saved-model.js";
