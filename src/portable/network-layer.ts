import type { Activation, Weights } from "../engines/index.js";
import type { Attributes, OnnxGraph } from "./graph.js";

const operators: Readonly<Record<Activation, readonly [operator: string, attributes: Attributes]>> = {
  relu: ["Relu", {}],
  leaky_relu: ["LeakyRelu", { alpha: { float: 0.01 } }],
  tanh: ["Tanh", {}],
  sigmoid: ["Sigmoid", {}],
};

const toFloat32 = { to: { int: 1 } };
const alongRow = { axis: { int: 1 } };

/**
 * Adds the network in float32, dropout off: `memberships` [batch, features] in float64 become class probabilities
 * [batch, classes]. A row with a NaN among its memberships has NaN for every class, whatever the activation would make of it.
 */
export function addNetwork(
  graph: OnnxGraph,
  memberships: string,
  activation: Activation,
  weights: Weights,
  as: string,
): string {
  const features = graph.node("Cast", [memberships], "features", toFloat32);
  let x = features;
  weights.forEach(({ inputs, outputs, weight, bias }, l) => {
    const w = graph.float32(weight, [outputs, inputs], `layers.${l}.weight`);
    const b = graph.float32(bias, [outputs], `layers.${l}.bias`);
    const isLast = l === weights.length - 1;
    x = graph.node("Gemm", [x, w, b], isLast ? "logits" : `layers.${l}.sums`, { transB: { int: 1 } });
    const [operator, attributes] = operators[activation];
    if (!isLast) x = graph.node(operator, [x], `layers.${l}.values`, attributes);
  });
  const softmax = graph.node("Softmax", [x], "softmax", alongRow);
  // Degrees lie in 0..1, so their sum is NaN exactly where one of them is.
  const sum = graph.node("ReduceSum", [features, graph.indices([1], "row_axis")], "sum_of_features");
  const missing = graph.node("IsNaN", [sum], "has_missing_input");
  return graph.node("Where", [missing, sum, softmax], as);
}
