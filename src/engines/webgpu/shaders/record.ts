/** Bytes of a record in a shader: what one dispatch is told, beside its buffers. */
export const recordBytes = 80;

/** What changes from dispatch to dispatch; everything else is a constant of its shader. */
export interface DispatchRecord {
  /** Where in the order, or in the samples, the batch begins. */
  readonly position: number;
  /** Samples of the batch. */
  readonly rows: number;
  /** Optimizer updates done before this batch. */
  readonly step: number;
  /** First tile of this dispatch: a large product is cut into several. */
  readonly base: number;
  /** Where the batch's partial sums go. */
  readonly result: number;
  /** First byte of the layer's given dropout mask, plus 1; 0 for the engine's own. */
  readonly mask: number;
  /** Column that is read from other rows, plus 1; 0 for none. */
  readonly permuted: number;
  /** Batches of this dispatch, where it does whole ones. */
  readonly batches: number;
  /** The linear layer: its inputs and outputs, and where its weights [outputs × inputs] and then its bias stand among all parameters. */
  readonly inputs: number;
  readonly outputs: number;
  readonly offset: number;
  /** Its place among the hidden layers, from 0, and what dropout masks depend on besides step, layer and element. */
  readonly layer: number;
  readonly dropKey: number;
  /** Sum of the batch's class weights; its rows where there are none. */
  readonly total: number;
  /** Adam's step size, or the learning rate. */
  readonly rate: number;
  /** Square root of Adam's second bias correction. */
  readonly correction: number;
  /** What AdamW leaves of a weight. */
  readonly shrink: number;
}

/** Its type in a shader. */
const structWgsl = /* wgsl */ `
struct DispatchRecord {
  position: u32, rows: u32, step: u32, base: u32,
  result: u32, mask: u32, permuted: u32, batches: u32,
  inputs: u32, outputs: u32, offset: u32, layer: u32,
  total: f32, rate: f32, correction: f32, shrink: f32,
  dropKey: u32,
}`;

/** Declaration of the record in a shader. */
export const recordWgsl = /* wgsl */ `${structWgsl}
@group(1) @binding(0) var<uniform> record: DispatchRecord;
`;

/** In a shader that fills in a record of its own for each batch: the dispatch's own one has another name. */
export const ownRecordWgsl = /* wgsl */ `${structWgsl}
@group(1) @binding(0) var<uniform> dispatch: DispatchRecord;
var<private> record: DispatchRecord;
`;

/** A record with nothing in it. */
export const emptyRecord: DispatchRecord = {
  position: 0,
  rows: 0,
  step: 0,
  base: 0,
  result: 0,
  mask: 0,
  permuted: 0,
  batches: 0,
  inputs: 0,
  outputs: 0,
  offset: 0,
  layer: 0,
  dropKey: 0,
  total: 1,
  rate: 0,
  correction: 1,
  shrink: 1,
};

/** Writes a record where a shader will read it. */
export function writeRecord(record: DispatchRecord, at: DataView, offset: number): void {
  const { position, rows, step, base, result, mask, permuted, batches } = record;
  const { inputs, outputs, offset: first, layer, dropKey } = record;
  [position, rows, step, base, result, mask, permuted, batches, inputs, outputs, first, layer].forEach(
    (value, k) => at.setUint32(offset + 4 * k, value, true),
  );
  const { total, rate, correction, shrink } = record;
  [total, rate, correction, shrink].forEach((value, k) => at.setFloat32(offset + 48 + 4 * k, value, true));
  at.setUint32(offset + 64, dropKey, true);
}
