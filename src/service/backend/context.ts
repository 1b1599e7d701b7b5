import type { OperationStore } from "../../operations/index.js";
import type { ModelStorage } from "../../models/index.js";
import type { TrainingManager } from "../manager/index.js";
import type { Attendance } from "../http/attendance.js";
import type { TaskThreads } from "../task-threads.js";
import type { BackendTrainings } from "./backend-trainings.js";

/** What the routes of the backend work on. */
export interface BackendContext {
  readonly dataFolder: string;
  readonly strategiesFolder: string;
  readonly storage: ModelStorage;
  readonly store: OperationStore;
  readonly operationsFile: string;
  /** Read and compute. */
  readonly threads: TaskThreads;
  /** Fetches bars, which may take minutes of waiting; a thread of its own, so that others need not wait for it. */
  readonly fetching: TaskThreads;
  readonly manager: TrainingManager;
  readonly trainings: BackendTrainings;
  readonly attendance: Attendance;
}
