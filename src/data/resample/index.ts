export * from "./resample.js";
export * from "./zone-steps.js";
