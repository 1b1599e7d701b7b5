import { z } from "zod";
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
import { findIndicator, indicatorNames, UnknownIndicatorError } from "../indicators/index.js";
import type { AnyIndicator, IndicatorSpec } from "../indicators/index.js";
import { labelTypes } from "../labels/index.js";
import { shown, type Problem } from "./issues.js";
import { isPlainMap, type PlainMap } from "./plain.js";
import type { StrategyLabel } from "./strategy.js";
import { knownKeys, problemsOf, report } from "./zod-problems.js";

const priceNames = ["open", "high", "low", "close", "volume"];

/** A feature id: a letter, then letters, digits, `_` or `-`; not the name of a bar's column. */
export const featureIdSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "not a feature id")
  .refine((id) => !priceNames.includes(id.toLowerCase()), "the name of a price column")
  .describe(`a letter, then letters, digits, "_" or "-"; not ${priceNames.join(", ")}`);

const fuzzySetNameSchema = z
  .string()
  .regex(/^[\p{L}\p{N}_][\p{L}\p{N}_ .%+-]*$/u, "not a name of a fuzzy set")
  .describe('letters, digits, "_", "-", spaces');

/** What an entry gives, with notices about keys of it that have no effect. */
export interface Entry<Value> {
  readonly value: Value;
  readonly notices: readonly string[];
}

/** `rsi`, `bollinger_bands`, `WilliamsR`, and the older system's class names such as `RSIIndicator`. */
export function indicatorByName(written: string): AnyIndicator | undefined {
  for (const name of [written, written.replace(/_?indicator$/i, "")]) {
    try {
      return findIndicator(name);
    } catch (error) {
      if (!(error instanceof UnknownIndicatorError)) throw error;
    }
  }
  return undefined;
}

/** The parameters of an entry: those of `params` and those written flat beside it. */
function parametersOfEntry(
  entry: PlainMap,
  problem: (problem: Problem) => void,
): Record<string, PlainParameter> {
  const parameters: Record<string, PlainParameter> = {};
  const nested = entry["params"] ?? {};
  if (!isPlainMap(nested)) {
    problem({ path: ["params"], message: "wrong kind of value", found: shown(nested), allowed: "a map" });
  } else {
    for (const [key, value] of Object.entries(nested)) parameters[key] = { value, path: ["params", key] };
  }
  for (const [key, value] of Object.entries(entry)) {
    if (key === "name" || key === "feature_id" || key === "params") continue;
    if (Object.hasOwn(parameters, key)) {
      problem({
        path: [key],
        atKey: true,
        message: "this parameter stands under `params` too",
        found: shown(key),
      });
    }
    parameters[key] = { value, path: [key] };
  }
  return parameters;
}

interface PlainParameter {
  readonly value: unknown;
  readonly path: readonly string[];
}

/** One entry of `indicators`: `name`, `feature_id` and the indicator's own parameters, flat or under `params`. */
export const indicatorEntrySchema = z.unknown().transform((entry, context): Entry<IndicatorSpec> => {
  let sound = true;
  const problem = (found: Problem) => {
    sound = false;
    report(context, found);
  };
  if (!isPlainMap(entry)) {
    problem({
      path: [],
      message: "wrong kind of value",
      found: shown(entry),
      allowed: "a map of name, feature_id and parameters",
    });
    return z.NEVER;
  }
  const notices: string[] = [];
  const idProblems = problemsIn(featureIdSchema, entry["feature_id"], ["feature_id"]);
  idProblems.forEach(problem);

  const written = entry["name"];
  const indicator = typeof written === "string" ? indicatorByName(written) : undefined;
  if (indicator === undefined) {
    problem({
      path: ["name"],
      message: written === undefined ? "this key is missing" : "unknown indicator",
      found: shown(written),
      allowed: indicatorNames.join(", "),
      nearest: typeof written === "string" ? nearestIndicator(written) : undefined,
    });
    return z.NEVER;
  }

  const parameters = parametersOfEntry(entry, problem);
  const known = knownKeys(indicator.schema);
  const source = parameters["source"];
  if (source !== undefined && !known.includes("source") && priceNames.includes(String(source.value))) {
    delete parameters["source"];
    notices.push(`source has no effect: ${indicator.name} has its own prices.`);
  }
  const params = Object.fromEntries(Object.entries(parameters).map(([key, { value }]) => [key, value]));
  const parsed = indicator.schema.safeParse(params);
  if (!parsed.success) {
    for (const found of problemsOf(indicator.schema, params, parsed.error.issues)) {
      const [key, ...rest] = found.path;
      const place = key === undefined ? [] : (parameters[key]?.path ?? [key]);
      problem({ ...found, path: [...place, ...rest] });
    }
  }
  if (!sound || !parsed.success) return z.NEVER;
  return { value: { featureId: entry["feature_id"] as string, indicator, params: parsed.data }, notices };
});

function nearestIndicator(written: string): string | undefined {
  const wanted = written.replaceAll("_", "").replace(/indicator$/i, "");
  return new UnknownIndicatorError(wanted).nearest ?? undefined;
}

/** Problems of one value under a schema of its own. */
function problemsIn(schema: z.ZodType, value: unknown, path: Problem["path"]): Problem[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return problemsOf(schema, value, parsed.error.issues).map((found) => ({
    ...found,
    path: [...path, ...found.path],
  }));
}

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
  let sound = true;
  const problem = (found: Problem) => {
    sound = false;
    report(context, found);
  };
  if (!isPlainMap(entry)) {
    problem({
      path: [],
      message: "wrong kind of value",
      found: shown(entry),
      allowed: "a map of fuzzy sets by name",
    });
    return z.NEVER;
  }
  const { input_transform: written, ...sets } = entry;
  const transform = written ?? identityTransform;
  problemsIn(transformSchema, transform, ["input_transform"]).forEach(problem);
  if (Object.keys(sets).length === 0) {
    problem({ path: [], message: "no fuzzy sets here", found: shown(entry), allowed: "at least one set" });
  }
  for (const [name, set] of Object.entries(sets)) {
    for (const found of problemsIn(fuzzySetNameSchema, name, [name])) problem({ ...found, atKey: true });
    const unknown = unknownMembershipType(set);
    if (unknown !== undefined) problem({ ...unknown, path: [name, "type"] });
    else problemsIn(membershipSchema, set, [name]).forEach(problem);
  }
  if (!sound) return z.NEVER;
  return {
    transform: transformSchema.parse(transform),
    sets: Object.entries(sets).map(([name, set]) => ({ name, membership: membershipSchema.parse(set) })),
  };
});

/**
 * `training.labels`: `source` is the label type, the other keys are its parameters. `zigzag_threshold` and
 * `label_lookahead` are the older names of `threshold` and `horizon`.
 */
export const labelsSchema = z.unknown().transform((entry, context): Entry<StrategyLabel> => {
  if (!isPlainMap(entry)) {
    report(context, {
      path: [],
      message: "wrong kind of value",
      found: shown(entry),
      allowed: "a map of source and its parameters",
    });
    return z.NEVER;
  }
  const { source = "zigzag", ...written } = entry;
  const name = typeof source === "string" ? source.toLowerCase().replaceAll("-", "_") : "";
  const type = Object.hasOwn(labelTypes, name) ? labelTypes[name] : undefined;
  if (type === undefined) {
    const names = Object.keys(labelTypes);
    const nearest = typeof source === "string" ? nearestName(source, names) : undefined;
    report(context, {
      path: ["source"],
      message: "unknown label",
      found: shown(source),
      allowed: names.join(", "),
      nearest,
    });
    return z.NEVER;
  }
  let sound = true;
  const problem = (found: Problem) => {
    sound = false;
    report(context, found);
  };
  const notices: string[] = [];
  const known = knownKeys(type.schema);
  const writtenAs = new Map<string, string>();
  for (const [older, newer] of olderLabelKeys) {
    if (!known.includes(newer)) {
      if (Object.hasOwn(written, older)) {
        delete written[older];
        notices.push(`training.labels.${older} has no effect: ${type.name} labels have no ${newer}.`);
      }
      continue;
    }
    if (!Object.hasOwn(written, older)) continue;
    if (Object.hasOwn(written, newer) && written[newer] !== written[older]) {
      problem({
        path: [older],
        atKey: true,
        message: `${older} and ${newer} are the same parameter and differ`,
        found: `${shown(written[older])} and ${shown(written[newer])}`,
        allowed: "one of them",
      });
    }
    if (!Object.hasOwn(written, newer)) writtenAs.set(newer, older);
    written[newer] = written[older];
    delete written[older];
  }
  // A label that follows the price over a threshold is nothing without it; there is no good default for all markets.
  if (type.name.startsWith("zigzag") && !Object.hasOwn(written, "threshold")) {
    problem({
      path: ["zigzag_threshold"],
      message: "this key is missing",
      allowed: "a number above 0 and below 1",
    });
  }
  const parsed = type.schema.safeParse(written);
  if (!parsed.success) {
    for (const found of problemsOf(type.schema, written, parsed.error.issues)) {
      const [key, ...rest] = found.path;
      problem(key === undefined ? found : { ...found, path: [writtenAs.get(String(key)) ?? key, ...rest] });
    }
  }
  if (!sound || !parsed.success) return z.NEVER;
  return { value: { name: type.name, type, params: parsed.data }, notices };
});

const olderLabelKeys = [
  ["zigzag_threshold", "threshold"],
  ["label_lookahead", "horizon"],
] as const;
