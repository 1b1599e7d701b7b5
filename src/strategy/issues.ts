import { KnownError } from "../core/index.js";

/** Map keys and list positions from the top of a strategy file to a value. */
export type KeyPath = readonly (string | number)[];

/** Something wrong at a path of the document, before its line is known. */
export interface Problem {
  readonly path: KeyPath;
  /** True where the key itself is wrong rather than its value. */
  readonly atKey?: boolean;
  /** What is wrong, without repeating what was found. */
  readonly message: string;
  readonly found?: string | undefined;
  readonly allowed?: string | undefined;
  readonly nearest?: string | undefined;
}

/** One error of a strategy file. Lines and columns count from 1; null where the strategy did not come from a text. */
export interface StrategyIssue {
  readonly line: number | null;
  readonly column: number | null;
  /** `"indicators[0].period"`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** The value or key as written, null where it is missing. */
  readonly found: string | null;
  readonly allowed: string | null;
  /** The known name nearest to what was written. */
  readonly nearest: string | null;
}

/** `["indicators", 0, "period"]` as people write it: `indicators[0].period`. */
export function pathText(path: KeyPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text;
}

const longest = 60;

/** A value as a message shows it: short, on one line, texts in quotes. */
export function shown(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (value === null) return "nothing";
  if (Array.isArray(value) && value.length === 0) return "an empty list";
  if (typeof value === "number") return String(value);
  let text: string;
  if (typeof value === "object" && !Array.isArray(value)) {
    const keys = Object.keys(value);
    text = keys.length === 0 ? "an empty map" : `a map of ${keys.join(", ")}`;
  } else {
    text = jsonOf(value);
  }
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
}

/** YAML's anchors can make data that contain themselves, which JSON cannot say. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "data that contain themselves";
  }
}

function issueText(issue: StrategyIssue, file: string): string {
  const place = issue.line === null ? "" : `${file}:${issue.line}:${issue.column}: `;
  const facts: string[] = [];
  if (issue.found !== null) facts.push(`found ${issue.found}`);
  if (issue.allowed !== null) facts.push(`allowed: ${issue.allowed}`);
  if (issue.nearest !== null) facts.push(`did you mean "${issue.nearest}"?`);
  const what = issue.path === "" ? issue.message : `${issue.path}: ${issue.message}`;
  return `  ${place}${what}${facts.length === 0 ? "" : `\n      ${facts.join("; ")}`}`;
}

/** A strategy file that cannot be used, with every error that was found in it, in the order of the file. */
export class StrategyFileError extends KnownError {
  readonly code = "STRATEGY_INVALID";
  /** The file, or null for a strategy stored with a model. */
  readonly file: string | null;
  readonly issues: readonly StrategyIssue[];

  constructor(file: string | null, name: string, issues: readonly StrategyIssue[]) {
    const place = file ?? `strategy "${name}"`;
    const count = issues.length === 1 ? "1 error" : `${issues.length} errors`;
    super(`${place} has ${count}\n${issues.map((issue) => issueText(issue, place)).join("\n")}`);
    this.file = file;
    this.issues = issues;
  }
}
