export * from "./compute.js";
export * from "./define.js";
export * from "./entries.js";
export * from "./registry.js";
export * from "./spec.js";
export * from "./table.js";
export { SlidingRange } from "./kernels/sliding-range.js";
