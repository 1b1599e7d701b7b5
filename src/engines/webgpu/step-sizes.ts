import { power } from "../../core/index.js";
import type { OptimizerSpec } from "../engine.js";
import type { DispatchRecord } from "./shaders/record.js";

/**
 * What the optimizer is told at a step. Adam's bias corrections are made here in float64: 1 - beta2^t cancels in float32 and
 * would shift the loss by 2e-4.
 *
 * @param step steps done before it
 */
export function stepSizes(
  o: OptimizerSpec,
  step: number,
  learningRate: number,
): Pick<DispatchRecord, "step" | "rate" | "correction" | "shrink"> {
  if (o.type !== "adam" && o.type !== "adamw") return { step, rate: learningRate, correction: 1, shrink: 1 };
  return {
    step,
    rate: learningRate / (1 - power(o.beta1, step + 1)),
    correction: Math.sqrt(1 - power(o.beta2, step + 1)),
    shrink: o.type === "adamw" ? 1 - learningRate * o.weightDecay : 1,
  };
}
