export * from "./engine.js";
export { chooseEngine, type BatchWork, type EngineChoice } from "./choice.js";
export { referenceEngine } from "./reference/reference.js";
export { EngineMemoryError } from "./wasm/arena.js";
export { DeviceManager, deviceManager, isTrainable, type Device, type DeviceList } from "./devices.js";
export * from "./registry.js";
export { findDawn } from "./webgpu/device.js";
export { GpuLostError, GpuMemoryError, GpuPackageError, NoGpuError } from "./webgpu/errors.js";
export { layerSizes, parameterCount, WeightShapesError, type NetworkShape } from "./weights.js";
