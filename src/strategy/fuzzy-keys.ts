import { didYouMean, nearestName } from "../core/index.js";
import { outputsOf } from "../indicators/index.js";
import { indicatorByName, indicatorEntrySchema } from "./indicator-entry.js";
import { shown, type Problem } from "./issues.js";
import { isPlainMap, type PlainMap } from "./plain.js";

interface NamedIndicator {
  readonly id: string;
  readonly index: number;
  readonly name: string;
  /** Undefined where the indicator itself is unknown. */
  readonly outputs: readonly string[] | undefined;
}

/** How the keys of `fuzzy_sets` belong to the indicators of the file. */
export interface FuzzyKeys {
  /** Keys of `fuzzy_sets` in the network's order, each with the column that it reads. */
  readonly inputs: readonly { readonly key: string; readonly featureId: string }[];
  readonly problems: readonly Problem[];
  readonly notices: readonly string[];
}

/**
 * Rules between `indicators` and `fuzzy_sets`, read off the document itself, so that they are told together with the
 * errors inside both sections.
 */
export function matchFuzzyKeys(document: PlainMap): FuzzyKeys {
  const problems: Problem[] = [];
  const notices: string[] = [];
  const named = namedIndicators(document["indicators"], problems);
  const fuzzy = isPlainMap(document["fuzzy_sets"]) ? document["fuzzy_sets"] : {};
  const ids = named.map(({ id }) => id);
  const keys = Object.keys(fuzzy);
  const baseOf = (key: string): string => (key.includes(".") ? key.slice(0, key.indexOf(".")) : key);
  const fed = new Set(keys.map(baseOf));
  const inputs = new Map<NamedIndicator, { key: string; featureId: string }[]>();

  for (const key of keys) {
    const owner = ownerOf(key, named, fed, baseOf(key));
    if (owner === undefined) {
      const nearest = nearestName(baseOf(key), ids);
      if (nearest !== undefined && !fed.has(nearest)) {
        const path = ["fuzzy_sets", key];
        problems.push({
          path,
          atKey: true,
          message: "no indicator has this feature_id",
          found: shown(key),
          allowed: ids.join(", "),
          nearest,
        });
        fed.add(nearest);
      } else {
        const hint = didYouMean(nearest);
        notices.push(`fuzzy_sets.${key} has no effect: no indicator has this feature_id.${hint}`);
      }
      continue;
    }
    if (baseOf(key) !== owner.id) {
      notices.push(
        `fuzzy_sets.${key} is read as the sets of ${owner.id}, as the older system did; better name it so.`,
      );
    }
    const output = key.includes(".") ? key.slice(key.indexOf(".") + 1) : undefined;
    const { outputs } = owner;
    if (output !== undefined && outputs !== undefined && !outputs.includes(output)) {
      const nearest = nearestName(output, outputs);
      problems.push({
        path: ["fuzzy_sets", key],
        atKey: true,
        message: `${owner.name} has no output "${output}" with these parameters`,
        found: shown(key),
        allowed: [owner.id, ...outputs.map((name) => `${owner.id}.${name}`)].join(", "),
        nearest: nearest === undefined ? undefined : `${owner.id}.${nearest}`,
      });
    }
    const featureId = output === undefined ? owner.id : `${owner.id}.${output}`;
    inputs.set(owner, [...(inputs.get(owner) ?? []), { key, featureId }]);
  }

  for (const entry of named) {
    if (inputs.has(entry) || fed.has(entry.id)) continue;
    notices.push(`${entry.id} has no fuzzy sets, so it is no input of the network.`);
  }
  const ordered = named.flatMap((entry) => inputs.get(entry) ?? []);
  if (
    ordered.length === 0 &&
    problems.length === 0 &&
    named.length > 0 &&
    isPlainMap(document["fuzzy_sets"])
  ) {
    const path = ["fuzzy_sets"];
    problems.push({
      path,
      message: "no fuzzy set belongs to an indicator, so the network would have no input",
      found: shown(fuzzy),
      allowed: `sets for ${ids.join(", ")}`,
    });
  }
  problems.push(...sameNames(ordered, fuzzy));
  return { inputs: ordered, problems, notices };
}

/** Entries with a feature id; a doubled one is a problem and left out. */
function namedIndicators(entries: unknown, problems: Problem[]): NamedIndicator[] {
  const named = new Map<string, NamedIndicator>();
  if (!Array.isArray(entries)) return [];
  (entries as unknown[]).forEach((entry, index) => {
    const id = isPlainMap(entry) ? entry["feature_id"] : undefined;
    if (!isPlainMap(entry) || typeof id !== "string") return;
    const first = named.get(id);
    if (first !== undefined) {
      const path = ["indicators", index, "feature_id"];
      problems.push({
        path,
        message: `indicators[${first.index}] has this feature_id already`,
        found: shown(id),
        allowed: "each once",
      });
      return;
    }
    named.set(id, { id, index, ...outputsOfEntry(entry) });
  });
  return [...named.values()];
}

/** Parameters can leave outputs out; where they are wrong themselves, all outputs count. */
function outputsOfEntry(entry: PlainMap): Pick<NamedIndicator, "name" | "outputs"> {
  const parsed = indicatorEntrySchema.safeParse(entry);
  if (parsed.success)
    return { name: parsed.data.value.indicator.name, outputs: outputsOf(parsed.data.value) };
  const indicator = typeof entry["name"] === "string" ? indicatorByName(entry["name"]) : undefined;
  return { name: indicator?.name ?? "this indicator", outputs: indicator?.outputs };
}

/**
 * The indicator whose values a key's sets describe: the one with this feature id; or, as the older system matched, the
 * only one without sets of its own whose id goes on after the key and `_` (`rsi` for `rsi_14`).
 */
function ownerOf(
  key: string,
  named: readonly NamedIndicator[],
  fed: ReadonlySet<string>,
  base: string,
): NamedIndicator | undefined {
  const exact = named.find(({ id }) => id === base);
  if (exact !== undefined || key.includes(".")) return exact;
  const longer = named.filter(({ id }) => id.startsWith(`${key}_`) && !fed.has(id));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Sets whose features would have one name: `a` with `b_c`, and `a_b` with `c`. */
function sameNames(inputs: readonly { key: string; featureId: string }[], fuzzy: PlainMap): Problem[] {
  const seen = new Map<string, string>();
  const problems: Problem[] = [];
  for (const { key, featureId } of inputs) {
    const sets = fuzzy[key];
    for (const set of isPlainMap(sets) ? Object.keys(sets) : []) {
      if (set === "input_transform") continue;
      const name = `${featureId}_${set}`;
      const first = seen.get(name);
      const path = ["fuzzy_sets", key, set];
      if (first === undefined) seen.set(name, `fuzzy_sets.${key}.${set}`);
      else
        problems.push({
          path,
          atKey: true,
          message: `its input "${name}" has the name of that of ${first}`,
          found: shown(set),
          allowed: "another name",
        });
    }
  }
  return problems;
}
