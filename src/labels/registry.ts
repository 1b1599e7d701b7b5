import { UnknownNameError } from "../core/index.js";
import type { LabelType } from "./define.js";
import { forwardReturnLabel } from "./forward-return/forward-return.js";
import { tripleBarrierLabel } from "./triple-barrier/triple-barrier.js";
import { zigzagLabel } from "./zigzag/zigzag.js";
import { zigzagForwardLabel } from "./zigzag-forward/zigzag-forward.js";

/** A label type whose parameters' type is not known here; they come from its own schema. */
// oxlint-disable-next-line typescript/no-explicit-any -- parameters are contravariant: no other type takes every member
export type AnyLabelType = LabelType<any>;

/** Every label type by its name. */
export const labelTypes: Readonly<Record<string, AnyLabelType>> = {
  zigzag: zigzagLabel,
  zigzag_forward: zigzagForwardLabel,
  triple_barrier: tripleBarrierLabel,
  forward_return: forwardReturnLabel,
};

/** Names of the label types, in the registry's order. */
export const labelNames: readonly string[] = Object.keys(labelTypes);

/** No label type has this name. */
export class UnknownLabelTypeError extends UnknownNameError {
  readonly code = "UNKNOWN_LABEL_TYPE";
  readonly label: string;

  constructor(label: string) {
    super("label type", label, labelNames);
    this.label = label;
  }
}

/** The label type of this name; case does not matter, nor `-` for `_`. @throws UnknownLabelTypeError */
export function findLabelType(name: string): AnyLabelType {
  const wanted = name.toLowerCase().replaceAll("-", "_");
  if (!Object.hasOwn(labelTypes, wanted)) throw new UnknownLabelTypeError(name);
  return labelTypes[wanted];
}

/** A label type's parameters with their defaults, in the schema's order. */
export function labelParametersOf(type: AnyLabelType): { name: string; default: string | number }[] {
  const defaults = type.schema.parse({}) as Record<string, string | number>;
  return Object.entries(defaults).map(([name, value]) => ({ name, default: value }));
}
