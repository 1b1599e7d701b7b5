import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createScheduler, type SchedulerSpec } from "./schedulers.js";

/** Learning rates of 60 epochs as PyTorch's schedulers gave them; see bench/pytorch/make_fixtures.py. */
interface Case {
  spec: SchedulerSpec;
  learningRate: number;
  losses: number[];
  rates: number[];
}

const file = new URL("../../fixtures/pytorch/schedules.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };

test.each(cases)("$spec: the learning rates of PyTorch", ({ spec, learningRate, losses, rates }) => {
  const scheduler = createScheduler(spec, learningRate);
  let rate = learningRate;
  losses.forEach((loss, epoch) => {
    // Both sides compute in float64; PyTorch's cosine goes from epoch to epoch, ours is the closed form.
    expect(Math.abs(rate - rates[epoch]), `epoch ${epoch + 1}`).toBeLessThan(1e-14);
    rate = scheduler.next(loss);
  });
});

test("without a scheduler the rate stays", () => {
  const scheduler = createScheduler(null, 0.01);
  expect([scheduler.next(1), scheduler.next(2)]).toEqual([0.01, 0.01]);
});
