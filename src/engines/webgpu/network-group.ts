import { neverCancelled, type CancellationToken } from "../../core/index.js";
import type { BatchSums, EvaluationSums, NetworkSpec, PermutedColumn } from "../engine.js";
import { parameterCount } from "../weights.js";
import type { GpuDevice } from "./device.js";
import { lossWork, updateWork, type SampleBuffers } from "./network-plan.js";
import type { Handle, KernelSource } from "./protocol.js";
import { Room } from "./room.js";
import { emptyRecord } from "./shaders/record.js";
import {
  evaluateWorkgroup,
  planWorkgroup,
  trainWorkgroup,
  wordsPerRun,
  type WorkgroupPlan,
} from "./shaders/workgroup.js";
import { stepSizes } from "./step-sizes.js";
import { DeviceQueue, Submissions, type Dispatch } from "./submissions.js";

/**
 * Multiply-adds of a batch up to which one workgroup does all of it. Not measured, as no GPU was at hand: about what one does in the time that
 * the dozen dispatches of a batch take by themselves.
 */
const mostWork = 4e6;
/** Rows that one workgroup evaluates, the most that fit. */
const evaluationRows = [64, 32];
/** Batches of all networks in a submission, at most: 2 MiB of them. */
const mostBatches = 65_536;
const bytesPerRun = 16 * wordsPerRun;

/** Samples on the device, and their labels here as well: a batch's sum of class weights is added up here. */
export interface GpuSamples extends SampleBuffers {
  readonly rows: number;
  readonly classes: Uint8Array;
  /** Networks that use them; with the last one they go. */
  users: number;
}

/** An epoch under way; `position` is where in the order the next batch begins. */
export interface Epoch {
  readonly samples: GpuSamples;
  readonly order: Uint32Array;
  readonly batchSize: number;
  position: number;
}

/** One network of a group. */
export interface Member {
  readonly slot: number;
  readonly dropKey: number;
  /** Steps of the optimizer that it was told of. */
  step: number;
  epoch: Epoch | null;
}

/** What one network is to do. */
export interface MemberRequest {
  readonly member: Member;
  readonly count: number;
  readonly learningRate: number;
  /** As for `Network.trainBatches`. */
  readonly perBatch?: Float64Array | null;
}

/** A request under way. */
interface Task {
  readonly member: Member;
  readonly epoch: Epoch;
  readonly learningRate: number;
  /** Where its first batch's sums go. */
  first: number;
  /** Where in the order its first batch begins, and its next one. */
  readonly begin: number;
  position: number;
  /** Steps of the optimizer before its next batch. */
  step: number;
  left: number;
  /** Rows of the batches that were handed over. */
  readonly sizes: number[];
}

/** Batches that were handed over, and the answer that has their sums. */
interface Wave {
  readonly tasks: readonly Task[];
  readonly sums: number;
}

/** Multiply-adds of a training batch. */
function batchWork({ outputs }: NetworkSpec, parameters: number, rows: number): number {
  return parameters * (3 * rows + updateWork) + rows * outputs * lossWork;
}

/**
 * Sums of a call's batches.
 *
 * @param sizes    rows of each
 * @param perBatch as for `Network.trainBatches`
 * @param found    mean loss and hits of a batch
 */
export function sumsOf(
  sizes: readonly number[],
  perBatch: Float64Array | null,
  found: (batch: number) => readonly [loss: number, hits: number],
): BatchSums {
  const done = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
  for (const [batch, rows] of sizes.entries()) {
    const [loss, hits] = found(batch);
    done.batches++;
    done.samples += rows;
    done.lossSum += loss * rows;
    done.correct += hits;
    perBatch?.set([done.lossSum, done.correct], 2 * batch);
    // Batches after it were trained by then; their weights are no numbers any more either.
    if (!Number.isFinite(loss)) break;
  }
  return done;
}

/** Batches from a place in the order on. */
function batchesFrom(position: number, { order, batchSize }: Epoch): number {
  return Math.ceil((order.length - position) / batchSize);
}

/** Counts batches as handed over. */
function advance(task: Task, batches: number): void {
  const { order, batchSize } = task.epoch;
  for (let k = 0; k < batches; k++) {
    const rows = Math.min(batchSize, order.length - task.position);
    task.sizes.push(rows);
    task.position += rows;
  }
  task.left -= batches;
  task.step += batches;
}

/** Whether the next batches of two networks are described by the same words. */
function areInStep(a: Task, b: Task): boolean {
  return (
    a.position === b.position &&
    a.step === b.step &&
    a.learningRate === b.learningRate &&
    a.epoch.batchSize === b.epoch.batchSize &&
    a.epoch.order.length === b.epoch.order.length
  );
}

/**
 * Networks of one shape whose parameters lie in the same buffers, a slot for each, so that one dispatch works on all of them: by kernels in which a
 * workgroup has a network to itself. A network alone is a group of one.
 */
export class NetworkGroup {
  readonly device: GpuDevice;
  readonly spec: NetworkSpec;
  readonly parameterCount: number;
  /** [slots × parameters]; of state twice as many. */
  readonly #parameters: Handle;
  readonly gradients: Handle;
  readonly state: Handle;
  readonly #submissions: Submissions;
  /** Batches beyond those that were asked for, and what parameters and state were before them. */
  #ahead: Wave | null = null;
  #before: readonly [parameters: Handle, state: Handle] | null = null;
  #kept: Handle | null = null;
  readonly #queue: DeviceQueue;
  readonly #slots: number;
  readonly #tiledOnly: boolean;
  readonly #plans = new Map<number, WorkgroupPlan | null>();
  #used: number;
  /** Orders of visit, [slots × orderRows], and what they are made from. */
  readonly #order: Room;
  readonly #orders: (Uint32Array | null)[];
  readonly #newOrders = new Set<number>();
  #orderRows = 0;
  readonly #permutation: Room;
  readonly #places: Room;
  readonly #runs: Room;
  readonly #sums: Room;
  /** Kernels that are bound, by samples and batch size; evaluation has no batch size: 0. */
  readonly #bindings = new Map<GpuSamples, Map<number, Handle>>();
  /** Networks that took part in the last submission. */
  #together = 1;

  /** @param tiledOnly whether everything is done by tiled products, for tests of those with small networks */
  constructor(device: GpuDevice, spec: NetworkSpec, slots: number, tiledOnly: boolean) {
    this.device = device;
    this.spec = spec;
    this.parameterCount = parameterCount(spec);
    this.#submissions = new Submissions(device);
    this.#queue = new DeviceQueue(device);
    this.#slots = slots;
    this.#used = slots;
    this.#tiledOnly = tiledOnly;
    const bytes = 4 * slots * this.parameterCount;
    [this.#parameters, this.gradients, this.state] = device.allocate([bytes, bytes, 2 * bytes]);
    this.#orders = Array.from({ length: slots }, () => null);
    const room = (): Room => new Room(device);
    [this.#order, this.#permutation, this.#places, this.#runs, this.#sums] = Array.from({ length: 5 }, room);
  }

  /** The parameters as they are after the batches that were told of. */
  get parameters(): Handle {
    this.#fallBack();
    return this.#parameters;
  }

  /** Work of other kinds, on these parameters. */
  get submissions(): Submissions {
    this.#fallBack();
    return this.#submissions;
  }

  /** The parameters that networks remember, in the same places; made when the first one does. */
  get kept(): Handle {
    this.#kept ??= this.device.allocate([4 * this.#slots * this.parameterCount])[0];
    return this.#kept;
  }

  /** How one workgroup does batches of so many rows; null where tiled products do them. */
  planFor(rows: number): WorkgroupPlan | null {
    let plan = this.#plans.get(rows);
    if (plan === undefined) {
      const bytes = this.device.adapter.limits.maxComputeWorkgroupStorageSize;
      const small = !this.#tiledOnly && batchWork(this.spec, this.parameterCount, rows) <= mostWork;
      plan = small ? planWorkgroup(this.spec, rows, bytes) : null;
      this.#plans.set(rows, plan);
    }
    return plan;
  }

  /** How workgroups evaluate; null where tiled products do it. */
  get #evaluationPlan(): WorkgroupPlan | null {
    for (const rows of evaluationRows) {
      const plan = this.planFor(rows);
      if (plan !== null) return plan;
    }
    return null;
  }

  get evaluatesByWorkgroups(): boolean {
    return this.#evaluationPlan !== null;
  }

  /** Notes the order of a network's epoch; it is brought to the device with those of others. */
  startEpoch({ slot }: Member, order: Uint32Array): void {
    this.#orders[slot] = order;
    this.#newOrders.add(slot);
  }

  /** Puts new orders where kernels find them: those of neighbours in one piece. */
  #writeOrders(): void {
    const isNew = this.#newOrders;
    const longest = [...isNew].reduce((most, slot) => Math.max(most, this.#orders[slot]?.length ?? 0), 0);
    if (longest > this.#orderRows) {
      this.#orderRows = longest;
      if (this.#order.grow(4 * this.#slots * longest)) this.#unbind();
      for (const [slot, order] of this.#orders.entries()) if (order !== null) isNew.add(slot);
    }
    const rows = this.#orderRows;
    for (let slot = 0; slot < this.#slots; slot++) {
      if (!isNew.has(slot)) continue;
      const first = slot;
      while (isNew.has(slot + 1)) slot++;
      const orders = this.#orders.slice(first, slot + 1);
      const all = orders.length === 1 ? orders[0]! : new Uint32Array(orders.length * rows);
      if (orders.length > 1) for (const [k, order] of orders.entries()) all.set(order!, k * rows);
      this.device.write(this.#order.buffer, all, undefined, 4 * first * rows);
    }
    isNew.clear();
  }

  #unbind(): void {
    for (const bindings of this.#bindings.values()) this.device.free([], [...bindings.values()]);
    this.#bindings.clear();
  }

  /**
   * Trains networks whose epochs were started here; each is asked once. Looks at the token before each batch.
   *
   * @param masks of the only request; see `Network.trainBatches`
   */
  train(
    requests: readonly MemberRequest[],
    token: CancellationToken,
    masks?: readonly (readonly Uint8Array[])[],
  ): BatchSums[] {
    const nothing = { batches: 0, samples: 0, lossSum: 0, correct: 0 };
    if (token.isCancelled) return requests.map(() => nothing);
    this.#writeOrders();
    const ahead = this.#takeAhead(requests, masks === undefined);
    const tasks = requests.map(({ member, count, learningRate }, k): Task => {
      const epoch = member.epoch!;
      const done = ahead?.tasks[k];
      const begin = done?.position ?? epoch.position;
      const left = Math.max(0, Math.min(count - (done?.sizes.length ?? 0), batchesFrom(begin, epoch)));
      const step = done?.step ?? member.step;
      return { member, epoch, learningRate, first: 0, begin, position: begin, step, left, sizes: [] };
    });
    const asked = this.#handOver(tasks, token, masks);
    if (masks === undefined && !token.isCancelled) this.#runAhead(tasks, requests);
    const waves = [ahead, asked].map((wave) => this.#received(wave));
    if (this.#ahead === null) this.#queue.drain();
    return tasks.map((task, k) => {
      const before = ahead?.tasks[k].sizes.length ?? 0;
      const sizes = [...(ahead?.tasks[k].sizes ?? []), ...task.sizes];
      const done = sumsOf(sizes, requests[k].perBatch ?? null, (batch) => {
        const [sums, at] =
          batch < before
            ? [waves[0], ahead!.tasks[k].first + batch]
            : [waves[1], task.first + batch - before];
        return [sums[2 * at], sums[2 * at + 1]];
      });
      task.epoch.position += done.samples;
      task.member.step = task.step;
      return done;
    });
  }

  /** Hands over what is left of these, as far as the token lets it. @returns null where there is nothing */
  #handOver(
    tasks: Task[],
    token: CancellationToken,
    masks?: readonly (readonly Uint8Array[])[],
  ): Wave | null {
    let batches = 0;
    for (const task of tasks) {
      task.first = batches;
      batches += task.left;
    }
    if (this.#sums.grow(8 * batches)) this.#unbind();
    let waiting = tasks.filter(({ left }) => left > 0);
    while (waiting.length > 0 && !token.isCancelled) {
      const turn = this.#turn(waiting);
      this.#submit(turn.tasks, turn.batches, token, masks);
      waiting = [...waiting.slice(turn.tasks.length), ...turn.tasks].filter(({ left }) => left > 0);
    }
    if (tasks.every(({ sizes }) => sizes.length === 0)) return null;
    // What comes after may use their place again.
    return { tasks, sums: this.device.request(this.#sums.buffer, 8 * batches) };
  }

  #received(wave: Wave | null): Float32Array {
    return wave === null ? new Float32Array(0) : new Float32Array(this.device.received(wave.sums));
  }

  /**
   * Gives the device a submission of the batches that will be asked for next if all goes on, so that it has work while sums are read and
   * reported. Who asks for something else finds everything as it was.
   */
  #runAhead(tasks: readonly Task[], requests: readonly MemberRequest[]): void {
    const next = tasks.map((task, k): Task => {
      const left = Math.min(requests[k].count, batchesFrom(task.position, task.epoch));
      return { ...task, begin: task.position, left, sizes: [] };
    });
    if (next.length === 0 || next.some(({ left }) => left <= 0)) return;
    const turn = this.#turn(next);
    if (turn.tasks.length < next.length) return;
    for (const task of next) task.left = Math.min(task.left, turn.batches);
    const bytes = 4 * this.#slots * this.parameterCount;
    const [parameters, state] = (this.#before ??= this.device.allocate([bytes, 2 * bytes]) as [
      Handle,
      Handle,
    ]);
    this.device.copy(this.#parameters, parameters, 0, bytes);
    this.device.copy(this.state, state, 0, 2 * bytes);
    this.#ahead = this.#handOver(next, neverCancelled);
  }

  /** What was handed over ahead where this is what is asked for now; else it is undone. */
  #takeAhead(requests: readonly MemberRequest[], isPlain: boolean): Wave | null {
    const ahead = this.#ahead;
    const fits =
      isPlain &&
      ahead?.tasks.length === requests.length &&
      ahead.tasks.every(({ member, epoch, learningRate, begin, sizes }, k) => {
        const request = requests[k];
        return (
          member === request.member &&
          epoch === member.epoch &&
          begin === epoch.position &&
          learningRate === request.learningRate &&
          sizes.length <= request.count
        );
      });
    if (!fits) this.#fallBack();
    this.#ahead = null;
    return fits ? ahead : null;
  }

  /** Undoes what was handed over ahead. */
  #fallBack(): void {
    const ahead = this.#ahead;
    if (ahead === null || this.#before === null) return;
    const [parameters, state] = this.#before;
    const bytes = 4 * this.#slots * this.parameterCount;
    this.device.copy(parameters, this.#parameters, 0, bytes);
    this.device.copy(state, this.state, 0, 2 * bytes);
    this.device.forget(ahead.sums);
    this.#ahead = null;
  }

  /** What the next submission is made of: some batches of all networks, or one batch of some. */
  #turn(waiting: readonly Task[]): { tasks: readonly Task[]; batches: number } {
    // Half as many workgroups may take as long for each batch, so that as much work takes twice the time.
    if (waiting.length < this.#together) this.#queue.slowDown(waiting.length / this.#together);
    this.#together = waiting.length;
    const steps = Math.min(mostBatches, this.#queue.budget / this.#work(waiting));
    const networks = Math.min(waiting.length, Math.max(1, Math.floor(steps)));
    const most = waiting.reduce((count, { left }) => Math.max(count, left), 0);
    const batches = Math.min(most, Math.max(1, Math.floor(steps / networks)));
    return { tasks: waiting.slice(0, networks), batches };
  }

  #work(tasks: readonly Task[]): number {
    const rows = tasks.reduce((most, { epoch }) => Math.max(most, epoch.batchSize), 0);
    return batchWork(this.spec, this.parameterCount, rows);
  }

  /** Hands over up to so many batches of each of these; fewer where the token stops it. */
  #submit(
    tasks: readonly Task[],
    batches: number,
    token: CancellationToken,
    masks: readonly (readonly Uint8Array[])[] | undefined,
  ): void {
    const { spec } = this;
    const masksPerRow = spec.hidden.reduce((sum, units) => sum + units, 0);
    const from = tasks[0].sizes.length;
    const given = masks === undefined ? [] : Buffer.concat(masks.slice(from, from + batches).flat());
    // Room for as many descriptions as there are networks; those in step share them.
    const most = bytesPerRun * tasks.length * (1 + batches);
    if (this.#runs.grow(most + given.length)) this.#unbind();
    // Those that share a kernel stand next to each other, as they are one dispatch.
    const kernels = new Map<Handle, Task[]>();
    for (const task of tasks) {
      const binding = this.#trainingBinding(task.epoch);
      const others = kernels.get(binding);
      if (others === undefined) kernels.set(binding, [task]);
      else others.push(task);
    }
    const ordered = [...kernels.values()].flat();
    const courses: Task[][] = [];
    for (const task of ordered) {
      const course = courses.at(-1);
      if (course !== undefined && areInStep(course[0], task)) course.push(task);
      else courses.push([task]);
    }
    const runBytes = bytesPerRun * (ordered.length + courses.length * batches);
    const runs = new Uint8Array(runBytes + given.length);
    runs.set(given, runBytes);
    const words = new Uint32Array(runs.buffer, 0, runBytes / 4);
    const figures = new Float32Array(runs.buffer, 0, runBytes / 4);
    let described = 0;
    for (; described < batches && !(described > 0 && token.isCancelled); described++) {
      for (const [k, [{ epoch, position, step: done, learningRate }]] of courses.entries()) {
        const at = 4 * wordsPerRun * (ordered.length + k * batches + described);
        const begin = position + described * epoch.batchSize;
        const { step, rate, correction, shrink } = stepSizes(spec.optimizer, done + described, learningRate);
        words[at] = begin;
        words[at + 1] = Math.max(0, Math.min(epoch.batchSize, epoch.order.length - begin));
        words[at + 2] = step;
        words[at + 3] = masks === undefined ? 0 : 1 + runBytes + described * epoch.batchSize * masksPerRow;
        figures[at + 4] = rate;
        figures[at + 5] = correction;
        figures[at + 6] = shrink;
      }
    }
    let [work, k] = [0, 0];
    for (const [c, course] of courses.entries()) {
      const first = wordsPerRun * (ordered.length + c * batches);
      for (const task of course) {
        const { slot, dropKey } = task.member;
        const count = Math.min(described, task.left);
        words.set([slot, first, count, task.first + task.sizes.length], k * 4 * wordsPerRun);
        words.set([dropKey, slot * this.#orderRows], k * 4 * wordsPerRun + 4);
        advance(task, count);
        work += count * batchWork(spec, this.parameterCount, task.epoch.batchSize);
        k++;
      }
    }
    this.device.write(this.#runs.buffer, runs);
    let base = 0;
    const parts = [...kernels].map(([binding, { length }]) => {
      const record = { ...emptyRecord, base };
      base += length;
      return { binding, groups: length, record };
    });
    this.#queue.submit(parts, work);
  }

  #trainingBinding({ samples, batchSize }: Epoch): Handle {
    return this.#bind(samples, batchSize, () => ({
      source: trainWorkgroup(this.planFor(batchSize)!),
      buffers: [
        samples.features,
        this.#order.buffer,
        samples.labels,
        this.#parameters,
        this.state,
        this.gradients,
        this.#runs.buffer,
        this.#sums.buffer,
      ],
    }));
  }

  /** A kernel for some samples, bound at its first use. */
  #bind(
    samples: GpuSamples,
    key: number,
    make: () => { source: KernelSource; buffers: readonly Handle[] },
  ): Handle {
    const known = this.#bindings.get(samples) ?? new Map<number, Handle>();
    this.#bindings.set(samples, known);
    let binding = known.get(key);
    if (binding === undefined) {
      const { source, buffers } = make();
      const [kernel] = this.device.compile([source]);
      [binding] = this.device.bind([{ kernel, buffers }]);
      known.set(key, binding);
    }
    return binding;
  }

  /** Evaluates networks over the same samples by workgroups. @throws CancelledError */
  evaluate(
    members: readonly Member[],
    samples: GpuSamples,
    token: CancellationToken,
    permuted?: PermutedColumn,
  ): EvaluationSums[] {
    const { rows } = samples;
    const plan = this.#evaluationPlan!;
    const chunks = Math.ceil(rows / plan.rows);
    const groups = members.length * chunks;
    const grown = [
      this.#sums.grow(8 * groups),
      this.#permutation.grow(permuted === undefined ? 0 : 4 * rows),
      this.#places.grow(4 * members.length),
    ];
    if (grown.includes(true)) this.#unbind();
    this.device.write(
      this.#places.buffer,
      Uint32Array.from(members, ({ slot }) => slot),
    );
    // Not in the place of the orders of epochs under way.
    if (permuted !== undefined) this.device.write(this.#permutation.buffer, permuted.order, token);
    const binding = this.#bind(samples, 0, () => ({
      source: evaluateWorkgroup(plan),
      buffers: [
        samples.features,
        this.#permutation.buffer,
        samples.labels,
        this.#parameters,
        this.#places.buffer,
        this.#sums.buffer,
      ],
    }));
    const groupWork = plan.rows * (this.parameterCount + this.spec.outputs * lossWork);
    const record = { ...emptyRecord, rows, permuted: permuted === undefined ? 0 : permuted.column + 1 };
    this.infer([{ binding, groups, groupWork, whole: false, record }], token);
    this.submissions.end();
    const sums = groups === 0 ? new Float32Array(0) : this.device.floats(this.#sums.buffer, 2 * groups);
    this.submissions.drain();
    return members.map((_, k) => {
      let [lossSum, correct] = [0, 0];
      for (let chunk = k * chunks; chunk < (k + 1) * chunks; chunk++) {
        lossSum += sums[2 * chunk];
        correct += sums[2 * chunk + 1];
      }
      return { samples: rows, lossSum, correct };
    });
  }

  /** @throws CancelledError after which nothing is under way any more */
  infer(dispatches: readonly Dispatch[], token: CancellationToken): void {
    try {
      for (const dispatch of dispatches) this.submissions.add(dispatch, token);
      this.submissions.mark();
    } catch (error) {
      this.submissions.end();
      this.submissions.drain();
      throw error;
    }
  }

  /** A network lets go of samples; they go when nobody else has them. */
  release(samples: GpuSamples): void {
    if (--samples.users > 0) return;
    this.device.free([samples.features, samples.labels], [...(this.#bindings.get(samples)?.values() ?? [])]);
    this.#bindings.delete(samples);
  }

  /** A network is not used any more; with the last one the group goes. */
  leave({ slot }: Member): void {
    this.#orders[slot] = null;
    this.#newOrders.delete(slot);
    if (--this.#used > 0) return;
    this.#unbind();
    for (const room of [this.#order, this.#permutation, this.#places, this.#runs, this.#sums]) room.free();
    const kept = this.#kept === null ? [] : [this.#kept];
    this.#queue.abandon();
    if (this.#ahead !== null) this.device.forget(this.#ahead.sums);
    const own = [this.#parameters, this.gradients, this.state];
    this.device.free([...own, ...kept, ...(this.#before ?? [])]);
  }
}
