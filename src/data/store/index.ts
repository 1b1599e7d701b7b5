export * from "./merge.js";
export * from "./no-bars.js";
export { rowGroupRows } from "./parquet.js";
export * from "./store.js";
export * from "./symbols.js";
export * from "./verify.js";
