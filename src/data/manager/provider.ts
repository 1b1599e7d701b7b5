import { KnownError, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { dateText } from "../store/index.js";
import type { Timeframe } from "../timeframes.js";
import type { DateRange } from "./dates.js";

/** Bars to fetch: openings in [from, to), epoch ms UTC. */
export interface FetchRequest {
  readonly symbol: string;
  readonly timeframe: Timeframe;
  readonly from: number;
  readonly to: number;
}

/** A source of bars outside this machine. */
export interface MarketDataProvider {
  readonly name: string;
  /**
   * The bars of one segment, sound as `Bars` demands, none of them outside the asked range; no bars where there was no
   * trading. All of the segment arrives or the call throws: a part is never returned as if it were the whole.
   *
   * @throws ProviderError, CancelledError
   */
  fetch(request: FetchRequest, token: CancellationToken): Promise<Bars>;
  /** Opening of the first bar that there is, epoch ms; null where the provider has none. */
  earliest?(symbol: string, timeframe: Timeframe, token: CancellationToken): Promise<number | null>;
}

/** The provider did not give what was asked; says whether trying again later can help. */
export class ProviderError extends KnownError {
  readonly code = "PROVIDER_FAILED";
  readonly provider: string;
  readonly isTransient: boolean;

  constructor(provider: string, message: string, isTransient: boolean) {
    super(message);
    this.provider = provider;
    this.isTransient = isTransient;
  }
}

/** A data mode needs a provider, and none is configured. */
export class NoProviderError extends KnownError {
  readonly code = "NO_PROVIDER";

  constructor(mode: string) {
    super(
      `Data mode "${mode}" fetches bars, and no provider is configured. Set KTRDR_PROVIDER_URL, for example to "https://example.org/bars?symbol={symbol}&timeframe={timeframe}&from={from}&to={to}" (a service that answers with CSV), or use the mode "local".`,
    );
  }
}

/** Some segments could not be fetched. What arrived before is stored. */
export class IncompleteLoadError extends KnownError {
  readonly code = "INCOMPLETE_LOAD";
  readonly symbol: string;
  readonly timeframe: Timeframe;
  /** Bars that arrived and are stored now. */
  readonly added: number;
  /** Ranges that are missing, ISO; `to` exclusive. */
  readonly missing: readonly { readonly from: string; readonly to: string }[];

  constructor(
    symbol: string,
    timeframe: Timeframe,
    added: number,
    missing: readonly { from: string; to: string }[],
    cause: Error,
  ) {
    const ranges = missing.map(({ from, to }) => `${from} to ${to}`).join(", ");
    super(
      `Not all bars of "${symbol}" ${timeframe} could be fetched: ${cause.message} ${added} new bars arrived and are stored; missing: ${ranges}. Run the same command again to fetch the rest.`,
    );
    this.symbol = symbol;
    this.timeframe = timeframe;
    this.added = added;
    this.missing = missing;
    this.cause = cause;
  }
}

/** The provider answered and has no bars of a series in the range, and none were stored before. */
export class NothingFetchedError extends KnownError {
  readonly code = "NOTHING_FETCHED";
  readonly symbol: string;
  readonly timeframe: Timeframe;

  constructor(symbol: string, timeframe: Timeframe, { from, to }: DateRange) {
    const start = from === -Infinity ? "" : ` from ${dateText(from)} on`;
    const end = to === Infinity ? "" : ` before ${dateText(to)}`;
    super(
      `The provider has no bars of "${symbol}" ${timeframe}${start}${end}, so nothing is stored. Check how it spells the symbol, ` +
        `or ask for other dates with --start-date and --end-date.`,
    );
    this.symbol = symbol;
    this.timeframe = timeframe;
  }
}
