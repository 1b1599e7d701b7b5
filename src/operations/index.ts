export { cancelOperation, type CancelOutcome, watchOperation } from "./client.js";
export {
  OperationFinishedError,
  OperationNotFoundError,
  OperationSocketError,
  OperationsFileError,
  OperationUnreachableError,
} from "./errors.js";
export {
  isFinal,
  type OperationDetails,
  type OperationEnd,
  type OperationFailure,
  type OperationRecord,
  type OperationStatus,
  operationStatuses,
} from "./record.js";
export { endOf, type OperationRequest, type OperationRun, runOperation } from "./run.js";
export { type OperationServer, startOperationServer } from "./server.js";
export { newOperationId, OperationStore } from "./store.js";
export { trialsOn, type TrialFolders } from "./trials-on.js";
export { countTrials, type PresentTrial, modelSource, type TrialData } from "./trials.js";
