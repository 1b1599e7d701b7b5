import * as z from "zod";
import { nearestName } from "../core/index.js";
import {
  findMembershipType,
  identityTransform,
  membershipSchema,
  membershipTypes,
  transformSchema,
  type FuzzySetSpec,
  type TransformSpec,
} from "../fuzzy/index.js";
import { shown, type Problem } from "./issues.js";
import { isPlainMap } from "./plain.js";
import { collect, problemsIn } from "./zod-problems.js";

const fuzzySetNameSchema = z
  .string()
  .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_ .%+-]*$/u, "not a name of a fuzzy set")
  .describe('letters, digits, "_", "-", spaces');

function unknownMembershipType(set: unknown): Omit<Problem, "path"> | undefined {
  const type = isPlainMap(set) ? set["type"] : undefined;
  if (typeof type !== "string" || findMembershipType(type) !== undefined) return undefined;
  const names = Object.keys(membershipTypes);
  const nearest = nearestName(type, names);
  return { message: "unknown membership type", found: shown(type), allowed: names.join(", "), nearest };
}

/** What `fuzzy_sets` says of one feature. */
export interface FuzzyEntry {
  readonly transform: TransformSpec;
  readonly sets: readonly FuzzySetSpec[];
}

/** One entry of `fuzzy_sets`: sets by name, and an optional `input_transform`. */
export const fuzzyEntrySchema = z.unknown().transform((entry, context): FuzzyEntry => {
  const problems = collect(context);
  if (!isPlainMap(entry)) {
    problems.add({
      path: [],
      message: "wrong kind of value",
      found: shown(entry),
      allowed: "a map of fuzzy sets by name",
    });
    return z.NEVER;
  }
  const { input_transform: written, ...sets } = entry;
  const transform = written ?? identityTransform;
  problemsIn(transformSchema, transform, ["input_transform"]).forEach(problems.add);
  if (Object.keys(sets).length === 0) {
    problems.add({
      path: [],
      message: "no fuzzy sets here",
      found: shown(entry),
      allowed: "at least one set",
    });
  }
  for (const [name, set] of Object.entries(sets)) {
    for (const found of problemsIn(fuzzySetNameSchema, name, [name])) problems.add({ ...found, atKey: true });
    const unknown = unknownMembershipType(set);
    if (unknown !== undefined) problems.add({ ...unknown, path: [name, "type"] });
    else problemsIn(membershipSchema, set, [name]).forEach(problems.add);
  }
  if (problems.count > 0) return z.NEVER;
  return {
    transform: transformSchema.parse(transform),
    sets: Object.entries(sets).map(([name, set]) => ({ name, membership: membershipSchema.parse(set) })),
  };
});
