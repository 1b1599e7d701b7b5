import { expect, test } from "vitest";
import * as z from "zod";
import { wantedBy } from "./schema-words.js";

test.each([
  [z.int().min(2), 1, "must be at least 2"],
  [z.number().max(9), 10, "must be at most 9"],
  [z.number().gt(0), 0, "must be above 0"],
  [z.number().lt(1), 1, "must be below 1"],
  [z.int(), 1.5, "must be a whole number"],
  [z.number(), "x", "must be a number"],
  [z.boolean(), 1, "must be true or false"],
  [z.string(), 1, "must be a text"],
  [z.enum(["open", "close"]), "clse", "must be one of open, close"],
  [z.number().refine((n) => n !== 3, "3 is taken"), 3, "3 is taken"],
] as [z.ZodType, unknown, string][])("%#: what the schema wants, in words", (schema, value, words) => {
  const { error } = schema.safeParse(value);
  expect(error?.issues.map(wantedBy)).toEqual([words]);
});
