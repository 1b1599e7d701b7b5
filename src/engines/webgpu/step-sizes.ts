import type { OptimizerSpec } from "../engine.js";
import type { DispatchRecord } from "./shaders/record.js";

/**
 * What the optimizer is told at each step. Adam's bias corrections are made here in float64: 1 - beta2^t cancels in float32 and
 * would shift the loss by 2e-4.
 */
export class StepSizes {
  readonly #optimizer: OptimizerSpec;
  /** Steps done, and the powers of Adam's betas after them. */
  #step = 0;
  #power1 = 1;
  #power2 = 1;

  constructor(optimizer: OptimizerSpec) {
    this.#optimizer = optimizer;
  }

  /** Figures of the step to come. */
  next(learningRate: number): Pick<DispatchRecord, "step" | "rate" | "correction" | "shrink"> {
    const o = this.#optimizer;
    if (o.type !== "adam" && o.type !== "adamw") {
      return { step: this.#step, rate: learningRate, correction: 1, shrink: 1 };
    }
    return {
      step: this.#step,
      rate: learningRate / (1 - this.#power1 * o.beta1),
      correction: Math.sqrt(1 - this.#power2 * o.beta2),
      shrink: o.type === "adamw" ? 1 - learningRate * o.weightDecay : 1,
    };
  }

  /** That step was handed to the device. */
  advance(): void {
    const o = this.#optimizer;
    this.#step++;
    if (o.type !== "adam" && o.type !== "adamw") return;
    this.#power1 *= o.beta1;
    this.#power2 *= o.beta2;
  }

  startAfresh(): void {
    this.#step = 0;
    this.#power1 = 1;
    this.#power2 = 1;
  }
}
