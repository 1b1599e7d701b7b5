import type { ModelTraining } from "../models/index.js";
import type { OperationRecord } from "./record.js";

/** The data that runs are counted on: symbols and a span of time. */
export interface TrialData {
  readonly symbols: readonly string[];
  /** First and last bar, epoch ms. */
  readonly from: number;
  readonly to: number;
}

/** What is being tried now, so that trying the same again does not count as something new. */
export interface PresentTrial {
  /** The model, or the signals' file with the hash of its content. */
  readonly source: string;
  /** Everything that was chosen, as text. */
  readonly settings: string;
}

/**
 * How many things were tried on the same data, the present back-test included: the more were tried, the better the best of them
 * looks by chance alone.
 *
 * Each training (of several seeds: each seed) and each walk-forward counts once, whether it ended, failed or was stopped, and so does each stored model whose training this
 * registry does not know. A back-test of a model is the look at a training that is counted already; each further choice
 * of settings for it counts once, and so does each choice for each file of signals. "The same data" are those of the
 * symbols in an overlapping span of time, on whatever timeframe; what a record does not say is taken to be the same.
 *
 * @param present   what is tried now; null where it is among the operations or models already
 * @param symbolsOf symbols of a strategy as it was named on the command line; null where that cannot be told any more
 */
export function countTrials(
  operations: readonly OperationRecord[],
  models: readonly ModelTraining[],
  data: TrialData,
  present: PresentTrial | null,
  symbolsOf: (strategy: string) => readonly string[] | null,
): number {
  const overlaps = (symbols: readonly string[] | null, start: unknown, end: unknown): boolean =>
    (symbols === null || symbols.some((symbol) => data.symbols.includes(symbol))) &&
    dayOf(start, -Infinity) <= data.to &&
    dayOf(end, Infinity) >= data.from;
  const madeBy = new Map(
    models.flatMap((model) => (model.operationId === null ? [] : [[model.operationId, model]])),
  );
  const known = new Set<string>();
  const choices = new Map<string, Set<string>>(
    present === null ? [] : [[present.source, new Set([present.settings])]],
  );
  let trainings = 0;
  for (const { operation_id, operation_type, metadata } of operations) {
    if (operation_type === "training" || operation_type === "walk_forward") {
      known.add(operation_id);
      const model = madeBy.get(operation_id);
      const named = metadata["symbols"] as readonly string[] | null | undefined;
      const symbols = model?.symbols ?? named ?? symbolsOf(String(metadata["strategy"]));
      const start = model?.startDate ?? metadata["start_date"];
      if (overlaps(symbols, start, model?.endDate ?? metadata["end_date"])) trainings += seedsOf(metadata);
    } else if (operation_type === "backtest") {
      const symbol = metadata["symbol"];
      if (
        !overlaps(typeof symbol === "string" ? [symbol] : null, metadata["start_date"], metadata["end_date"])
      )
        continue;
      const source = String(metadata["source"]);
      const tried = choices.get(source) ?? new Set();
      choices.set(source, tried.add(String(metadata["settings"])));
    }
  }
  for (const model of models) {
    // The models of an operation with several seeds are called <operation>-<seed>.
    const operation = model.operationId?.replace(/-\d+$/, "") ?? null;
    if (model.operationId !== null && (known.has(model.operationId) || known.has(operation ?? ""))) continue;
    if (overlaps(model.symbols, model.startDate, model.endDate)) trainings++;
  }
  let more = 0;
  for (const [source, tried] of choices) more += source.startsWith(modelSource) ? tried.size - 1 : tried.size;
  return Math.max(1, trainings + more);
}

/** Models that a training was to make. */
function seedsOf(metadata: Readonly<Record<string, unknown>>): number {
  const { seeds } = (metadata["parameters"] ?? {}) as { seeds?: unknown };
  return typeof seeds === "number" ? seeds : 1;
}

/** How the sources of back-tests begin that are models: their trainings are counted already. */
export const modelSource = "model:";

function dayOf(text: unknown, otherwise: number): number {
  if (typeof text !== "string") return otherwise;
  const time = Date.parse(text);
  if (Number.isNaN(time)) return otherwise;
  // An end date covers its whole day.
  return otherwise === Infinity && /^\d{4}-\d{2}-\d{2}$/.test(text) ? time + 86_399_999 : time;
}
