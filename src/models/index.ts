export type { JsonObject, ModelContents } from "./contents.js";
export {
  ModelDamagedError,
  ModelNotFoundError,
  ModelsFolderError,
  StrategyNameError,
  UnusableWeightsError,
} from "./errors.js";
export type { ModelEntry, ModelTraining, StoredModel } from "./load.js";
export { modelRecord, type ModelRecord } from "./model-record.js";
export { checkStrategyName, isStrategyName } from "./names.js";
export type { PublishedModel } from "./publish.js";
export { decodeSafetensors, encodeSafetensors, SafetensorsError, type Tensor } from "./safetensors.js";
export { ModelStorage } from "./storage.js";
export { decodeWeights, encodeWeights } from "./weights.js";
