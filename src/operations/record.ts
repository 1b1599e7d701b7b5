/** States of an operation; it only moves forward, and the last three are final. */
export const operationStatuses = ["pending", "running", "completed", "failed", "cancelled"] as const;

/** A state of an operation. */
export type OperationStatus = (typeof operationStatuses)[number];

/** True for a state that never changes again. */
export function isFinal(status: OperationStatus): boolean {
  return status !== "pending" && status !== "running";
}

/** Why an operation failed: the `code` of a `KnownError`, or `INTERNAL`. */
export interface OperationFailure {
  readonly code: string;
  readonly message: string;
}

/** An operation as lists show it; field names as in `operations list --json`. Times are ISO, UTC, with ms. */
export interface OperationRecord {
  readonly operation_id: string;
  readonly operation_type: string;
  readonly status: OperationStatus;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly cancel_requested_at: string | null;
  readonly error_message: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly error: OperationFailure | null;
}

/** All that is stored of an operation. */
export interface OperationDetails extends OperationRecord {
  /** What the run handed over at its end. */
  readonly result_summary: Readonly<Record<string, unknown>> | null;
  readonly pid: number | null;
  /** Local socket of the run; null once it is over. */
  readonly address: string | null;
}

/** How an operation ended. */
export type OperationEnd =
  | { readonly status: "completed"; readonly summary?: object }
  | { readonly status: "failed"; readonly error: OperationFailure }
  | { readonly status: "cancelled" };
