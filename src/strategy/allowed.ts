import * as z from "zod";
import type { KeyPath } from "./issues.js";
import { valueAt } from "./plain.js";

/** The part of JSON Schema in which zod describes what a value may be. */
interface JsonSchema {
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minItems?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

const jsonSchemas = new WeakMap<z.ZodType, readonly JsonSchema[]>();

/** What goes in and what comes out: a word is any text going in, and one of a list coming out. */
function jsonSchemasOf(schema: z.ZodType): readonly JsonSchema[] {
  let both = jsonSchemas.get(schema);
  if (both === undefined) {
    both = (["output", "input"] as const).map(
      (io) => z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema,
    );
    jsonSchemas.set(schema, both);
  }
  return both;
}

/** The alternatives of a union that fit the map at hand: a scheduler's keys depend on its type. */
function alternatives(schema: JsonSchema, value: unknown): JsonSchema[] {
  const options = schema.anyOf ?? schema.oneOf;
  if (options === undefined) return [schema];
  const fitting = options.filter(
    (option) =>
      (option.type !== "null" || value === null) &&
      Object.entries(option.properties ?? {}).every(
        ([key, { const: only }]) => only === undefined || only === (valueAt(value, [key]) ?? only),
      ),
  );
  return (fitting.length === 0 ? options : fitting).flatMap((option) => alternatives(option, value));
}

function schemasAt(schema: z.ZodType, path: KeyPath, document: unknown): JsonSchema[] {
  let here = [...jsonSchemasOf(schema)];
  let value = document;
  for (const part of path) {
    const parent = value;
    here = here
      .flatMap((node) => alternatives(node, parent))
      .flatMap((node) => {
        if (typeof part === "number") return node.items ?? [];
        const rest = typeof node.additionalProperties === "object" ? node.additionalProperties : [];
        return node.properties?.[part] ?? rest;
      });
    value = valueAt(value, [part]);
  }
  return here.flatMap((node) => alternatives(node, value));
}

/** The keys that a map at this path may have. */
export function knownKeys(schema: z.ZodType, path: KeyPath = [], document?: unknown): string[] {
  return [
    ...new Set(schemasAt(schema, path, document).flatMap((node) => Object.keys(node.properties ?? {}))),
  ];
}

function range(node: JsonSchema): string {
  const bounds: string[] = [];
  if (node.exclusiveMinimum !== undefined) bounds.push(`above ${node.exclusiveMinimum}`);
  else if (node.minimum !== undefined && node.minimum > Number.MIN_SAFE_INTEGER)
    bounds.push(`of at least ${node.minimum}`);
  if (node.exclusiveMaximum !== undefined) bounds.push(`below ${node.exclusiveMaximum}`);
  else if (node.maximum !== undefined && node.maximum < Number.MAX_SAFE_INTEGER)
    bounds.push(`${bounds.length === 0 ? "of " : ""}at most ${node.maximum}`);
  return bounds.length === 0 ? "" : ` ${bounds.join(" and ")}`;
}

function describeNode(node: JsonSchema): string | undefined {
  if (node.description !== undefined) return node.description;
  if (node.enum !== undefined) return node.enum.map(String).join(", ");
  if (node.const !== undefined) return JSON.stringify(node.const).replaceAll('"', "");
  if (Array.isArray(node.type)) return node.type.map((type) => describeNode({ type })).join(" or ");
  switch (node.type) {
    case "integer":
      return `a whole number${range(node)}`;
    case "number":
      return `a number${range(node)}`;
    case "boolean":
      return "true or false";
    case "string":
      return "a text";
    case "array": {
      const items = node.items === undefined ? undefined : describeNode(node.items);
      const count = node.minItems === undefined ? "a list" : `a list of at least ${node.minItems}`;
      return items === undefined ? count : `${count}, each ${items}`;
    }
    case "object": {
      const keys = Object.keys(node.properties ?? {});
      return keys.length === 0 ? "a map" : `a map of ${keys.join(", ")}`;
    }
    default:
      return undefined;
  }
}

/** What is allowed at a path, in words. */
export function allowedAt(schema: z.ZodType, path: KeyPath, document: unknown): string | undefined {
  const words = schemasAt(schema, path, document).map(describeNode);
  const known = words.filter((text) => text !== undefined);
  // The first comes from what the schema gives out, which says more than what it takes in.
  return known[0];
}

/** What a schema says itself of what is allowed; its own messages need no more. */
export function describedAt(schema: z.ZodType, path: KeyPath, document: unknown): string | undefined {
  return schemasAt(schema, path, document).find((node) => node.description !== undefined)?.description;
}
