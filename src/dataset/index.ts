export * from "./combine.js";
export * from "./data-hash.js";
export * from "./empty-split.js";
export * from "./label-distribution.js";
export * from "./split.js";
export * from "./split-symbol.js";
export * from "./folds.js";
