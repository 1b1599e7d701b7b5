import { referenceEngine } from "./reference/reference.js";

export * from "./engine.js";
export { layerSizes, parameterCount, WeightShapesError, type NetworkShape } from "./weights.js";
export { referenceEngine };

/** The engines that there are, by name; the contract and the PyTorch fixtures are tested on each. */
export const engines = { reference: referenceEngine };
