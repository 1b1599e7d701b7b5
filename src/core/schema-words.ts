import type * as z from "zod";

/**
 * What a schema wants of a value, in words that follow it: "must be a whole number of at least 2".
 *
 * zod's own texts ("Too small: expected number to be >=2") are for programmers. Rules that a schema states itself
 * (`.refine`) pass as they are.
 */
export function wantedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "too_small":
      return `must be ${issue.inclusive === false ? "above" : "at least"} ${issue.minimum}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "below" : "at most"} ${issue.maximum}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    default:
      return issue.message;
  }
}

const kinds: Readonly<Record<string, string>> = {
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  string: "a text",
};
