export {
  startBackendService,
  type BackendService,
  type BackendServiceOptions,
} from "./backend/backend-service.js";
export { startHostService, type HostService, type HostServiceOptions } from "./host/host-service.js";
export { TrainingService, type PastSession, type TrainingServiceOptions } from "./host/training-service.js";
export * from "./manager/index.js";
