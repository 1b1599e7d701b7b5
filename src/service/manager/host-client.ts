import type { z } from "zod";
import type { SignallingToken } from "../../core/index.js";
import type { HostTrainingResult, ProgressBridge } from "../../orchestration/index.js";
import type { healthSchema, startReply } from "../host/host-service.js";
import type { StartBody } from "../training-request.js";
import { followRun, type FollowedStatus } from "./follow-run.js";
import { HttpClient, type Answer } from "./http-client.js";

/** What the host tells of itself. */
export type HostHealth = z.infer<typeof healthSchema>;

/** Speaks with a training host. */
export class HostClient {
  readonly #http: HttpClient;

  constructor(url: string, token: string | null) {
    this.#http = new HttpClient(url, token);
  }

  /** @throws HostRefusedError; what `fetch` throws where nobody answers in time, or when the signal is aborted */
  async health(timeoutMs: number, signal?: AbortSignal): Promise<HostHealth> {
    // The first `fetch` of a process loads its modules, which takes some 40 ms: not of the host's time.
    await fetch("data:,");
    return this.#http.call<HostHealth>("/health", { timeoutMs, ...(signal === undefined ? {} : { signal }) });
  }

  /** @throws HostRefusedError; what `fetch` throws where there is no answer, see `wasNotSent`, or when the signal is aborted */
  start(body: StartBody, signal: AbortSignal): Promise<z.infer<typeof startReply>> {
    return this.#http.call("/training/start", { method: "POST", body, timeoutMs: 10_000, signal });
  }

  /** Asks a session to stop; answered when it has ended. @throws what `fetch` throws where there is no answer in time */
  stop(sessionId: string): Promise<Answer<unknown>> {
    const body = { session_id: sessionId };
    return this.#http.request("/training/stop", { method: "POST", body, timeoutMs: 10_000 });
  }

  /** Follows a session to its end. @throws as `followRun` */
  async follow(
    sessionId: string,
    bridge: ProgressBridge,
    token: SignallingToken,
  ): Promise<HostTrainingResult> {
    const routes = {
      stream: `/training/stream/${sessionId}`,
      status: `/training/status/${sessionId}`,
      result: `/training/result/${sessionId}`,
      stop: () => this.stop(sessionId),
      statusOf: (reply: unknown) => reply as FollowedStatus,
    };
    const reply = await followRun(this.#http, sessionId, routes, bridge, token);
    const { status: _status, start_time: _start, last_updated: _last, ...result } = reply;
    return result as unknown as HostTrainingResult;
  }
}
