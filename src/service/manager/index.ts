export { GpuRequiredError, HostLostError, HostRefusedError } from "./errors.js";
export { hostSettings, parseRunMode, runModes, type HostSettings, type RunMode } from "./settings.js";
export {
  TrainingManager,
  type ManagedListeners,
  type ManagedResult,
  type Placement,
  type RunChoice,
} from "./training-manager.js";
