import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import {
  claimRun,
  createCancellation,
  createControlBlock,
  createSnapshotWriter,
  readSnapshot,
  requestStop,
  tokenOf,
  TooManyRunsError,
} from "./control-block.js";

test("a stop asked for through one view is read through every other", () => {
  const { token, cancel } = createCancellation();
  const elsewhere = tokenOf(token.memory);
  let signalled = 0;
  token.signal.addEventListener("abort", () => signalled++);
  expect([token.isCancelled, elsewhere.isCancelled]).toEqual([false, false]);
  cancel();
  cancel();
  expect([token.isCancelled, elsewhere.isCancelled, signalled]).toEqual([true, true, 1]);
});

test("a stop written from the outside reaches the token", () => {
  const { token } = createCancellation();
  requestStop(token.memory);
  expect(token.isCancelled).toBe(true);
});

test("only one side can claim a run", () => {
  const memory = createControlBlock();
  expect([claimRun(memory), claimRun(memory)]).toEqual([true, false]);
});

test("there is no snapshot before the first report, and the last one after", () => {
  const memory = createControlBlock();
  expect(readSnapshot(memory)).toBeNull();
  const write = createSnapshotWriter(memory);
  const none = { epoch: 0, epochs: 0, batch: 0, batches: 0, loss: NaN, accuracy: NaN };
  write.phase("loading_data");
  expect(readSnapshot(memory)).toEqual({ phase: "loading_data", ...none });
  write.batch(3, 9, 7, 8, 0.5, 0.75);
  const batch = { epoch: 3, epochs: 9, batch: 7, batches: 8, loss: 0.5, accuracy: 0.75 };
  expect(readSnapshot(memory)).toEqual({ phase: "loading_data", ...batch });
  write.phase("training");
  expect(readSnapshot(memory)).toEqual({ phase: "training", ...batch });
});

test("a reader never sees half of a report while another thread writes", async () => {
  const memory = createControlBlock();
  // The writer follows the block's layout (int32 flag, counter, claim, unused; then 7 float64) and writes one number everywhere.
  const writer = new Worker(
    `const { workerData } = require("node:worker_threads");
     const counters = new Int32Array(workerData.buffer, 0, 4), values = new Float64Array(workerData.buffer, 16, 7);
     for (let k = 1; Atomics.load(counters, 0) === 0; k++) {
       Atomics.add(counters, 1, 1);
       values[0] = 8;
       for (let j = 1; j < 7; j++) values[j] = k;
       Atomics.add(counters, 1, 1);
     }`,
    { eval: true, workerData: memory },
  );
  const seen = new Set<number>();
  const deadline = performance.now() + 5000;
  while (seen.size < 200 && performance.now() < deadline) {
    const snapshot = readSnapshot(memory);
    if (snapshot === null) {
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    const { epoch, epochs, batch, batches, loss, accuracy } = snapshot;
    expect(new Set([epoch, epochs, batch, batches, loss, accuracy]).size, "all fields of one report").toBe(1);
    seen.add(epoch);
  }
  requestStop(memory);
  await writer.terminate();
  expect(seen.size, "reports that were seen whole").toBeGreaterThan(1);
});

test("more runs than addresses reach are refused, and their end makes room for others", () => {
  const most = 200_000; // a platform that holds so many shows nothing
  let kept: unknown[] = [];
  expect(() => {
    while (kept.length < most) kept.push(createControlBlock());
    throw new TooManyRunsError(null);
  }).toThrow(TooManyRunsError);
  expect(kept.length).toBeGreaterThan(1000);
  kept = [];
  createControlBlock();
});
