// How a network lies in memory.
//
// Matrices are cut into panels of 8 columns, so that all three products of a layer stream through memory:
//   activations and their gradients  [column / 8][row][8], panels `stride` bytes apart;
//   weights                          [output / 8][input][8];
//   weights turned, for the gradient of a layer's inputs  [input / 8][output][8].
// Places that belong to no column, row or input hold 0 and keep it. The caller allocates everything and hands the
// addresses over; nothing is allocated here.

/** Columns in a panel. */
export const WIDTH: i32 = 8;
/** Bytes of one row of a panel. */
export const ROW: usize = 32;
/** Layers of a network at most. */
export const MAX_LAYERS: i32 = 65;

/** A linear layer. */
@unmanaged
export class Layer {
  inputs: i32;
  outputs: i32;
  /** Rows of a weight panel: `inputs`, rounded up to 4. */
  weightRows: i32;
  /** Panels of 8 outputs. */
  panels: i32;
  /** Parameters, gradients and the two states of the optimizer; in each the weight panels, then the biases. */
  parameters: usize;
  gradients: usize;
  first: usize;
  second: usize;
  /** Turned weights; 0 for the first layer. */
  turned: usize;
  /** Of a batch: activations, their slopes (0 where `output` tells them) and d loss / d z. */
  output: usize;
  slope: usize;
  delta: usize;

  /** Bytes of a weight panel. */
  @inline get panelBytes(): usize {
    return <usize>this.weightRows * ROW;
  }
  /** Bytes of all weight panels, after which the biases begin. */
  @inline get weightBytes(): usize {
    return <usize>this.panels * this.panelBytes;
  }
}

/** A network, shared by all threads that work on it. */
@unmanaged
export class Net {
  layers: i32;
  inputs: i32;
  outputs: i32;
  /** 0 ReLU, 1 leaky ReLU, 2 tanh, 3 sigmoid. */
  activation: i32;
  /** 0 Adam, 1 AdamW, 2 SGD, 3 RMSprop. */
  optimizer: i32;
  /** Hashes up to this drop a unit; read only if `keepScale` is not 0. */
  dropLimit: u32;
  /** 1 / (1 - dropout); 0: no dropout. */
  keepScale: f32;
  dropKey: i32;
  /** Given masks for one batch: [rows × units] bytes of each hidden layer, one after the other; 0: none. */
  masks: usize;
  /** [outputs] float32; 0: none. */
  classWeights: usize;
  /** -1: cross-entropy; else the gamma of the focal loss. */
  gamma: f64;
  /** 0: off. */
  clip: f64;
  learningRate: f64;
  weightDecay: f64;
  beta1: f64;
  beta2: f64;
  epsilon: f64;
  /** beta1^t, beta2^t. */
  power1: f64;
  power2: f64;
  /** Updates done. */
  steps: i32;

  // The batch or chunk under way.
  /** Row-major [rows × inputs] float32, labels [rows], order of visit [rows] of uint32 (0: as they lie). */
  samples: usize;
  labels: usize;
  order: usize;
  rows: i32;
  /** Inputs of the batch in panels; bytes between panels of all batch buffers. */
  x: usize;
  stride: usize;
  /** Loss of each row, [rows] float64. */
  rowLoss: usize;
  correct: i32;
  /** Sum of the class weights of the batch. */
  weightTotal: f64;
  gradientFactor: f32;
  stepSize: f32;
  correction: f32;
  shrink: f32;
  /** Inference: probabilities [rows × outputs] float32, 0: not asked for. */
  probabilities: usize;
  /** Inference: the column that is read from the rows in `permuted`; -1: none. */
  column: i32;
  permuted: usize;

  // Threads.
  /** Helpers that have registered. */
  ready: i32;
  /** Counts up by 64 with each piece of work; its low 6 bits are the number of helpers that take part. */
  command: i32;
  /** 1 a training step, 2 inference. */
  work: i32;
  /** Next unit of the phase under way. */
  next: i32;
  arrived: i32;
  generation: i32;
  /** Set when a stop was seen. */
  stopped: i32;
  /** Whether the batch under way is given up; written by the leader between barriers only. */
  givenUp: i32;

  /** float64 [4] of the last call: sum of losses, batches, samples, hits. */
  results: usize;

  @inline layer(l: i32): Layer {
    return changetype<Layer>(changetype<usize>(this) + NET_BYTES + <usize>l * LAYER_BYTES);
  }
}

const NET_BYTES: usize = 384;
const LAYER_BYTES: usize = 64;

/** Bytes of a network's description. */
export function descriptionBytes(): usize {
  // Checked while compiling; an assertion would not be in the build.
  if (offsetof<Net>() > NET_BYTES || offsetof<Layer>() > LAYER_BYTES) ERROR("a description is larger than its place");
  return NET_BYTES + <usize>MAX_LAYERS * LAYER_BYTES;
}
