import { existsSync, readdirSync, statSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { deferred } from "../../test/deferred.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { CancelledError, DiskFullError, type TrainingProgress } from "../core/index.js";
import { cancelOperation, watchOperation } from "./client.js";
import { OperationFinishedError } from "./errors.js";
import { type OperationRun, runOperation } from "./run.js";
import { OperationStore } from "./store.js";

const epoch: TrainingProgress = {
  type: "epoch",
  epoch: 1,
  epochs: 2,
  trainLoss: 1,
  trainAccuracy: 0.5,
  validLoss: null,
  validAccuracy: null,
  learningRate: 0.001,
};

function openStore(): OperationStore {
  const store = new OperationStore(join(temporaryFolder(), "operations.db"));
  onTestFinished(() => store.close());
  return store;
}

/** An operation whose work ends when the test says so, or when it is cancelled. */
async function startRun(store: OperationStore) {
  const ended = deferred<string>();
  const started = deferred<OperationRun>();
  const cancel = vi.fn(() => ended.reject(new CancelledError()));
  const result = runOperation({ store, type: "training", metadata: {}, cancel }, (run) => {
    started.resolve(run);
    return ended.promise;
  });
  result.catch(() => undefined);
  const run = await started.promise;
  const address = store.get(run.id).address as string;
  return { run, address, cancel, result, complete: () => ended.resolve("done") };
}

test("work that ends is recorded as completed, with its summary", async () => {
  const store = openStore();
  let id = "";
  const request = {
    store,
    type: "training",
    metadata: { symbols: ["SYN1"] },
    cancel: () => undefined,
    summarize: (result: { model_name: string }) => ({ model_name: result.model_name }),
  };
  const result = await runOperation(request, async (run) => {
    id = run.id;
    expect(store.get(id)).toMatchObject({ status: "running", metadata: { symbols: ["SYN1"] } });
    return Promise.resolve({ model_name: "example/1d_v1", more: 1 });
  });
  expect(result).toEqual({ model_name: "example/1d_v1", more: 1 });
  expect(store.get(id)).toMatchObject({
    status: "completed",
    result_summary: { model_name: "example/1d_v1" },
    address: null,
    error: null,
  });
});

test.each([
  ["cancelled", new CancelledError(), null],
  ["failed", new DiskFullError("/x", null), "DISK_FULL"],
  ["failed", new TypeError("a bug"), "INTERNAL"],
])("work that throws is recorded as %s, and its error comes through", async (status, error, code) => {
  const store = openStore();
  const request = { store, type: "training", metadata: {}, cancel: () => undefined };
  await expect(runOperation(request, () => Promise.reject(error))).rejects.toBe(error);
  const [record] = store.list();
  expect(record.status).toBe(status);
  expect(record.error).toEqual(code === null ? null : { code, message: error.message });
});

test("an error of the work is not hidden by a record that cannot be written", async () => {
  const store = openStore();
  const request = { store, type: "training", metadata: {}, cancel: () => undefined };
  const error = new Error("of the work");
  const work = (): Promise<never> => {
    vi.spyOn(store, "finish").mockImplementation(() => {
      throw new DiskFullError("operations.db", null);
    });
    return Promise.reject(error);
  };
  await expect(runOperation(request, work)).rejects.toBe(error);
});

test("only this user can reach the socket, and it is gone afterwards", async () => {
  const { address, complete, result } = await startRun(openStore());
  if (process.platform !== "win32") {
    expect(statSync(dirname(address)).mode & 0o777).toBe(0o700);
    expect(Buffer.byteLength(address)).toBeLessThanOrEqual(103);
  }
  complete();
  await result;
  expect(existsSync(dirname(address))).toBe(false);
});

test.skipIf(process.platform === "win32")("a long name of the temporary folder does not matter", async () => {
  const store = openStore();
  vi.stubEnv("TMPDIR", join(temporaryFolder(), "x".repeat(100)));
  onTestFinished(() => void vi.unstubAllEnvs());
  const { address, complete, result } = await startRun(store);
  expect(Buffer.byteLength(address)).toBeLessThanOrEqual(103);
  complete();
  await result;
});

test.skipIf(process.platform === "win32")("a temporary folder that does not exist is named", async () => {
  const store = openStore();
  vi.stubEnv("TMPDIR", "/nowhere");
  onTestFinished(() => void vi.unstubAllEnvs());
  const request = { store, type: "training", metadata: {}, cancel: () => undefined };
  await expect(runOperation(request, () => Promise.resolve())).rejects.toThrow(/in "\/nowhere" \(ENOENT\)/);
});

test("a cancel returns when the final state is stored; the request is on record", async () => {
  const store = openStore();
  const { run, cancel, result } = await startRun(store);
  const { record, latencyMs } = await cancelOperation(store, run.id);
  expect(record.status).toBe("cancelled");
  expect(record.cancel_requested_at).not.toBeNull();
  expect(latencyMs).toBeGreaterThan(0);
  expect(cancel).toHaveBeenCalledTimes(1);
  await expect(result).rejects.toThrow(CancelledError);
});

test("several that cancel at once all get the answer", async () => {
  const store = openStore();
  const { run } = await startRun(store);
  const outcomes = await Promise.all(Array.from({ length: 8 }, () => cancelOperation(store, run.id)));
  expect(outcomes.map(({ record }) => record.status)).toEqual(Array(8).fill("cancelled"));
});

test("a cancel from within, as by Ctrl-C, is on record too", async () => {
  const store = openStore();
  const { run, cancel, result } = await startRun(store);
  run.cancel();
  expect(cancel).toHaveBeenCalledTimes(1);
  await expect(result).rejects.toThrow(CancelledError);
  expect(store.get(run.id).cancel_requested_at).not.toBeNull();
});

test("a cancel that comes too late says how the run ended", async () => {
  const store = openStore();
  const { run, cancel, complete } = await startRun(store);
  cancel.mockImplementation(complete);
  expect((await cancelOperation(store, run.id)).record.status).toBe("completed");
  await expect(cancelOperation(store, run.id)).rejects.toThrow(OperationFinishedError);
  expect(store.get(run.id).status).toBe("completed");
});

test("a watcher gets the newest reports first, then every one, and the final record", async () => {
  const store = openStore();
  const { run, complete } = await startRun(store);
  run.publish({ type: "phase", phase: "loading_data" });
  run.publish({ type: "phase", phase: "training" });
  run.publish(epoch);
  const events: TrainingProgress[] = [];
  const caughtUp = deferred();
  const watching = watchOperation(store, run.id, (event) => {
    events.push(event);
    if (events.length === 2) caughtUp.resolve();
  });
  await caughtUp.promise;
  for (let n = 2; n <= 50; n++) run.publish({ ...epoch, epoch: n });
  complete();
  expect((await watching).status).toBe("completed");
  expect(events[0]).toEqual({ type: "phase", phase: "training" });
  expect(events.slice(1)).toEqual(Array.from({ length: 50 }, (_, i) => ({ ...epoch, epoch: i + 1 })));
  expect((await watchOperation(store, run.id, () => expect.fail("it is over"))).status).toBe("completed");
});

test("an error of the listener reaches who watches, and not the run", async () => {
  const store = openStore();
  const { run, complete, result } = await startRun(store);
  run.publish(epoch);
  const listener = (): void => {
    throw new Error("of the listener");
  };
  await expect(watchOperation(store, run.id, listener)).rejects.toThrow("of the listener");
  complete();
  expect(await result).toBe("done");
});

test("watchers that never read, vanish or talk nonsense cost the run neither time nor memory", async () => {
  const { run, address, complete, result } = await startRun(openStore());
  const sockets = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const socket: Socket = connect(address);
      socket.on("error", () => undefined);
      await once(socket, "connect");
      return socket;
    }),
  );
  const [silent, vanishing, nonsense, endless] = sockets;
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  for (const socket of [silent, vanishing]) {
    const subscribed = once(socket, "data");
    run.publish({ type: "phase", phase: "training" });
    socket.write('{"type":"watch"}\n');
    await subscribed;
    socket.pause();
  }
  nonsense.write("GET / HTTP/1.1\r\n\r\n");
  endless.write("x".repeat(200_000));
  await Promise.all([closed(nonsense), closed(endless)]);
  vanishing.destroy();
  const before = process.memoryUsage().external + process.memoryUsage().heapUsed;
  for (let n = 0; n < 50_000; n++) run.publish({ ...epoch, epoch: n }); // some 8 MB of lines
  const grown = process.memoryUsage().external + process.memoryUsage().heapUsed - before;
  expect(grown, "unread lines are dropped").toBeLessThan(64e6);
  complete();
  expect(await result).toBe("done");
});

/** Resolves when a socket is closed, by an error or not. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().on("close", () => resolve()));
}

test("nothing is left in the temporary folder", async () => {
  const folder = temporaryFolder();
  const store = openStore();
  vi.stubEnv("TMPDIR", folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const { run, result } = await startRun(store);
  expect(readdirSync(folder)).toHaveLength(1);
  run.cancel();
  await expect(result).rejects.toThrow(CancelledError);
  expect(readdirSync(folder)).toEqual([]);
});
