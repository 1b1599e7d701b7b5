import { codeOf } from "../../core/index.js";
import { HostRefusedError } from "./errors.js";

/** A reply that is no success, as the service worded it. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly details?: object;
}

/** What a service replied. */
export type Answer<Body> =
  | { readonly ok: true; readonly body: Body }
  | { readonly ok: false; readonly status: number; readonly error: Refusal };

/** How a request is sent. */
export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: object;
  /** Milliseconds until the request is given up. */
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Aborted to give it up earlier. */
  readonly signal?: AbortSignal;
}

/** Speaks JSON with a service of ours. */
export class HttpClient {
  readonly url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null) {
    this.url = url;
    this.#token = token;
  }

  /** The headers that every request has. */
  get headers(): Record<string, string> {
    return this.#token === null ? {} : { authorization: `Bearer ${this.#token}` };
  }

  /** @throws what `fetch` throws where there is no reply, see `wasNotSent` */
  async request<Body>(path: string, options: RequestOptions): Promise<Answer<Body>> {
    const { method = "GET", body, timeoutMs, headers = {}, signal } = options;
    const patience = AbortSignal.timeout(timeoutMs);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...this.headers,
        ...headers,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: signal === undefined ? patience : AbortSignal.any([patience, signal]),
    });
    const reply: unknown = await response.json().catch(() => null);
    if (response.ok && reply !== null) return { ok: true, body: reply as Body };
    const told = (reply as { error?: Refusal } | null)?.error;
    const error = told ?? {
      code: "NOT_A_SERVICE",
      message: `it answered ${response.status} and no JSON of ktrdr`,
    };
    return { ok: false, status: response.status, error };
  }

  /** The body of a success. @throws HostRefusedError for any other reply; what `fetch` throws where there is none */
  async call<Body>(path: string, options: RequestOptions): Promise<Body> {
    const answer = await this.request<Body>(path, options);
    if (answer.ok) return answer.body;
    throw new HostRefusedError(this.url, answer.status, answer.error);
  }

  /**
   * The text of a stream as it comes.
   *
   * @param silenceMs ends it, as a broken one, when nothing came for so long
   */
  async *stream(
    path: string,
    options: { readonly headers?: Readonly<Record<string, string>>; readonly silenceMs: number },
  ): AsyncGenerator<string> {
    const giveUp = new AbortController();
    const within = async <T>(step: Promise<T>): Promise<T> => {
      const silence = AbortSignal.timeout(options.silenceMs);
      const onSilence = (): void => giveUp.abort(silence.reason);
      silence.addEventListener("abort", onSilence, { once: true });
      try {
        return await step;
      } finally {
        silence.removeEventListener("abort", onSilence);
      }
    };
    const response = await within(
      fetch(`${this.url}${path}`, {
        headers: { ...this.headers, ...options.headers, accept: "text/event-stream" },
        signal: giveUp.signal,
      }),
    );
    if (!response.ok || response.body === null) throw new Error(`${path} answered ${response.status}`);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    try {
      for (;;) {
        const { done, value } = await within(reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      giveUp.abort();
    }
  }
}

/** True where a request cannot have reached anybody: no such name, nobody listens. */
export function wasNotSent(error: unknown): boolean {
  const causes = [error, (error as { cause?: unknown } | null)?.cause].flatMap((one) => [
    one,
    ...((one as { errors?: unknown[] } | null | undefined)?.errors ?? []),
  ]);
  return causes.some((one) =>
    /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/.test(codeOf(one) ?? ""),
  );
}
