import * as z from "zod";
import { didYouMean, nearestName } from "../core/index.js";
import { bellType } from "./bell/bell.js";
import type { MembershipType } from "./define.js";
import { gaussianType } from "./gaussian/gaussian.js";
import { sigmoidType } from "./sigmoid/sigmoid.js";
import { trapezoidalType } from "./trapezoidal/trapezoidal.js";
import { triangularType } from "./triangular/triangular.js";

/** All membership types by name, in documentation order. */
export const membershipTypes = {
  triangular: triangularType,
  trapezoidal: trapezoidalType,
  gaussian: gaussianType,
  bell: bellType,
  sigmoid: sigmoidType,
} satisfies Record<string, MembershipType>;

/** The canonical name of a membership type. */
export type MembershipTypeName = keyof typeof membershipTypes;

const canonical = (name: string): string => name.toLowerCase().replaceAll(/[_-]/g, "");

const byAnyName = new Map<string, MembershipTypeName>();
for (const [name, type] of Object.entries(membershipTypes)) {
  for (const alias of [name, ...type.aliases]) byAnyName.set(canonical(alias), name as MembershipTypeName);
}

/** A type by its name or an alias, without regard to case, `_` and `-`; undefined when there is none. */
export function findMembershipType(name: string): MembershipType | undefined {
  const known = byAnyName.get(canonical(name));
  return known === undefined ? undefined : membershipTypes[known];
}

/** A membership function as a strategy file writes it, its type by the canonical name and its parameters checked. */
export interface MembershipSpec {
  readonly type: MembershipTypeName;
  readonly parameters: readonly number[];
}

const typeSchema = z.string().transform((written, context): MembershipTypeName => {
  const known = byAnyName.get(canonical(written));
  if (known !== undefined) return known;
  const nearest = nearestName(written, byAnyName.keys());
  const hint = didYouMean(nearest);
  context.addIssue({
    code: "custom",
    message: `"${written}" is no membership type. Known: ${Object.keys(membershipTypes).join(", ")}.${hint}`,
  });
  return z.NEVER;
});

/**
 * Strategy-file form of a membership function: `{type, parameters}`. Unknown types, wrong counts and broken rules are
 * issues at `type`, `parameters` or the index of the parameter to blame.
 */
export const membershipSchema = z
  .strictObject({ type: typeSchema, parameters: z.array(z.number()) })
  .superRefine(({ type: name, parameters }, context) => {
    const type: MembershipType = membershipTypes[name];
    const count = type.parameters.length;
    if (parameters.length !== count) {
      context.addIssue({
        code: "custom",
        path: ["parameters"],
        message: `${name} takes ${count} parameters [${type.parameters.join(", ")}], found ${parameters.length}`,
      });
      return;
    }
    const problem = type.problem(parameters);
    if (problem === undefined) return;
    const message = `${name} [${parameters.join(", ")}] ${problem.message}`;
    context.addIssue({ code: "custom", path: ["parameters", problem.index], message });
  })
  .transform((spec): MembershipSpec => spec);

/** Degrees of crisp values `x` [n] in `out` [n] (may be `x`); 0..1, NaN stays NaN. */
export function membershipDegrees(
  spec: MembershipSpec,
  x: Float64Array,
  out: Float64Array = new Float64Array(x.length),
): Float64Array {
  return membershipTypes[spec.type].compute(x, spec.parameters, out);
}
