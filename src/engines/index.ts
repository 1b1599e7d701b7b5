export * from "./engine.js";
export { referenceEngine } from "./reference/reference.js";
export { EngineMemoryError } from "./wasm/arena.js";
export * from "./registry.js";
export { layerSizes, parameterCount, WeightShapesError, type NetworkShape } from "./weights.js";
