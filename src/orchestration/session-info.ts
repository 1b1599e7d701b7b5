import type { TrainingResult } from "../pipeline/index.js";

/** Which of the two ways a run went. */
export type TrainingMode = "local" | "host";

/** What an orchestrator knows of its run and the pipeline does not; the same fields both ways. */
export interface SessionInfo<Mode extends TrainingMode = TrainingMode> {
  readonly operation_id: string;
  readonly strategy_name: string;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly start_date: string;
  readonly end_date: string;
  readonly training_mode: Mode;
  readonly use_host_service: Mode extends "host" ? true : false;
}

/** The `session_info` of a run that has ended. */
export function sessionInfoOf<Mode extends TrainingMode>(
  result: TrainingResult,
  operationId: string,
  mode: Mode,
): SessionInfo<Mode> {
  const { symbols, timeframes, start_date, end_date } = result.data_summary;
  return {
    operation_id: operationId,
    strategy_name: result.strategy_name,
    symbols,
    timeframes,
    start_date,
    end_date,
    training_mode: mode,
    use_host_service: (mode === "host") as SessionInfo<Mode>["use_host_service"],
  };
}
