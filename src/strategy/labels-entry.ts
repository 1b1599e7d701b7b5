import * as z from "zod";
import { nearestName } from "../core/index.js";
import { labelTypes } from "../labels/index.js";
import { knownKeys } from "./allowed.js";
import { shown } from "./issues.js";
import { isPlainMap } from "./plain.js";
import type { StrategyLabel } from "./strategy.js";
import { collect, problemsOf, report, type Entry } from "./zod-problems.js";

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
  const problems = collect(context);
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
      problems.add({
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
    problems.add({
      path: ["zigzag_threshold"],
      message: "this key, or `threshold`, is missing",
      allowed: "a number above 0 and below 1",
    });
  }
  const parsed = type.schema.safeParse(written);
  if (!parsed.success) {
    const olderNames = () =>
      olderLabelKeys.filter(([, newer]) => known.includes(newer)).map(([older]) => older);
    for (const found of problemsOf(type.schema, written, parsed.error.issues, olderNames)) {
      const [key, ...rest] = found.path;
      problems.add(
        key === undefined ? found : { ...found, path: [writtenAs.get(String(key)) ?? key, ...rest] },
      );
    }
  }
  if (problems.count > 0 || !parsed.success) return z.NEVER;
  return { value: { name: type.name, type, params: parsed.data }, notices };
});

const olderLabelKeys = [
  ["zigzag_threshold", "threshold"],
  ["label_lookahead", "horizon"],
] as const;
