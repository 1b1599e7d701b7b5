export * from "./bars.js";
export * from "./timeframes.js";
export * from "./zones.js";
