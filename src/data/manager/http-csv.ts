import { CancelledError, KnownError, throwIfCancelled, type CancellationToken } from "../../core/index.js";
import { firstAtOrAfter, sliceBars, type Bars } from "../bars.js";
import type { ImportedFile } from "../import/index.js";
import { getText, HttpFailure, type HttpLimits } from "./http-text.js";
import { wait, watchToken } from "./interrupt.js";
import { ProviderError, type FetchRequest, type MarketDataProvider } from "./provider.js";
import { checkTemplate, providerConfigFrom, type ProviderConfig } from "./provider-config.js";

/** How patient the provider is. */
export interface HttpPatience extends HttpLimits {
  /** Attempts per segment, the first included. */
  readonly attempts: number;
  /** Wait before the second attempt; doubles from one to the next. */
  readonly backoffMs: number;
  /** Longest wait that is accepted from a server (`Retry-After`); beyond it the load fails instead. */
  readonly longestWaitMs: number;
}

const usualPatience: HttpPatience = {
  timeoutMs: 30_000,
  maxBytes: 64 * 1_048_576,
  attempts: 4,
  backoffMs: 500,
  longestWaitMs: 60_000,
};

function isoText(instant: number): string {
  return new Date(instant).toISOString().replace(".000Z", "Z");
}

function noBarsOf({ symbol, timeframe }: FetchRequest, source: string): Bars {
  const none = new Float64Array(0);
  const columns = { time: none, open: none, high: none, low: none, close: none, volume: none };
  return {
    symbol,
    timeframe,
    ...columns,
    meta: { source, adjustment: "unknown", currency: null, dayTimezone: null },
  };
}

/** True for an empty text, and for a header line alone. */
function isWithoutRows(text: string): boolean {
  const lines = text.trim();
  if (lines === "") return true;
  return !lines.includes("\n") && /^\W?[a-z]/i.test(lines) && /\bopen\b.*\bclose\b/i.test(lines);
}

/**
 * Bars as CSV over HTTP: one GET per segment, the address made from a template. Answers may have any layout that
 * `data import` reads, with times in UTC or with an offset; 204, an empty body or a header alone mean "no trading".
 *
 * Server errors, rate limits, silence, lost connections and answers cut off are tried again a bounded number of times,
 * with growing waits, honouring `Retry-After`; a cancel interrupts requests and waits at once. Errors name the host,
 * never address or headers. Redirects are not followed.
 */
export class HttpCsvProvider implements MarketDataProvider {
  readonly name: string;
  readonly #config: ProviderConfig;
  readonly #patience: HttpPatience;

  /** @throws ProviderConfigError */
  constructor(config: ProviderConfig, patience: Partial<HttpPatience> = {}) {
    checkTemplate(config.url);
    this.#config = config;
    this.#patience = { ...usualPatience, ...patience };
    this.name = new URL(config.url.replace(/\{[^}]*\}/g, "x")).host;
  }

  /** The provider that `KTRDR_PROVIDER_URL` and `KTRDR_PROVIDER_HEADERS` name; undefined without them. @throws ProviderConfigError */
  static fromEnvironment(env: NodeJS.ProcessEnv = process.env): HttpCsvProvider | undefined {
    const config = providerConfigFrom(env);
    return config === null ? undefined : new HttpCsvProvider(config);
  }

  /** @throws ProviderError, CancelledError */
  async fetch(request: FetchRequest, token: CancellationToken): Promise<Bars> {
    const text = await this.#getPatiently(request, token);
    if (isWithoutRows(text)) return noBarsOf(request, this.name);
    const bars = await this.#parse(request, text, token);
    const { time } = bars;
    return sliceBars(bars, firstAtOrAfter(time, request.from), firstAtOrAfter(time, request.to));
  }

  #urlFor({ symbol, timeframe, from, to }: FetchRequest): string {
    const values: Record<string, string> = { symbol, timeframe, from: isoText(from), to: isoText(to) };
    return this.#config.url.replace(/\{([^}]*)\}/g, (_, name: string) => encodeURIComponent(values[name]));
  }

  #failure({ symbol, timeframe, from, to }: FetchRequest, what: string, isTransient: boolean): ProviderError {
    const asked = `"${symbol}" ${timeframe}, ${isoText(from)} to ${isoText(to)}`;
    return new ProviderError(this.name, `Provider ${this.name}, asked for ${asked}: ${what}`, isTransient);
  }

  async #getPatiently(request: FetchRequest, token: CancellationToken): Promise<string> {
    const { attempts, backoffMs, longestWaitMs } = this.#patience;
    const { signal, release } = watchToken(token);
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await getText(this.#urlFor(request), this.#config.headers, this.#patience, signal);
        } catch (error) {
          if (!(error instanceof HttpFailure)) throw error;
          const pause = Math.max(error.retryAfterMs ?? 0, backoffMs * 2 ** (attempt - 1));
          if (!error.isTransient) throw this.#failure(request, error.message, false);
          if (attempt >= attempts)
            throw this.#failure(request, `${error.message} Tried ${attempts} times.`, true);
          if (pause > longestWaitMs) {
            const seconds = Math.ceil(pause / 1000);
            throw this.#failure(
              request,
              `${error.message} It asks to wait ${seconds} s; try again then.`,
              true,
            );
          }
          await wait(pause, signal);
        }
      }
    } finally {
      release();
    }
  }

  async #parse(request: FetchRequest, text: string, token: CancellationToken): Promise<Bars> {
    throwIfCancelled(token);
    const { symbol, timeframe } = request;
    const { readBarsText } = await import("../import/index.js");
    let read: ImportedFile;
    try {
      read = readBarsText(text, this.name, { symbol, timeframe }, token);
    } catch (error) {
      if (error instanceof CancelledError || !(error instanceof KnownError)) throw error;
      throw this.#failure(request, `its answer cannot be read right. ${error.message}`, false);
    }
    const { bars, refused } = read;
    if (refused.length > 0) {
      const [{ row, reason }] = refused;
      throw this.#failure(request, `row ${row} of its answer is refused: ${reason}`, false);
    }
    return bars;
  }
}
