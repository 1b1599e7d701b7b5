import {
  CancelledError,
  fromErrorData,
  KnownError,
  messageOf,
  type SignallingToken,
} from "../../core/index.js";
import type { OperationDetails } from "../../operations/index.js";
import type { ProgressBridge } from "../../orchestration/index.js";
import { followRun, followToEnd, type FollowedStatus } from "./follow-run.js";
import { HttpClient, type RequestOptions } from "./http-client.js";
import { serviceUrl } from "./settings.js";
import type { ManagedResult } from "./training-manager.js";

/** Nobody answers at the backend's address. */
export class BackendUnreachableError extends KnownError {
  readonly code = "BACKEND_UNREACHABLE";
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(
      `The backend at ${url} does not answer (${messageOf(cause)}). Start it with \`ktrdr serve\`, or unset KTRDR_API_URL to work ` +
        `without it.`,
    );
    this.url = url;
    this.cause = cause;
  }
}

/** How long a reply may take: testing a model on a million bars takes seconds, fetching years of minutes may take an hour. */
const replyMs = 3_600_000;

/** Speaks with a backend for the command line. */
export class ApiClient {
  readonly #http: HttpClient;
  readonly #signal: AbortSignal | undefined;

  /** @param signal aborted to give up what was asked; trainings have a token of their own */
  constructor(url: string, token: string | null, signal?: AbortSignal) {
    this.#http = new HttpClient(serviceUrl("KTRDR_API_URL", url), token);
    this.#signal = signal;
  }

  /** What a route replies. @throws BackendUnreachableError, CancelledError, and the error that the backend tells of */
  async call<Body>(path: string, options: Omit<RequestOptions, "timeoutMs"> = {}): Promise<Body> {
    const { url } = this.#http;
    const answer = await this.#http
      .request<Body>(`/api/v1${path}`, {
        ...options,
        timeoutMs: replyMs,
        ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      })
      .catch((error: unknown) => {
        if (this.#signal?.aborted) throw new CancelledError();
        throw new BackendUnreachableError(url, (error as { cause?: unknown }).cause ?? error);
      });
    if (answer.ok) return answer.body;
    const { code, message, details = {} } = answer.error;
    throw fromErrorData({
      code,
      message,
      isUsage: code === "WRONG_USAGE",
      name: "Error",
      details: { ...details },
      stack: "",
    });
  }

  /** The `data` of what a route replies. @throws as `call` */
  async data<Data>(path: string, options: Omit<RequestOptions, "timeoutMs"> = {}): Promise<Data> {
    return (await this.call<{ data: Data }>(path, options)).data;
  }

  /**
   * Starts a training and follows it to its end; a stop of the token is passed on, and the training ends with this process.
   *
   * @param onStarted told of the operation's id
   * @throws as `followRun`
   */
  async train(
    body: object,
    bridge: ProgressBridge,
    token: SignallingToken,
    onStarted: (operationId: string) => void,
  ): Promise<ManagedResult> {
    const { task_id: id } = await this.call<{ task_id: string }>("/trainings/start", {
      method: "POST",
      body: { ...body, attended: true },
    });
    onStarted(id);
    const reply = await followRun(this.#http, id, this.#routes(id), bridge, token);
    return reply["data"] as ManagedResult;
  }

  /** Follows an operation to its end, whatever that is. @throws as `followRun`, but for the operation's own error */
  async watch(id: string, bridge: ProgressBridge): Promise<OperationDetails> {
    const { operation_id } = await this.data<OperationDetails>(`/operations/${encodeURIComponent(id)}`);
    await followToEnd(this.#http, operation_id, this.#routes(operation_id), bridge);
    return this.data(`/operations/${operation_id}`);
  }

  #routes(id: string) {
    const path = `/api/v1/operations/${id}`;
    return {
      stream: `${path}/stream`,
      status: path,
      result: `${path}/results`,
      stop: () => this.call(`/operations/${id}`, { method: "DELETE" }),
      statusOf: (reply: Record<string, unknown>) => reply["data"] as FollowedStatus,
    };
  }
}
