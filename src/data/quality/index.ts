export * from "./check.js";
export * from "./check-record.js";
export * from "./gaps.js";
export * from "./nyse.js";
export * from "./outliers.js";
export * from "./sessions.js";
