import { createRequire } from "node:module";
import { KnownError, neverCancelled, UsageError, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { readBarsFile } from "../import/index.js";
import type { Timeframe } from "../timeframes.js";
import { syntheticBars } from "./synthetic.js";

/** Which sample bars to make. */
export interface SampleRequest {
  /** `AAPL`, or `SYN` and a number. */
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** How many; of AAPL the newest. Default: all of AAPL, 1,260 synthetic ones. */
  readonly bars?: number;
  /** Of synthetic bars. */
  readonly seed: number;
}

/** The package with the real bars is not installed. */
export class SamplePackageError extends KnownError {
  readonly code = "SAMPLE_PACKAGE";

  constructor(cause: unknown) {
    super(
      `The package "@observablehq/sample-datasets" with the sample bars is not installed. Run \`npm ci\`.`,
    );
    this.cause = cause;
  }
}

/** A synthetic symbol: never the name of something that is traded. */
export function isSyntheticSymbol(symbol: string): boolean {
  return /^SYN[1-9]\d{0,8}$/.test(symbol);
}

/**
 * Sample bars: real daily bars of AAPL (2013-05-13 to 2018-05-11, continuous over the split of 2014, not adjusted for
 * dividends), or seeded synthetic ones of `SYN1`, `SYN2`, ...
 *
 * @throws UsageError for any other symbol, since synthetic bars never carry a real name, and for AAPL other than `1d`
 * @throws SamplePackageError, CancelledError
 */
export async function sampleBars(
  request: SampleRequest,
  token: CancellationToken = neverCancelled,
): Promise<Bars> {
  const { symbol, timeframe, bars, seed } = request;
  if (isSyntheticSymbol(symbol)) return syntheticBars({ symbol, timeframe, bars: bars ?? 1260, seed }, token);
  if (symbol !== "AAPL") {
    throw new UsageError(
      `There are no sample bars of "${symbol}". Allowed: AAPL (real), or SYN1, SYN2, ... (synthetic).`,
    );
  }
  if (timeframe !== "1d")
    throw new UsageError(
      `The sample bars of AAPL are daily. Use --timeframe 1d, or a synthetic symbol such as SYN1.`,
    );
  const whole = await aaplBars(token);
  if (bars === undefined) return whole;
  const n = whole.time.length;
  if (bars > n)
    throw new UsageError(
      `There are ${n} sample bars of AAPL, and ${bars} were asked for. Use a synthetic symbol such as SYN1 for more.`,
    );
  const last = (column: Float64Array): Float64Array => column.slice(n - bars);
  return {
    ...whole,
    time: last(whole.time),
    open: last(whole.open),
    high: last(whole.high),
    low: last(whole.low),
    close: last(whole.close),
    volume: last(whole.volume),
  };
}

async function aaplBars(token: CancellationToken): Promise<Bars> {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve("@observablehq/sample-datasets/aapl.csv");
  } catch (error) {
    throw new SamplePackageError(error);
  }
  const { bars } = await readBarsFile(path, { symbol: "AAPL", timeframe: "1d" }, token);
  // The file was downloaded in 2018: its prices are those before the split of 2020 and after that of 2014.
  const source = "@observablehq/sample-datasets 1.0.1 (ISC), aapl.csv";
  return { ...bars, meta: { ...bars.meta, source, adjustment: "splits", currency: "USD" } };
}
