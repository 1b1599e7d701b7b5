import { toArchitecture, toTrainingOptions } from "../training/index.js";
import { checkTrainingData } from "./data-rules.js";
import { matchFuzzyKeys } from "./fuzzy-keys.js";
import { pathText, shown, StrategyFileError } from "./issues.js";
import type { KeyPath, Problem, StrategyIssue } from "./issues.js";
import { ignoredKeysAt, takeOutKeysWithoutEffect } from "./no-effect.js";
import type { PlainMap } from "./plain.js";
import { readText } from "./read-text.js";
import { strategySchema, symbolsOf, timeframesOf } from "./schema.js";
import type { Strategy } from "./strategy.js";
import { checkTraining } from "./training-rules.js";
import { readYaml } from "./yaml-source.js";
import { problemsOf } from "./zod-problems.js";

/** Reads and checks a strategy file. @throws StrategyFileError with all errors of the file */
export function loadStrategy(path: string): Strategy {
  return parseStrategy(readText(path), path);
}

/**
 * Checks the text of a strategy file.
 *
 * @param path  what messages call it; null where there is no file
 * @throws StrategyFileError with all errors of the text
 */
export function parseStrategy(text: string, path: string | null): Strategy {
  const source = readYaml(text);
  return check(source.document, path, path ?? "strategy", source.issues, source.locate);
}

/** Makes a strategy of the document that a model stores. @throws StrategyFileError, its issues without lines */
export function strategyFromDocument(document: unknown, name: string, path: string | null = null): Strategy {
  return check(document, path, name, [], (problem) => ({
    line: null,
    column: null,
    path: pathText(problem.path),
    message: problem.message,
    found: problem.found ?? null,
    allowed: problem.allowed ?? null,
    nearest: problem.nearest ?? null,
  }));
}

function check(
  document: unknown,
  path: string | null,
  name: string,
  yamlIssues: readonly StrategyIssue[],
  locate: (problem: Problem) => StrategyIssue,
): Strategy {
  const refuse = (problems: readonly Problem[]): never => {
    const issues = [...yamlIssues, ...problems.map(locate)];
    issues.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
    throw new StrategyFileError(path, name, issues);
  };
  if (document === undefined) return refuse([]);
  if (document === null)
    return refuse([{ path: [], message: "the file is empty", allowed: requiredSections }]);
  if (typeof document !== "object" || Array.isArray(document)) {
    return refuse([
      { path: [], message: "the file is no map", found: shown(document), allowed: requiredSections },
    ]);
  }
  const unplain = notPlain(document);
  if (unplain.length > 0) return refuse(unplain);

  const written = structuredClone(document) as PlainMap;
  const later = laterFormat(written);
  if (later !== undefined) return refuse([later]);
  const reduced = structuredClone(written);
  const notices = takeOutKeysWithoutEffect(reduced);
  const fuzzyKeys = matchFuzzyKeys(reduced);
  const parsed = strategySchema.safeParse(reduced);
  const found = parsed.success ? [] : problemsOf(strategySchema, reduced, parsed.error.issues, ignoredKeysAt);
  const training = checkTraining(reduced);
  const problems = [...found, ...fuzzyKeys.problems, ...checkTrainingData(reduced), ...training.problems];
  if (!parsed.success || problems.length > 0 || yamlIssues.length > 0) return refuse(problems);

  const file = parsed.data;
  const frames = timeframesOf(file);
  const label = file.training.labels;
  if (file.training_data?.symbols.selection_criteria) {
    notices.push("training_data.symbols.selection_criteria has no effect: list the symbols.");
  }
  if (file.decisions.filters.volume_filter !== undefined) {
    notices.push("decisions.filters.volume_filter has no effect: signals are not filtered by volume.");
  }
  file.indicators.forEach((entry, index) =>
    notices.push(...entry.notices.map((notice) => `indicators[${index}].${notice}`)),
  );
  return {
    name: file.name,
    path,
    document: written,
    symbols: symbolsOf(file),
    timeframes: frames,
    baseTimeframe: file.training_data?.timeframes.base_timeframe ?? frames[0],
    startDate: file.training_data?.start_date ?? null,
    endDate: file.training_data?.end_date ?? null,
    dataMode: file.model.training.data_mode,
    historyRequired: file.training_data?.history_required ?? file.data?.history_required ?? null,
    indicators: file.indicators.map((entry) => entry.value),
    fuzzy: fuzzyKeys.inputs.map(({ key, featureId }) => ({ featureId, ...file.fuzzy_sets[key] })),
    lookback: file.model.features?.lookback_periods ?? 0,
    architecture: toArchitecture(file.model.architecture),
    training: toTrainingOptions(file.model.training),
    label: label.value,
    split: file.training.data_split,
    decisions: {
      confidenceThreshold:
        file.orchestrator?.modes?.backtest?.confidence_threshold ?? file.decisions.confidence_threshold,
      positionAwareness: file.decisions.position_awareness,
      minSignalSeparation: file.decisions.filters.min_signal_separation,
      positionSize: file.orchestrator?.max_position_size ?? 1,
    },
    notices: [...notices, ...fuzzyKeys.notices, ...training.notices, ...label.notices],
  };
}

const requiredSections = "a map of name, training_data, indicators, fuzzy_sets, model, training";

/** Numbers that are none, and data without end; JSON could not hold them. */
function notPlain(document: object): Problem[] {
  const problems: Problem[] = [];
  const above = new Set<object>();
  const visit = (value: unknown, path: KeyPath): void => {
    if (typeof value === "number" && !Number.isFinite(value)) {
      problems.push({
        path,
        message: "not a number that can be used",
        found: shown(value),
        allowed: "a finite number",
      });
    }
    if (typeof value !== "object" || value === null) return;
    if (above.has(value)) {
      problems.push({
        path,
        message: "this contains itself",
        allowed: "anchors that are closed before they are used",
      });
      return;
    }
    above.add(value);
    for (const [key, inner] of Object.entries(value))
      visit(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    above.delete(value);
  };
  visit(document, []);
  return problems;
}

/** The later grammar (version 3), which is another language. */
function laterFormat(document: PlainMap): Problem | undefined {
  const asMap =
    typeof document["indicators"] === "object" &&
    document["indicators"] !== null &&
    !Array.isArray(document["indicators"]);
  if (!asMap && !Object.hasOwn(document, "nn_inputs")) return undefined;
  return {
    path: [asMap ? "indicators" : "nn_inputs"],
    atKey: true,
    message: "this file is of the later format 3 (indicators by name, nn_inputs)",
    allowed: "format 2: a list of indicators with name and feature_id, and fuzzy_sets by feature_id",
  };
}
