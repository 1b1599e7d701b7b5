import { Message } from "./protobuf.js";

/*
 * Numbers of fields and types are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto), IR version 8,
 * which goes with opset 17.
 */
const irVersion = 8;
const opset = 17;
const elementTypes = { float32: 1, int64: 7, float64: 11 } as const;
const attributeTypes = { float: 1, int: 2 } as const;

type ElementType = keyof typeof elementTypes;

/** A node's constants: whole numbers as `int`, others as `float`. */
export type Attributes = Readonly<Record<string, { readonly int: number } | { readonly float: number }>>;

/** A graph of operators of ONNX's default domain, in the order in which they are added. Values go by their names. */
export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #output: string;
  readonly #names: Set<string>;

  /** @param output name of the value that is the result, [batch, 3] in float32 */
  constructor(output: string) {
    this.#output = output;
    this.#names = new Set([output]);
  }

  /** A column to be given by the user, [batch, 1] in float64. */
  input(name: string, doc: string): string {
    this.#names.add(name);
    this.#inputs.push(valueInfo(name, "float64", 1, doc));
    return name;
  }

  /** An operator with one value, whose name is returned: `as`, or one made from it that is not taken yet. */
  node(operator: string, inputs: readonly string[], as: string, attributes: Attributes = {}): string {
    const output = as === this.#output ? as : this.#fresh(as);
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(3, output).text(4, operator);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new Message().text(1, name);
      if ("int" in value) attribute.int(3, value.int).int(20, attributeTypes.int);
      else attribute.float(2, value.float).int(20, attributeTypes.float);
      node.message(5, attribute);
    }
    this.#nodes.push(node);
    return output;
  }

  float64(values: readonly number[], as: string): string {
    const bytes = littleEndian(values.length, 8, (view, i) => view.setFloat64(8 * i, values[i], true));
    return this.#constant("float64", [values.length], bytes, as);
  }

  float32(values: Float32Array, shape: readonly number[], as: string): string {
    const bytes = littleEndian(values.length, 4, (view, i) => view.setFloat32(4 * i, values[i], true));
    return this.#constant("float32", shape, bytes, as);
  }

  /** Indices: whole numbers, 0 or more. */
  indices(values: readonly number[], as: string): string {
    const bytes = littleEndian(values.length, 8, (view, i) =>
      view.setBigInt64(8 * i, BigInt(values[i]), true),
    );
    return this.#constant("int64", [values.length], bytes, as);
  }

  #constant(type: ElementType, shape: readonly number[], bytes: Uint8Array, as: string): string {
    const name = this.#fresh(as);
    const tensor = new Message();
    for (const length of shape) tensor.int(1, length);
    this.#constants.push(tensor.int(2, elementTypes[type]).text(8, name).bytes(9, bytes));
    return name;
  }

  #fresh(as: string): string {
    let name = as;
    for (let k = 2; this.#names.has(name); k++) name = `${as}_${k}`;
    this.#names.add(name);
    return name;
  }

  /** The bytes of an ONNX file. */
  encode(about: {
    readonly name: string;
    readonly producerVersion: string;
    readonly doc: string;
    readonly metadata: Readonly<Record<string, string>>;
  }): Uint8Array {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, about.name);
    for (const constant of this.#constants) graph.message(5, constant);
    for (const input of this.#inputs) graph.message(11, input);
    graph.message(12, valueInfo(this.#output, "float32", 3, "class probabilities"));
    const model = new Message()
      .int(1, irVersion)
      .text(2, "ktrdr")
      .text(3, about.producerVersion)
      .text(6, about.doc)
      .message(7, graph)
      .message(8, new Message().text(1, "").int(2, opset));
    for (const [key, value] of Object.entries(about.metadata)) {
      model.message(metadataField, new Message().text(1, key).text(2, value));
    }
    return model.encode();
  }
}

/** Number of `metadata_props` in a model, whose entries have key 1 and value 2. */
export const metadataField = 14;

function valueInfo(name: string, type: ElementType, columns: number, doc: string): Message {
  const shape = new Message()
    .message(1, new Message().text(2, "batch"))
    .message(1, new Message().int(1, columns));
  const tensor = new Message().int(1, elementTypes[type]).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor)).text(3, doc);
}

function littleEndian(count: number, size: number, write: (view: DataView, i: number) => void): Uint8Array {
  const bytes = new Uint8Array(count * size);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) write(view, i);
  return bytes;
}
