import fc from "fast-check";
import { expect, test } from "vitest";
import { createControlBlock, readSnapshot, type TrainingProgress } from "../core/index.js";
import { createReporter, createReportReader, type ProgressMessage } from "./reporter.js";

const epochs = 100_000;

const epochReport = (epoch: number): TrainingProgress => ({
  type: "epoch",
  epoch,
  epochs,
  trainLoss: 1 / epoch,
  trainAccuracy: 0.5,
  validLoss: epoch % 2 === 0 ? null : 2 / epoch,
  validAccuracy: epoch % 2 === 0 ? null : 0.25,
  learningRate: 0.001,
});

const batchReport = (epoch: number, batch: number): TrainingProgress => ({
  type: "batch",
  epoch,
  epochs,
  batch,
  batches: 1000,
  loss: epoch + batch / 1000,
  accuracy: 0.5,
});

/** A reporter and its reader, whose messages wait until they are delivered. */
function channel() {
  const memory = createControlBlock();
  const waiting: ProgressMessage[] = [];
  const clock = { ms: 0 };
  const sent = { messages: 0 };
  const reporter = createReporter(
    memory,
    (message) => {
      sent.messages++;
      waiting.push(message);
    },
    () => clock.ms,
  );
  const read = createReportReader(memory);
  const heard: TrainingProgress[] = [];
  const deliver = (count = Infinity): void => {
    for (const message of waiting.splice(0, count)) heard.push(...read(message));
  };
  return { memory, reporter, clock, waiting, sent, heard, deliver };
}

/** What happens on the two threads: some epochs of so many batches, a phase, time that passes, messages that arrive. */
const happenings = fc.array(
  fc.oneof(
    fc.record({ epochs: fc.integer({ min: 1, max: 3 }), batches: fc.integer({ min: 0, max: 5 }) }),
    fc.record({ epochs: fc.integer({ min: 500, max: 3000 }), batches: fc.constant(0) }),
    fc.constant("phase" as const),
    fc.record({ ms: fc.integer({ min: 1, max: 300 }) }),
    fc.record({ messages: fc.integer({ min: 1, max: 3 }) }),
  ),
  { maxLength: 40 },
);

test("every phase and epoch is heard once and in order, however late messages are read; batches never come late or twice", () => {
  fc.assert(
    fc.property(happenings, (list) => {
      const { reporter, clock, heard, deliver } = channel();
      const told: TrainingProgress[] = [];
      let epoch = 1;
      for (const happening of list) {
        if (happening === "phase") {
          told.push({ type: "phase", phase: "training", samples: told.length });
          reporter.listener(told[told.length - 1]);
        } else if ("ms" in happening) clock.ms += happening.ms;
        else if ("messages" in happening) deliver(happening.messages);
        else {
          for (const end = epoch + happening.epochs; epoch < end; epoch++) {
            for (let batch = 1; batch <= happening.batches; batch++) {
              const { listener } = reporter;
              if (batch % 2 === 0) listener(batchReport(epoch, batch));
              else listener.batch?.(epoch, epochs, batch, 1000, epoch + batch / 1000, 0.5);
            }
            told.push(epochReport(epoch));
            reporter.listener(told[told.length - 1]);
          }
        }
      }
      reporter.flush();
      deliver();
      expect(heard.filter(({ type }) => type !== "batch")).toEqual(told);
      let [last, batch] = [0, 0];
      for (const event of heard) {
        if (event.type === "epoch") [last, batch] = [event.epoch, 0];
        if (event.type !== "batch") continue;
        expect(event).toEqual(batchReport(event.epoch, event.batch));
        expect(event.epoch, "the epoch under way").toBe(last + 1);
        expect(event.batch, "newer than what was heard").toBeGreaterThan(batch);
        ({ batch } = event);
      }
    }),
    { numRuns: 200 },
  );
});

test("the first batch is told at once, later ones after 200 ms, and the one that is heard is the newest", () => {
  const { reporter, clock, waiting, heard, deliver } = channel();
  reporter.listener({ type: "phase", phase: "training" });
  reporter.listener(batchReport(1, 1));
  expect(waiting.length).toBe(3); // the first says where epochs will be
  deliver();
  expect(heard).toEqual([{ type: "phase", phase: "training" }, batchReport(1, 1)]);
  for (let batch = 2; batch < 200; batch++) {
    clock.ms += 2;
    reporter.listener(batchReport(1, batch));
  }
  expect(waiting.length).toBe(1);
  deliver();
  expect(heard.slice(2)).toEqual([batchReport(1, 199)]);
});

test("a report costs no message of its own: so many epochs a second make five", () => {
  const { reporter, clock, sent, heard, deliver } = channel();
  for (let epoch = 1; epoch <= 20_000; epoch++) {
    clock.ms += 0.05;
    reporter.listener(epochReport(epoch));
    if (epoch % 100 === 0) deliver();
  }
  reporter.flush();
  deliver();
  expect(heard.length).toBe(20_000);
  // One of each 200 ms, one at the end, and those that say where the epochs are: at first, and in larger rings.
  expect(sent.messages).toBeLessThanOrEqual(10);
});

test("where nobody listens the control block alone is written", () => {
  const memory = createControlBlock();
  const reporter = createReporter(memory, null, () => 0);
  reporter.listener({ type: "phase", phase: "training" });
  reporter.listener(epochReport(1));
  reporter.listener(batchReport(2, 7));
  reporter.flush();
  expect(readSnapshot(memory)).toMatchObject({ phase: "training", epoch: 2, batch: 7 });
});
