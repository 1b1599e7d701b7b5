export * from "./bars.js";
export * from "./timeframes.js";
export * from "./zones.js";
export * from "./store/index.js";
