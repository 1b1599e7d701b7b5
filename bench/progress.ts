import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import type { createReporter as CreateReporter } from "../src/orchestration/reporter.js";
import { importBuilt, importBuiltFile } from "./built.js";
import { measured, type Bench } from "./measure.js";
import { median, spread, timed } from "./timing.js";

/** Repeats some work `count` times, in several rounds; nanoseconds of one, the first round not counted. */
function nanosecondsEach(rounds: number, count: number, work: (i: number) => void): number[] {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const ms = timed(() => {
      for (let i = 0; i < count; i++) work(i);
    });
    if (round > 0) times.push((ms * 1e6) / count);
  }
  return times;
}

/** Nanoseconds that posting a message takes when the other thread sleeps and this one has had other work for 20 ms. */
async function messagesToAnother(rounds: number): Promise<number[]> {
  const listener = new Worker(`require("node:worker_threads").parentPort.on("message", () => {})`, {
    eval: true,
  });
  await once(listener, "online");
  const work = new Float64Array(1e6);
  const times = Array.from({ length: 10 * rounds }, (_, k) => {
    const until = performance.now() + 20;
    while (performance.now() < until) for (let i = 0; i < work.length; i++) work[i] += k;
    return 1e6 * timed(() => listener.postMessage(k));
  });
  await listener.terminate();
  return times;
}

/** What one progress report and one look at the stop flag cost a run. */
export const benchProgress: Bench = async ({ quick, note }) => {
  const { createControlBlock, tokenOf } = await importBuilt();
  const { createReporter } = await importBuiltFile<{ createReporter: typeof CreateReporter }>(
    "orchestration/reporter.js",
  );
  const rounds = quick ? 3 : 9;
  const memory = createControlBlock();
  const { port1, port2 } = new MessageChannel();
  const { listener } = createReporter(
    memory,
    (progress) => port1.postMessage(progress),
    () => performance.now(),
  );
  const report = nanosecondsEach(rounds, 200_000, (batch) => {
    listener({
      type: "batch",
      epoch: 1,
      epochs: 100,
      batch,
      batches: 200_000,
      loss: 1 / (batch + 1),
      accuracy: 0.5,
    });
  });
  port1.close();
  port2.close();
  const message = await messagesToAnother(rounds);
  const token = tokenOf(memory);
  let stops = 0;
  const check = nanosecondsEach(rounds, 5_000_000, () => {
    if (token.isCancelled) stops++;
  });
  if (stops > 0) throw new Error("a token that nobody cancelled says that it is");
  note(`one report ${spread(report)} ns, one message ${spread(message)} ns, one check ${spread(check)} ns`);
  return [
    measured("one progress report", median(report), "ns", { atLeast: 10_000, aim: 1_000, better: "lower" }),
    measured("one message to a thread that waits (at most 5 a second)", median(message), "ns"),
    measured("one look at the stop flag", median(check), "ns", { atLeast: 1_000, aim: 100, better: "lower" }),
  ];
};
