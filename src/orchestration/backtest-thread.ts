import {
  CancelledError,
  claimRun,
  fromErrorData,
  requestStop,
  tokenOf,
  type ControlBlock,
  type ErrorData,
  type SharedToken,
} from "../core/index.js";
import { backtest, type Backtest, type BacktestSettings } from "../backtest/index.js";
import { BarStore, DataManager, type Bars } from "../data/index.js";
import { ModelStorage } from "../models/index.js";
import {
  backtestModel,
  type DecisionOverrides,
  type ModelBacktest,
  type ModelBacktestRequest,
} from "../pipeline/index.js";
import { OutOfMemoryError } from "./out-of-memory.js";
import { takeThread } from "./training-thread.js";

/** A back-test as plain data, fit to cross to a thread. */
export type BacktestJob =
  | {
      readonly type: "signals";
      readonly bars: Bars;
      readonly signals: Int8Array;
      readonly settings: BacktestSettings;
      readonly trials: number;
      readonly seed: number;
    }
  | {
      readonly type: "model";
      readonly modelsFolder: string;
      readonly dataFolder: string;
      readonly model: string;
      readonly symbol: string;
      readonly timeframe: string;
      readonly startDate: string | null;
      readonly endDate: string | null;
      /** Bars in place of the stored ones; null for those. */
      readonly bars: Bars | null;
      readonly settings: ModelBacktestRequest["settings"];
      readonly decisions: DecisionOverrides;
      readonly trials: number;
      readonly seed: number;
    };

/** What came of a back-test; without a model there is no threshold and there are no fuzzy sets. */
export type BacktestOutcome = Omit<ModelBacktest, "confidenceThreshold"> & {
  readonly confidenceThreshold: number | null;
};

/** What the thread is told to do. */
export interface BacktestThreadRequest {
  readonly job: BacktestJob;
  readonly memory: ControlBlock;
}

/** The one message that the thread sends. */
export type BacktestThreadMessage =
  { type: "done"; outcome: BacktestOutcome } | { type: "failed"; error: ErrorData };

/** Does a job on the thread that calls it. @throws every `KnownError` of `backtestModel` */
export async function runBacktestJob({ job, memory }: BacktestThreadRequest): Promise<BacktestOutcome> {
  const token = tokenOf(memory);
  if (!claimRun(memory)) throw new CancelledError();
  const { trials, seed } = job;
  if (job.type === "signals") {
    const { bars, signals, settings } = job;
    const result: Backtest = backtest({ bars, signals, settings, trials, seen: null, seed }, token);
    return { bars, signals, settings, backtest: result, confidenceThreshold: null, fuzzy: [], notices: [] };
  }
  const { modelsFolder, dataFolder, model, symbol, timeframe, startDate, endDate, settings, decisions } = job;
  const use = {
    model: new ModelStorage(modelsFolder).load(model),
    symbol,
    timeframe,
    startDate,
    endDate,
    dataManager: new DataManager(new BarStore(dataFolder)),
    ...(job.bars === null ? {} : { bars: job.bars }),
  };
  const outcome = await backtestModel({ use, settings, decisions, trials, seed }, token);
  // Views would take their whole series with them to the other thread.
  const { bars } = outcome;
  const own = (column: Float64Array): Float64Array => column.slice();
  return {
    ...outcome,
    bars: {
      ...bars,
      time: own(bars.time),
      open: own(bars.open),
      high: own(bars.high),
      low: own(bars.low),
      close: own(bars.close),
      volume: own(bars.volume),
    },
  };
}

/**
 * Runs one back-test on a thread of its own, so that the thread that asked can still be told to stop it.
 *
 * @throws CancelledError when the token was cancelled before the end
 * @throws OutOfMemoryError, and every `KnownError` of `backtestModel`
 */
export async function backtestOnThread(job: BacktestJob, token: SharedToken): Promise<BacktestOutcome> {
  if (token.isCancelled) throw new CancelledError();
  const { memory } = token;
  const worker = takeThread("worker");
  let onAbort = (): void => undefined;
  try {
    return await new Promise<BacktestOutcome>((resolve, reject) => {
      onAbort = () => {
        requestStop(memory);
        if (claimRun(memory)) reject(new CancelledError());
      };
      token.signal.addEventListener("abort", onAbort, { once: true });
      worker.on("message", (message: BacktestThreadMessage) => {
        if (message.type === "done") resolve(message.outcome);
        else reject(fromErrorData(message.error));
      });
      worker.on("error", (error: NodeJS.ErrnoException) => {
        reject(
          error.code === "ERR_WORKER_OUT_OF_MEMORY" ? new OutOfMemoryError(error, "The back-test") : error,
        );
      });
      worker.on("exit", (code) =>
        reject(new Error(`The thread of the back-test ended unexpectedly (exit code ${code}).`)),
      );
      worker.postMessage({ job, memory } satisfies BacktestThreadRequest);
    });
  } finally {
    token.signal.removeEventListener("abort", onAbort);
    // Not waited for: it has nothing to clean up, and giving back the memory of a million bars takes up to 70 ms.
    void worker.terminate();
  }
}
