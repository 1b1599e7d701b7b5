import type { OptimizerSpec } from "../engine.js";

const f = Math.fround;

/** The smallest number that float32 holds with its full precision, 2^-126. */
const smallest = 1.1754943508222875e-38;

/**
 * Optimizer state below the smallest normal float32 is 0: far too small to move a weight, it would never decay to 0 by rounding, and
 * processors take a hundred cycles for each operation on such a number. Means that decay leave them behind where gradients become 0.
 * NaN stays.
 */
function settled(x: number): number {
  return Math.abs(x) < smallest ? 0 : x;
}

/** Updates parameters from gradients; both flat, [all weights and biases]. */
export interface Optimizer {
  step(parameters: Float32Array, gradients: Float32Array, learningRate: number): void;
}

/**
 * Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019) in PyTorch's order of operations. Adam adds the weight
 * decay to the gradient; AdamW shrinks the weights by it. The bias corrections are float64: 1 - beta2^t cancels in
 * float32 and would shift the loss by 2e-4.
 */
function createAdam(
  { type, weightDecay, beta1, beta2, epsilon }: Extract<OptimizerSpec, { type: "adam" | "adamw" }>,
  size: number,
): Optimizer {
  const mean = new Float32Array(size);
  const square = new Float32Array(size);
  const [meanShare, squareShare, decay, eps] = [f(1 - beta1), f(1 - beta2), f(weightDecay), f(epsilon)];
  const [keptMean, keptSquare] = [f(beta1), f(beta2)];
  let [power1, power2] = [1, 1]; // beta^t
  return {
    step(parameters, gradients, learningRate) {
      power1 *= beta1;
      power2 *= beta2;
      const stepSize = f(learningRate / (1 - power1));
      const correction = f(Math.sqrt(1 - power2));
      const shrink = type === "adamw" ? f(1 - learningRate * weightDecay) : 1;
      const l2 = type === "adam" ? decay : 0;
      for (let i = 0; i < size; i++) {
        const p = f(parameters[i] * shrink);
        const g = f(gradients[i] + f(l2 * p));
        const m = settled(f(f(keptMean * mean[i]) + f(meanShare * g)));
        const v = settled(f(f(keptSquare * square[i]) + f(f(squareShare * g) * g)));
        mean[i] = m;
        square[i] = v;
        parameters[i] = p - f(stepSize * f(m / f(f(f(Math.sqrt(v)) / correction) + eps)));
      }
    },
  };
}

/** Stochastic gradient descent with PyTorch's momentum: the first step starts the buffer with the gradient itself. */
function createSgd(
  { weightDecay, momentum }: Extract<OptimizerSpec, { type: "sgd" }>,
  size: number,
): Optimizer {
  // From a buffer of zeros, momentum * 0 + g is that first step.
  const buffer = new Float32Array(size);
  const [decay, kept] = [f(weightDecay), f(momentum)];
  return {
    step(parameters, gradients, learningRate) {
      const rate = f(learningRate);
      for (let i = 0; i < size; i++) {
        const g = f(gradients[i] + f(decay * parameters[i]));
        buffer[i] = settled(f(f(kept * buffer[i]) + g));
        parameters[i] -= f(rate * buffer[i]);
      }
    },
  };
}

/** RMSprop (Hinton, lecture 6e, 2012) in PyTorch's order: epsilon is added after the root. */
function createRmsprop(
  { weightDecay, alpha, epsilon }: Extract<OptimizerSpec, { type: "rmsprop" }>,
  size: number,
): Optimizer {
  const square = new Float32Array(size);
  const [decay, kept, share, eps] = [f(weightDecay), f(alpha), f(1 - alpha), f(epsilon)];
  return {
    step(parameters, gradients, learningRate) {
      const rate = f(learningRate);
      for (let i = 0; i < size; i++) {
        const g = f(gradients[i] + f(decay * parameters[i]));
        const v = settled(f(f(kept * square[i]) + f(f(share * g) * g)));
        square[i] = v;
        parameters[i] -= f(rate * f(g / f(f(Math.sqrt(v)) + eps)));
      }
    },
  };
}

/** The optimizer of a specification with fresh state for `size` parameters. */
export function createOptimizer(spec: OptimizerSpec, size: number): Optimizer {
  switch (spec.type) {
    case "adam":
    case "adamw":
      return createAdam(spec, size);
    case "sgd":
      return createSgd(spec, size);
    case "rmsprop":
      return createRmsprop(spec, size);
  }
}

/**
 * Scales gradients so that their L2 norm is at most `limit` (PyTorch's `clip_grad_norm_`, its 1e-6 included). With a
 * norm that is not finite they become NaN where they are infinite: a divergence shows.
 */
export function clipGradients(gradients: Float32Array, limit: number): void {
  let sum = 0;
  for (let i = 0; i < gradients.length; i++) sum += gradients[i] * gradients[i];
  const factor = f(limit / (Math.sqrt(sum) + 1e-6));
  if (factor >= 1) return;
  for (let i = 0; i < gradients.length; i++) gradients[i] *= factor;
}
