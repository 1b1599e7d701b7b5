export * from "./engine.js";
export { referenceEngine } from "./reference/reference.js";
export { layerSizes, parameterCount, WeightShapesError } from "./weights.js";
