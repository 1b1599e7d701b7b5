import type * as z from "zod";
import { nearestName } from "../core/index.js";
import { allowedAt, describedAt, knownKeys } from "./allowed.js";
import { shown, type KeyPath, type Problem } from "./issues.js";
import { valueAt } from "./plain.js";

/** Problems found by a schema inside another one travel in the issue's `params`. */
const carried = (issue: z.core.$ZodIssue): Problem | undefined =>
  issue.code === "custom" ? (issue.params?.["problem"] as Problem | undefined) : undefined;

/** Reports a problem from inside a schema's transform, its path relative to the value at hand. */
export function report(context: z.RefinementCtx, problem: Problem): void {
  context.addIssue({
    code: "custom",
    path: [...problem.path],
    message: problem.message,
    params: { problem },
  });
}

/** Reports many problems from inside a transform and counts them. */
export function collect(context: z.RefinementCtx): {
  readonly count: number;
  add(this: void, problem: Problem): void;
} {
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(problem) {
      count++;
      report(context, problem);
    },
  };
}

/** What an entry gives, with notices about keys of it that have no effect. */
export interface Entry<Value> {
  readonly value: Value;
  readonly notices: readonly string[];
}

const ownMessage = /^(?!Invalid|Too |Unrecognized|Not )/;

/**
 * The issues of a failed parse in words that a person can act on.
 *
 * @param ignored  keys at a path that are taken out before parsing; they are known names too
 */
export function problemsOf(
  schema: z.ZodType,
  document: unknown,
  issues: readonly z.core.$ZodIssue[],
  ignored: (path: KeyPath) => readonly string[] = () => [],
): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    const inner = carried(issue);
    if (inner !== undefined) return [{ ...inner, path }];

    if (issue.code === "unrecognized_keys") {
      const known = [...knownKeys(schema, path, document), ...ignored(path)];
      return issue.keys.map((key) => ({
        path: [...path, key],
        atKey: true,
        message: "unknown key",
        found: shown(key),
        allowed: known.length === 0 ? "no keys" : known.join(", "),
        nearest: nearestName(key, known),
      }));
    }
    const value = valueAt(document, path);
    const allowed = allowedAt(schema, path, document);
    const found = shown(value);
    if (value === undefined) return [{ path, message: "this key is missing", allowed }];
    if (ownMessage.test(issue.message))
      return [{ path, message: issue.message, found, allowed: describedAt(schema, path, document) }];
    switch (issue.code) {
      case "invalid_value": {
        const names = issue.values.map(String);
        return [
          {
            path,
            message: "unknown value",
            found,
            allowed: names.join(", "),
            nearest: nearest(value, names),
          },
        ];
      }
      case "invalid_union": {
        const options = "options" in issue && Array.isArray(issue.options) ? issue.options.map(String) : [];
        if (options.length === 0) return [{ path, message: "wrong kind of value", found, allowed }];
        return [
          {
            path,
            message: "unknown value",
            found,
            allowed: options.join(", "),
            nearest: nearest(value, options),
          },
        ];
      }
      case "too_small":
      case "too_big":
        return [{ path, message: "out of range", found, allowed }];
      case "invalid_type":
        return [{ path, message: kindMessage(value, issue.expected), found, allowed }];
      default:
        return [{ path, message: "not allowed", found, allowed }];
    }
  });
}

const nearest = (value: unknown, names: readonly string[]): string | undefined =>
  typeof value === "string" ? nearestName(value, names) : undefined;

function kindMessage(value: unknown, expected: string): string {
  const wantsNumber = expected === "number" || expected === "int";
  if (wantsNumber && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) {
    return "a text where a number belongs: write it without quotes";
  }
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean")) {
    return "not a text: write it in quotes";
  }
  return "wrong kind of value";
}

/** Problems of one value under a schema of its own. */
export function problemsIn(schema: z.ZodType, value: unknown, path: Problem["path"]): Problem[] {
  const parsed = schema.safeParse(value);
  if (parsed.success) return [];
  return problemsOf(schema, value, parsed.error.issues).map((found) => ({
    ...found,
    path: [...path, ...found.path],
  }));
}
