import { CancelledError, codeOf, messageOf } from "../../core/index.js";

/** Bounds of one request. */
export interface HttpLimits {
  /** Longest silence of the server, before its first byte and between two of them. */
  readonly timeoutMs: number;
  /** Largest body, bytes after decompression. */
  readonly maxBytes: number;
}

/** A request that did not give a whole body. `retryAfterMs` is the server's own wish, null without one. */
export class HttpFailure extends Error {
  readonly isTransient: boolean;
  readonly retryAfterMs: number | null;

  constructor(message: string, isTransient: boolean, retryAfterMs: number | null = null) {
    super(message);
    this.isTransient = isTransient;
    this.retryAfterMs = retryAfterMs;
  }
}

/** `Retry-After` in ms: seconds or an HTTP date; null where absent or unreadable. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  if (header === null || header.trim() === "") return null;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function statusFailure(response: Response, now: number): HttpFailure {
  const { status } = response;
  const transient = status === 429 || status === 408 || status >= 500;
  const hints: Record<number, string> = {
    401: " Check KTRDR_PROVIDER_HEADERS.",
    403: " Check KTRDR_PROVIDER_HEADERS.",
    404: " It may not know the symbol, or KTRDR_PROVIDER_URL is wrong.",
    429: " It limits the rate of requests.",
  };
  const retryAfter = parseRetryAfter(response.headers.get("retry-after"), now);
  return new HttpFailure(`it answered ${status}.${hints[status] ?? ""}`, transient, retryAfter);
}

/** Cells of a CSV line; separators inside quotes do not count, and beside semicolons commas are decimal ones. */
function cellCount(line: string): number {
  const bare = line.replace(/"[^"]*"/g, "");
  return bare.split(bare.includes(";") ? ";" : bare.includes("\t") ? "\t" : ",").length;
}

/**
 * True where a CSV was cut off: its last line has fewer cells than the one before, or, where the end of the body is only
 * the end of the connection, it does not end with a line break.
 */
export function isCutOff(text: string, endIsCertain: boolean): boolean {
  if (text === "") return false;
  if (!endIsCertain && !text.endsWith("\n")) return true;
  const lines = text.trimEnd();
  const lastBreak = lines.lastIndexOf("\n");
  if (lastBreak < 0) return false;
  const before = lines.slice(lines.lastIndexOf("\n", lastBreak - 1) + 1, lastBreak);
  return cellCount(lines.slice(lastBreak + 1)) < cellCount(before);
}

async function readBody(response: Response, maxBytes: number, onChunk: () => void): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    onChunk();
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new HttpFailure(`its answer is larger than ${Math.round(maxBytes / 1_048_576)} MiB.`, false);
    }
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/**
 * Body of a GET request as text, whole or not at all.
 *
 * @throws HttpFailure with a message that shows neither address nor headers
 * @throws CancelledError when `stop` fires
 */
export async function getText(
  url: string,
  headers: Readonly<Record<string, string>>,
  { timeoutMs, maxBytes }: HttpLimits,
  stop: AbortSignal,
): Promise<string> {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), timeoutMs);
  const stillAlive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), timeoutMs);
  };
  try {
    const signal = AbortSignal.any([stop, silence.signal]);
    const response = await fetch(url, { headers, signal, redirect: "manual" });
    stillAlive();
    if (response.status >= 300 && response.status < 400) {
      // Following it could carry secret headers to another server.
      throw new HttpFailure(
        `it redirects (${response.status}). Put the final address in KTRDR_PROVIDER_URL.`,
        false,
      );
    }
    if (!response.ok) throw statusFailure(response, Date.now());
    const text = await readBody(response, maxBytes, stillAlive);
    const endIsCertain = response.headers.has("content-length") || response.headers.has("transfer-encoding");
    if (isCutOff(text, endIsCertain)) throw new HttpFailure("its answer was cut off.", true);
    return text;
  } catch (error) {
    if (error instanceof HttpFailure) throw error;
    if (stop.aborted) throw new CancelledError();
    if (silence.signal.aborted) throw new HttpFailure(`it was silent for ${timeoutMs / 1000} s.`, true);
    const cause = error instanceof Error ? error.cause : undefined;
    // fetch puts addresses into its own messages; the system's code tells what happened without them.
    throw new HttpFailure(
      `the connection failed (${codeOf(cause) ?? codeOf(error) ?? kindOf(error)}).`,
      true,
    );
  } finally {
    clearTimeout(timer);
  }
}

function kindOf(error: unknown): string {
  return messageOf(error) === "terminated" ? "ended too early" : "no further reason given";
}
