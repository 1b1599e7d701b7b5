// A process with operations: <file of operations> <what it does>.
//   create N  waits for a line on stdin, then records N operations and ends them
//   run       runs an operation that reports an epoch every 5 ms until it is asked to stop
//   stubborn  the same, but never stops
import { once } from "node:events";
import { CancelledError } from "../../src/core/index.js";
import { OperationStore, runOperation } from "../../src/operations/index.js";

const [file, what, count] = process.argv.slice(2);

async function create(): Promise<void> {
  process.stdout.write("ready\n");
  await once(process.stdin, "data");
  const store = new OperationStore(file);
  for (let i = 0; i < Number(count); i++) {
    const id = store.create("training", { i });
    store.start(id);
    store.finish(id, { status: "completed" });
    process.stdout.write(`${id}\n`);
  }
  store.close();
  process.stdin.destroy();
}

async function run(): Promise<void> {
  const store = new OperationStore(file);
  const stop = new AbortController();
  const epochs = {
    epochs: 1000,
    trainLoss: 1,
    trainAccuracy: 0.5,
    validLoss: 1,
    validAccuracy: 0.5,
    learningRate: 0.1,
  };
  const request = { store, type: "training", metadata: { symbols: ["SYN1"] }, cancel: () => stop.abort() };
  await runOperation(request, (operation) => {
    process.stdout.write(`${operation.id}\n`);
    operation.publish({ type: "phase", phase: "training" });
    let epoch = 0;
    const timer = setInterval(() => operation.publish({ type: "epoch", epoch: ++epoch, ...epochs }), 5);
    return new Promise((_, reject) => {
      if (what === "stubborn") return;
      stop.signal.addEventListener("abort", () => {
        clearInterval(timer);
        reject(new CancelledError());
      });
    });
  }).catch((error: unknown) => process.stdout.write(`${String(error)}\n`));
  store.close();
}

await (what === "create" ? create() : run());
