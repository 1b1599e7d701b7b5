export * from "./data.js";
export * from "./entries.js";
export * from "./find.js";
export { StrategyFileError, type StrategyIssue } from "./issues.js";
export { loadStrategy, parseStrategy, strategyFromDocument } from "./load.js";
export * from "./overrides.js";
export * from "./plan.js";
export { strategySchema, type StrategyFile } from "./schema.js";
export * from "./strategy.js";
