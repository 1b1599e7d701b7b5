export * from "./evaluate.js";
export { packageVersion } from "./metadata.js";
export { MemoryLimitError } from "./memory.js";
export * from "./result.js";
export * from "./rows.js";
export * from "./series.js";
export * from "./training-pipeline.js";
export * from "./verdict.js";
export * from "./saved-model.js";
