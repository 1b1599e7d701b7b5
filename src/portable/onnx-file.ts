import type { Architecture } from "../training/index.js";
import type { Weights } from "../engines/index.js";
import { classNames } from "../labels/index.js";
import { addFuzzyLayer } from "./fuzzy-layer.js";
import { goldenRowsSchema, type GoldenRow } from "./golden.js";
import { metadataField, OnnxGraph } from "./graph.js";
import type { PortableInput, PortableLayout } from "./inputs.js";
import { addNetwork } from "./network-layer.js";
import { lengthFields, ProtobufError } from "./protobuf.js";

/** What a portable model is made of. */
export interface PortableModel {
  /** Of the strategy. */
  readonly name: string;
  readonly layout: PortableLayout;
  readonly activation: Architecture["activation"];
  readonly weights: Weights;
  readonly golden: readonly GoldenRow[];
  /** Version of this package. */
  readonly producerVersion: string;
}

/** Name of the result: float32 [batch, 3], in the order of `class_names`. */
export const outputName = "probabilities";

const doc =
  "Neuro-fuzzy trading model. Inputs: indicator values, and prices where a transform needs them, float64 [batch, 1]. " +
  "Output: probabilities of the classes in class_names, float32 [batch, 3]; NaN for a row with a missing input.";

/** An ONNX file with everything in it: memberships in float64, network in float32, names and golden rows as metadata. */
export function encodeOnnx({
  name,
  layout,
  activation,
  weights,
  golden,
  producerVersion,
}: PortableModel): Uint8Array {
  const graph = new OnnxGraph(outputName);
  const memberships = addFuzzyLayer(graph, layout);
  addNetwork(graph, memberships, activation, weights, outputName);
  const metadata = {
    class_names: JSON.stringify(classNames),
    feature_names: JSON.stringify(layout.features),
    input_names: JSON.stringify(layout.inputs.map((input) => input.name)),
    inputs: JSON.stringify(layout.inputs),
    golden_rows: JSON.stringify(golden),
  };
  return graph.encode({ name, producerVersion, doc, metadata });
}

/** What an ONNX file of ours says about itself. */
export interface PortableMetadata {
  readonly classNames: readonly string[];
  readonly featureNames: readonly string[];
  readonly inputNames: readonly string[];
  readonly inputs: readonly PortableInput[];
  readonly goldenRows: readonly GoldenRow[];
}

/** An ONNX file without the metadata that ours have; the message says what is wrong, without a file name. */
export class PortableFileError extends Error {}

/** Reads the metadata of an ONNX file; the graph is left alone. @throws PortableFileError */
export function readOnnxMetadata(bytes: Uint8Array): PortableMetadata {
  const props = new Map<string, string>();
  const decoder = new TextDecoder();
  try {
    for (const entry of lengthFields(bytes, metadataField)) {
      const [[key], [value]] = [lengthFields(entry, 1), lengthFields(entry, 2)];
      props.set(decoder.decode(key), decoder.decode(value));
    }
  } catch (error) {
    if (error instanceof ProtobufError) throw new PortableFileError(`is not an ONNX file: ${error.message}`);
    throw error;
  }
  const json = (key: string): unknown => {
    try {
      return JSON.parse(props.get(key) ?? "");
    } catch {
      throw new PortableFileError(`has no ${key} in its metadata`);
    }
  };
  const golden = goldenRowsSchema.safeParse(json("golden_rows"));
  if (!golden.success) throw new PortableFileError("has golden rows of another form");
  return {
    classNames: json("class_names") as string[],
    featureNames: json("feature_names") as string[],
    inputNames: json("input_names") as string[],
    inputs: json("inputs") as PortableInput[],
    goldenRows: golden.data,
  };
}
