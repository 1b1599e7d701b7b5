import cliProgress from "cli-progress";
import { phaseTexts } from "../core/index.js";
import type { ProgressBridge } from "../orchestration/index.js";
import { note } from "./io.js";

/** A bridge that shows a run on stderr, and how to take it down at the end. */
export interface TrainDisplay extends ProgressBridge {
  stop(): void;
}

function phaseText(progress: Parameters<ProgressBridge["onPhase"]>[0]): string {
  const { phase, symbol, symbolIndex, symbols } = progress;
  const which =
    symbol === undefined ? "" : ` ${symbol}${symbols === 1 ? "" : ` (${symbolIndex}/${symbols})`}`;
  return `${phaseTexts[phase]}${which}`;
}

const fixed = (value: number | null, digits = 4): string => (value === null ? "-" : value.toFixed(digits));

/** One plain line per phase and per epoch. */
function lineDisplay(): TrainDisplay {
  return {
    onPhase: (progress) => note(phaseText(progress)),
    onBatch: () => undefined,
    onEpoch: ({ epoch, epochs, trainLoss, validLoss, validAccuracy, learningRate }) => {
      const valid =
        validLoss === null ? "" : ` val_loss ${fixed(validLoss)} val_accuracy ${fixed(validAccuracy, 3)}`;
      note(
        `Epoch ${epoch}/${epochs} loss ${fixed(trainLoss)}${valid} lr ${Number(learningRate.toPrecision(4))}`,
      );
    },
    stop: () => undefined,
  };
}

const clearLine = "\r\u001b[K";

/** One line, redrawn in place: the phase, then epoch, batch, losses and time left. It leaves nothing behind. */
function barDisplay(): TrainDisplay {
  const bar = new cliProgress.SingleBar({
    format: "{what} {bar} {percentage}%  {detail}  ETA {eta_formatted}",
    barCompleteChar: "█",
    barIncompleteChar: "░",
    // The rest of the line takes some 70 columns.
    barsize: Math.max(8, Math.min(24, (process.stderr.columns || 80) - 70)),
    clearOnComplete: true,
    hideCursor: true,
    stream: process.stderr,
    fps: 20,
    etaBuffer: 50,
  });
  let running = false;
  let batchesPerEpoch = 0;
  let trained = "";
  let validated = "";
  const stopBar = (): void => {
    if (running) bar.stop();
    running = false;
  };
  const show = (epoch: number, epochs: number, done: number): void => {
    const payload = { what: `Epoch ${epoch}/${epochs}`, detail: trained + validated };
    if (running) {
      bar.update(done, payload);
    } else {
      process.stderr.write(clearLine);
      bar.start(epochs * batchesPerEpoch, done, payload);
    }
    running = true;
  };
  return {
    onPhase: (progress) => {
      stopBar();
      if (progress.phase !== "training") process.stderr.write(`${clearLine}${phaseText(progress)} ...`);
    },
    onBatch: ({ epoch, epochs, batch, batches, loss }) => {
      batchesPerEpoch = batches;
      trained = `batch ${batch}/${batches}  loss ${fixed(loss)}`;
      show(epoch, epochs, (epoch - 1) * batches + batch);
    },
    onEpoch: ({ epoch, epochs, validLoss }) => {
      if (validLoss !== null) validated = `  val_loss ${fixed(validLoss)}`;
      if (running) show(epoch, epochs, epoch * batchesPerEpoch);
    },
    stop: () => {
      stopBar();
      process.stderr.write(clearLine);
    },
  };
}

/** The display that fits stderr: redrawn in place on a terminal, else plain lines. */
export function createTrainDisplay(): TrainDisplay {
  return process.stderr.isTTY && !process.env["NO_COLOR"] ? barDisplay() : lineDisplay();
}
