import { existsSync, readFileSync } from "node:fs";
import {
  CancelledError,
  throwIfCancelled,
  type SharedToken,
  type SignallingToken,
} from "../../core/index.js";
import type { ModelStorage } from "../../models/index.js";
import {
  LocalTrainingOrchestrator,
  strategyOf,
  type HostTrainingResult,
  type LocalTrainingResult,
  type ProgressBridge,
  type TrainingMode,
  type TrainingOperationContext,
} from "../../orchestration/index.js";
import { fieldsOf, type StartBody } from "../training-request.js";
import { GpuRequiredError, HostLostError, HostRefusedError } from "./errors.js";
import type { HostClient, HostHealth } from "./host-client.js";
import { wasNotSent } from "./http-client.js";
import type { HostSettings, RunMode } from "./settings.js";

/** Where a training runs, and why; part of its result. */
export interface RunChoice {
  /** What was asked for. */
  readonly mode: RunMode;
  readonly where: TrainingMode;
  readonly reason: string;
  /** Address of the host; null for a local run. */
  readonly host_url: string | null;
}

/** A result with the choice of where it was made; all else is the same both ways. */
export type ManagedResult = (LocalTrainingResult | HostTrainingResult) & { readonly run_choice: RunChoice };

/** How one training is to be placed. */
export interface Placement {
  /** In place of the manager's default, which it does not change. */
  readonly mode?: RunMode;
  readonly requireGpu?: boolean;
}

/** Who hears of a training. */
export interface ManagedListeners {
  readonly bridge: ProgressBridge;
  /** Told where it runs; `warning` where that is not what was asked for. */
  readonly onChoice?: (choice: RunChoice, warning: boolean) => void;
  /** Told in words of what is worth knowing, such as a place in the host's queue. */
  readonly onNote?: (text: string) => void;
}

/** An `auto` run must not wait for a host that is not there. */
const autoProbeMs = 100;
const hostProbeMs = 2000;
/** How long a host that was asked to start a session and then to stop it may take; a session that it starts later ends as nobody follows it. */
const stopMs = 2500;

/**
 * Chooses where a training runs, runs it there, and presents both ways the same: same reports, same result, same errors. It holds
 * no state of a run, so that runs at the same time do not touch each other.
 */
export class TrainingManager {
  /** What a request that does not say gets; may be changed at any time. */
  defaultMode: RunMode;
  readonly #settings: HostSettings;
  readonly #storage: ModelStorage;

  /** @param modelStorage where local models go, and where those of the host are looked for */
  constructor(settings: HostSettings, modelStorage: ModelStorage) {
    this.defaultMode = settings.defaultMode;
    this.#settings = settings;
    this.#storage = modelStorage;
  }

  /** Address of the host. */
  get hostUrl(): string {
    return this.#settings.url;
  }

  /**
   * Where a training would run now.
   *
   * @param signal aborted where nobody wants to know any more
   * @throws GpuRequiredError; HostRefusedError where the host was asked for and refuses, such as for a wrong token; CancelledError
   */
  async choose(
    { mode = this.defaultMode, requireGpu = false }: Placement = {},
    signal?: AbortSignal,
  ): Promise<RunChoice> {
    const local = (reason: string): RunChoice => ({ mode, where: "local", reason, host_url: null });
    if (mode === "local") {
      if (requireGpu) await requireLocalGpu();
      return local("asked for");
    }
    const url = this.hostUrl;
    let health: HostHealth;
    try {
      health = await (await this.#host()).health(mode === "auto" ? autoProbeMs : hostProbeMs, signal);
    } catch (error) {
      if (signal?.aborted) throw new CancelledError();
      const refused = error instanceof HostRefusedError;
      if (refused && mode === "host") throw error;
      const why = refused ? error.message : `the host at ${url} does not answer`;
      if (requireGpu) throw new GpuRequiredError(why);
      return local(why);
    }
    const gpu = health.gpu_status.available;
    if (requireGpu && !gpu) throw new GpuRequiredError(`the host at ${url} has none that trainings can use`);
    const host = (reason: string): RunChoice => ({ mode, where: "host", reason, host_url: url });
    if (mode === "host") return host("asked for");
    if (gpu) return host("it has a GPU");
    const taken = health.active_training_sessions + health.waiting_training_sessions;
    if (taken < health.max_training_sessions) return host("it has a free place");
    return local(`all ${health.max_training_sessions} places of the host at ${url} are taken`);
  }

  /**
   * Trains, evaluates and saves one model, here or on the host. What is wrong with the request is found here, before anything
   * is sent. A stop takes effect also while the host is asked whether it is there, and while it takes the request.
   *
   * @throws CancelledError, HostLostError, GpuRequiredError, HostRefusedError and every `KnownError` of the pipeline
   */
  async run(
    context: TrainingOperationContext,
    placement: Placement,
    token: SharedToken | SignallingToken,
    { bridge, onChoice = () => undefined, onNote = () => undefined }: ManagedListeners,
  ): Promise<ManagedResult> {
    if (placement.requireGpu)
      return this.#run(onGpu(context), placement, token, { bridge, onChoice, onNote });
    return this.#run(context, placement, token, { bridge, onChoice, onNote });
  }

  async #run(
    context: TrainingOperationContext,
    placement: Placement,
    token: SharedToken | SignallingToken,
    { bridge, onChoice, onNote }: Required<ManagedListeners>,
  ): Promise<ManagedResult> {
    let choice = await this.choose(placement, token.signal);
    if (choice.where === "host") {
      const started = await this.#startOnHost(context, token);
      if (started !== null) {
        onChoice(choice, false);
        if (started.queue_position !== null)
          onNote(`All places are taken: it waits, and its place is ${started.queue_position}.`);
        return this.#followOnHost(choice, context, token, bridge, onNote);
      }
      const why = `the host at ${this.hostUrl} does not answer any more`;
      if (placement.requireGpu) throw new GpuRequiredError(why);
      choice = { ...choice, where: "local", reason: why, host_url: null };
    }
    onChoice(choice, choice.mode === "host");
    const result = await new LocalTrainingOrchestrator(context, bridge, token, this.#storage).run();
    return { ...result, run_choice: choice };
  }

  /** Null where the host is gone since it was chosen, so that nothing was started. */
  async #startOnHost(context: TrainingOperationContext, token: SignallingToken) {
    const body = bodyOf(context);
    const host = await this.#host();
    throwIfCancelled(token);
    const over = new AbortController();
    const onAbort = (): void => {
      AbortSignal.timeout(stopMs).addEventListener("abort", () => over.abort(), { once: true });
      // Where the host does not know the session yet, the reply to its start is waited for, and it is stopped by whoever follows it.
      void host.stop(context.operationId).then(
        ({ ok }) => ok && over.abort(),
        () => undefined,
      );
    };
    token.signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await host.start(body, over.signal);
    } catch (error) {
      if (token.isCancelled) throw new CancelledError();
      if (error instanceof HostRefusedError) throw error;
      // A request that may have arrived may have started a training: never a second one then.
      if (wasNotSent(error)) return null;
      throw new HostLostError(this.hostUrl, context.operationId, error);
    } finally {
      token.signal.removeEventListener("abort", onAbort);
    }
  }

  async #followOnHost(
    choice: RunChoice,
    context: TrainingOperationContext,
    token: SharedToken | SignallingToken,
    bridge: ProgressBridge,
    onNote: (text: string) => void,
  ): Promise<ManagedResult> {
    const host = await this.#host();
    const result = await host.follow(context.operationId, bridge, token);
    const path = this.#pathHere(result);
    if (path === null) {
      onNote(
        `The model ${result.model_name} lies on the host, in "${result.model_path}", which is not reached from here.`,
      );
    }
    return { ...result, model_path: path ?? result.model_path, run_choice: choice };
  }

  /** Where the model of a host run lies on this machine: the shared folder may have another path here. */
  #pathHere({ model_name, model_path, session_id }: HostTrainingResult): string | null {
    try {
      const { path, metadata } = this.#storage.load(model_name);
      if (metadata["operation_id"] === session_id) return path;
    } catch {
      // Not in the folder of models that is used here.
    }
    return existsSync(model_path) ? model_path : null;
  }

  async #host(): Promise<HostClient> {
    const { HostClient: Client } = await import("./host-client.js");
    return new Client(this.#settings.url, this.#settings.token);
  }
}

/** A training that takes the GPU whatever its size. @throws GpuRequiredError where it asks for another engine */
function onGpu(context: TrainingOperationContext): TrainingOperationContext {
  const { engine = "auto" } = context;
  if (engine === "auto" || engine === "webgpu") return { ...context, engine: "webgpu" };
  throw new GpuRequiredError(`the engine ${engine}, which was asked for, runs on processors`);
}

async function requireLocalGpu(): Promise<void> {
  const { deviceManager, isTrainable } = await import("../../engines/index.js");
  const { devices, hint } = await deviceManager.list();
  const shown = devices.find(isTrainable);
  if (shown !== undefined && shown.type !== "software") return;
  if (shown !== undefined)
    throw new GpuRequiredError(`this machine has only ${shown.name}, a software device`);
  throw new GpuRequiredError(
    `this machine has none that trainings can use${hint === null ? "" : `: ${hint.replace(/\.$/, "")}`}`,
  );
}

/** The request of a host session. @throws StrategyFileError and the like, naming the file on this machine */
function bodyOf(context: TrainingOperationContext): StartBody {
  strategyOf(context);
  const { operationId, strategyPath, strategyText, maxMemoryBytes } = context;
  return {
    session_id: operationId,
    attended: true,
    strategy_yaml: strategyText ?? readFileSync(strategyPath, "utf8"),
    ...fieldsOf(context),
    ...(maxMemoryBytes === undefined ? {} : { max_memory_bytes: Math.floor(maxMemoryBytes) }),
  };
}
