import * as z from "zod";
import { findIndicator, indicatorNames, UnknownIndicatorError } from "../indicators/index.js";
import type { AnyIndicator, IndicatorSpec } from "../indicators/index.js";
import { knownKeys } from "./allowed.js";
import { shown, type Problem } from "./issues.js";
import { isPlainMap, type PlainMap } from "./plain.js";
import { collect, problemsIn, problemsOf, type Entry } from "./zod-problems.js";

const priceNames = ["open", "high", "low", "close", "volume"];

/** A feature id: a letter, then letters, digits, `_` or `-`; not the name of a bar's column. */
const featureIdSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, "not a feature id")
  .refine((id) => !priceNames.includes(id.toLowerCase()), "the name of a price column")
  .describe(`a letter, then letters, digits, "_" or "-"; not ${priceNames.join(", ")}`);

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

interface WrittenParameter {
  readonly value: unknown;
  readonly path: readonly string[];
}

/** The parameters of an entry: those of `params` and those written flat beside it. */
function parametersOfEntry(
  entry: PlainMap,
  problem: (problem: Problem) => void,
): Map<string, WrittenParameter> {
  const parameters = new Map<string, WrittenParameter>();
  const nested = entry["params"] ?? {};
  if (!isPlainMap(nested)) {
    problem({ path: ["params"], message: "wrong kind of value", found: shown(nested), allowed: "a map" });
  } else {
    for (const [key, value] of Object.entries(nested)) parameters.set(key, { value, path: ["params", key] });
  }
  for (const [key, value] of Object.entries(entry)) {
    if (key === "name" || key === "feature_id" || key === "params") continue;
    if (parameters.has(key)) {
      problem({
        path: [key],
        atKey: true,
        message: "this parameter stands under `params` too",
        found: shown(key),
      });
    }
    parameters.set(key, { value, path: [key] });
  }
  return parameters;
}

/** One entry of `indicators`: `name`, `feature_id` and the indicator's own parameters, flat or under `params`. */
export const indicatorEntrySchema = z.unknown().transform((entry, context): Entry<IndicatorSpec> => {
  const problems = collect(context);
  if (!isPlainMap(entry)) {
    problems.add({
      path: [],
      message: "wrong kind of value",
      found: shown(entry),
      allowed: "a map of name, feature_id and parameters",
    });
    return z.NEVER;
  }
  const notices: string[] = [];
  const idProblems = problemsIn(featureIdSchema, entry["feature_id"], ["feature_id"]);
  idProblems.forEach(problems.add);

  const written = entry["name"];
  const indicator = typeof written === "string" ? indicatorByName(written) : undefined;
  if (indicator === undefined) {
    problems.add({
      path: ["name"],
      message: written === undefined ? "this key is missing" : "unknown indicator",
      found: shown(written),
      allowed: indicatorNames.join(", "),
      nearest: typeof written === "string" ? nearestIndicator(written) : undefined,
    });
    return z.NEVER;
  }

  const parameters = parametersOfEntry(entry, problems.add);
  const known = knownKeys(indicator.schema);
  const source = parameters.get("source");
  if (source !== undefined && !known.includes("source") && priceNames.includes(String(source.value))) {
    parameters.delete("source");
    notices.push(`source has no effect: ${indicator.name} has its own prices.`);
  }
  const params = Object.fromEntries([...parameters].map(([key, { value }]) => [key, value]));
  const parsed = indicator.schema.safeParse(params);
  if (!parsed.success) {
    for (const found of problemsOf(indicator.schema, params, parsed.error.issues)) {
      const [key, ...rest] = found.path;
      const place = key === undefined ? [] : (parameters.get(String(key))?.path ?? [key]);
      problems.add({ ...found, path: [...place, ...rest] });
    }
  }
  if (problems.count > 0 || !parsed.success) return z.NEVER;
  return { value: { featureId: entry["feature_id"] as string, indicator, params: parsed.data }, notices };
});

function nearestIndicator(written: string): string | undefined {
  const wanted = written.replaceAll("_", "").replace(/indicator$/i, "");
  return new UnknownIndicatorError(wanted).nearest ?? undefined;
}
