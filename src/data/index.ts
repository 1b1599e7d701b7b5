export * from "./bars.js";
export * from "./timeframes.js";
export * from "./zones.js";
export * from "./import/index.js";
export * from "./store/index.js";
export * from "./resample/index.js";
export * from "./quality/index.js";
export * from "./manager/index.js";
