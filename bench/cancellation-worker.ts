import { parentPort, workerData } from "node:worker_threads";
import type { ControlBlock } from "../src/index.js";
import { importBuilt } from "./built.js";
import { hashSamples } from "../test/networks.js";
import { learningRate, workloads } from "./workloads.js";

/** What the worker is to train with. */
export interface StopRequest {
  /** As `--engine` takes it. */
  readonly engine: string;
}

const { engine } = workerData as StopRequest;
const built = await importBuilt();
/** W3: 200,000 × 200, 200-[512,256,128]-3, batches of 1,024. */
const spec = { ...workloads[0].spec, inputs: 200, hidden: [512, 256, 128] };
const samples = hashSamples(200_000, spec.inputs);
const model = new built.MLPTradingModel(spec.inputs, spec);
const options = {
  ...built.toTrainingOptions(built.trainingSchema.parse({ epochs: 1, batch_size: 1024 })),
  optimizer: spec.optimizer,
  learningRate,
};
const trainer = new built.ModelTrainer(built.findEngine(engine), options, () => performance.now());

/** Trains until the block's flag is set, and says when it has begun and when it has stopped. */
function train(memory: ControlBlock): void {
  let begun = false;
  const progress = (): void => {
    if (!begun) parentPort?.postMessage("begun");
    begun = true;
  };
  try {
    trainer.fit(model, { train: samples, validation: null }, { progress, token: built.tokenOf(memory) });
    parentPort?.postMessage("finished");
  } catch (error) {
    if (!(error instanceof built.CancelledError)) throw error;
    parentPort?.postMessage("stopped");
  }
}

parentPort?.on("message", train);
parentPort?.postMessage("ready");
