import { KnownError } from "../core/index.js";
import { parseDateRange } from "../data/index.js";
import { shown, type KeyPath, type Problem } from "./issues.js";
import { isPlainMap, type PlainMap } from "./plain.js";

/**
 * Rules between the keys of `training_data` (or of the first format's `data`), read off the document itself, so that
 * they are told together with the errors inside its values.
 */
export function checkTrainingData(document: PlainMap): Problem[] {
  const data = document["training_data"];
  const legacy = document["data"];
  if (data === undefined && legacy === undefined) {
    return [
      { path: ["training_data"], message: "this key is missing", allowed: "a map of symbols and timeframes" },
    ];
  }
  const problems: Problem[] = [];
  if (data !== undefined && legacy !== undefined) {
    problems.push({
      path: ["data"],
      atKey: true,
      message: "training_data says this already",
      found: '"data"',
      allowed: "one of them",
    });
  }
  if (isPlainMap(legacy)) {
    problems.push(...doubles(legacy["symbols"], ["data", "symbols"]));
    problems.push(...doubles(legacy["timeframes"], ["data", "timeframes"]));
  }
  if (isPlainMap(data)) {
    if (isPlainMap(data["symbols"])) problems.push(...symbolRules(data["symbols"]));
    if (isPlainMap(data["timeframes"])) problems.push(...timeframeRules(data["timeframes"]));
    problems.push(...dateRules(data));
  }
  return problems;
}

function symbolRules(symbols: PlainMap): Problem[] {
  const path = ["training_data", "symbols"];
  const { mode, symbol, list, selection_criteria: selection } = symbols;
  const problems = doubles(list, [...path, "list"]);
  const count = Array.isArray(list) ? list.length : 0;
  const found = shown(list ?? undefined);
  if (mode === "single" && !symbol && count !== 1) {
    problems.push({
      path: [...path, "symbol"],
      message: "mode single needs one symbol",
      found,
      allowed: "symbol: AAPL",
    });
  }
  if (mode === "multi_symbol" && count === 0 && !selection) {
    problems.push({
      path: [...path, "list"],
      message: "mode multi_symbol needs a list of symbols",
      found,
      allowed: "list: [AAPL, MSFT]",
    });
  }
  return problems;
}

function timeframeRules(timeframes: PlainMap): Problem[] {
  const path = ["training_data", "timeframes"];
  const { mode, timeframe, list, base_timeframe: base } = timeframes;
  const listed = Array.isArray(list) ? (list as unknown[]) : [];
  const problems = doubles(list, [...path, "list"]);
  const found = shown(list ?? undefined);
  if (mode === "single" && !timeframe && listed.length !== 1) {
    problems.push({
      path: [...path, "timeframe"],
      message: "mode single needs one timeframe",
      found,
      allowed: "timeframe: 1d",
    });
  }
  if (mode === "multi_timeframe" && listed.length < 2) {
    problems.push({
      path: [...path, "list"],
      message: "mode multi_timeframe needs two or more",
      found,
      allowed: "list: [1h, 1d], or mode: single",
    });
  }
  const all = mode === "single" && timeframe ? [timeframe] : listed;
  if (typeof base === "string" && all.length > 0 && !all.includes(base)) {
    problems.push({
      path: [...path, "base_timeframe"],
      message: "not one of the timeframes",
      found: shown(base),
      allowed: all.join(", "),
    });
  }
  return problems;
}

function dateRules({ start_date: start, end_date: end }: PlainMap): Problem[] {
  if (typeof start !== "string" || typeof end !== "string") return [];
  if (!isDateRange(start, null) || !isDateRange(null, end) || isDateRange(start, end)) return [];
  const path = ["training_data", "end_date"];
  return [{ path, message: "lies before start_date", found: shown(end), allowed: `${start} or later` }];
}

/** True for dates or instants, the end not before the start. */
export function isDateRange(start: string | null, end: string | null): boolean {
  try {
    parseDateRange(start, end);
    return true;
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return false;
  }
}

function doubles(list: unknown, path: KeyPath): Problem[] {
  if (!Array.isArray(list)) return [];
  return (list as unknown[]).flatMap((entry, index) =>
    list.indexOf(entry) === index
      ? []
      : [
          {
            path: [...path, index],
            message: "this stands in the list a second time",
            found: shown(entry),
            allowed: "each once",
          },
        ],
  );
}
