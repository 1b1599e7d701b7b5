export * from "./sample.js";
export { syntheticBars, type SyntheticSpec } from "./synthetic.js";
