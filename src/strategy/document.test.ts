import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import * as z from "zod";
import { membershipTypes } from "../fuzzy/index.js";
import { labelTypes } from "../labels/index.js";
import { parseStrategy, strategySchema } from "./index.js";
import { keysWithoutEffect } from "./no-effect.js";

const document = readFileSync(fileURLToPath(new URL("../../docs/strategy-file.md", import.meta.url)), "utf8");

/** Cells of the document's tables by the key in their first column. */
const rows = new Map(
  document
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) =>
      line
        .replaceAll("\\|", "")
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
    .map(([key, ...cells]) => [key.replaceAll("`", ""), cells]),
);

interface Node {
  properties?: Record<string, Node>;
  anyOf?: Node[];
  oneOf?: Node[];
  default?: unknown;
}

/** Every key of the schema that is no section, with its defaults. */
function leaves(node: Node, path: string, found = new Map<string, unknown[]>()): Map<string, unknown[]> {
  const options = node.anyOf ?? node.oneOf ?? [];
  const properties = Object.entries(node.properties ?? {});
  if (options.some((option) => option.properties ?? option.oneOf)) {
    for (const option of options) if (option.properties ?? option.oneOf) leaves(option, path, found);
  } else if (properties.length === 0) {
    found.set(path, [...(found.get(path) ?? []), node.default]);
  } else {
    for (const [key, value] of properties) leaves(value, path === "" ? key : `${path}.${key}`, found);
  }
  return found;
}

const keys = leaves(z.toJSONSchema(strategySchema, { io: "output", unrepresentable: "any" }) as Node, "");

test("the example in the document is valid, without a notice", () => {
  const example = /```yaml\n([^]*?)```/.exec(document)?.[1] ?? "";
  expect(parseStrategy(example, "docs/strategy-file.md").notices).toEqual([]);
});

test("every key of the format stands in the document with its default, and no other", () => {
  const sections = ["indicators", "fuzzy_sets", "training.labels"];
  const expected = [...keys.keys()].filter((key) => !sections.includes(key));
  const written = [...rows.keys()].filter((key) => key.includes(".") || keys.has(key));
  const ignored = keysWithoutEffect.map(({ path }) => path);
  expect(written.filter((key) => !ignored.includes(key)).toSorted()).toEqual(expected.toSorted());
  for (const key of expected) {
    const defaults = [...new Set(keys.get(key)?.filter((value) => value !== undefined))];
    if (defaults.length === 0) continue;
    expect(rows.get(key)?.[0], key).toBe(
      defaults.map((value) => `\`${JSON.stringify(value).replaceAll('"', "")}\``).join(" or "),
    );
  }
});

test("every key without effect stands there with its reason", () => {
  for (const { path, why } of keysWithoutEffect) expect(rows.get(path), path).toEqual([why]);
});

test("every membership type and label type stands there with its parameters", () => {
  for (const type of Object.keys(membershipTypes)) expect(rows.has(type), type).toBe(true);
  for (const [name, type] of Object.entries(labelTypes)) {
    const { source: _, ...parameters } = type.schema.parse({}) as Record<string, number | string>;
    for (const [key, value] of Object.entries(parameters)) {
      const given = name.startsWith("zigzag") && key === "threshold" ? `\`${key}\`` : `\`${key}\` ${value}`;
      expect(rows.get(name)?.[0], name).toContain(given);
    }
  }
});
