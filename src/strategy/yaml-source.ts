import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import { pathText, type KeyPath, type Problem, type StrategyIssue } from "./issues.js";

/** A YAML text as plain data that remembers where everything stood. */
export interface YamlSource {
  /** Maps, lists, texts, numbers, booleans and nulls; undefined where the text is no YAML at all. */
  readonly document: unknown;
  /** Errors of the YAML itself: syntax, doubled keys, unknown tags. */
  readonly issues: readonly StrategyIssue[];
  /** Gives a problem its line and column. */
  readonly locate: (problem: Problem) => StrategyIssue;
}

/** More uses of anchors than this are taken for an attack on memory rather than for a strategy. */
const maxAliases = 100;

/**
 * Reads YAML 1.2 (so `NO` and `ON` are symbols, not booleans) with merge keys (`<<`), which the older system's reader
 * understood too. Only plain data: other tags than those of the core schema are issues, not objects.
 */
export function readYaml(text: string): YamlSource {
  const lines = new LineCounter();
  const yaml = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: "error",
    schema: "core",
    merge: true,
    resolveKnownTags: false,
  });

  const at = (offset: number, issue: Omit<StrategyIssue, "line" | "column">): StrategyIssue => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line, column: col, ...issue };
  };
  const locate = (problem: Problem): StrategyIssue =>
    at(offsetOf(yaml, problem.path, problem.atKey === true), {
      path: pathText(problem.path),
      message: problem.message,
      found: problem.found ?? null,
      allowed: problem.allowed ?? null,
      nearest: problem.nearest ?? null,
    });
  const broken = yaml.errors.find(({ code }) => code !== "DUPLICATE_KEY");
  const said = (message: string) => ({ path: "", message, found: null, allowed: null, nearest: null });
  if (broken !== undefined) {
    // After the first error of syntax the parser guesses; what it says then helps nobody.
    const message =
      broken.code === "MULTIPLE_DOCS"
        ? "a second document begins here; a file holds one strategy"
        : `not valid YAML: ${broken.message}`;
    return { document: undefined, issues: [at(broken.pos[0], said(message))], locate };
  }
  const issues = [
    ...yaml.warnings.map(({ message, pos }) => at(pos[0], said(`not plain data: ${message}`))),
    ...yaml.errors.map(({ pos }) => {
      const key = /^[^\s:#]*/.exec(text.slice(pos[0]))?.[0] ?? "";
      return at(pos[0], {
        ...said("this key stands here a second time"),
        found: JSON.stringify(key),
        allowed: "each key once",
      });
    }),
  ];
  for (const alias of wrongAliases(yaml)) {
    issues.push(at(startOf(alias.node) ?? 0, said(alias.message)));
  }

  let document: unknown;
  try {
    document = yaml.toJS({ maxAliasCount: maxAliases }) as unknown;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    if (issues.length === 0) issues.push(at(0, said("anchors within anchors stand for too much data")));
  }
  return { document, issues, locate };
}

/** Aliases of nothing, and the first of too many. */
function wrongAliases(yaml: Document): { node: Node; message: string }[] {
  const wrong: { node: Node; message: string }[] = [];
  let count = 0;
  visit(yaml, {
    Alias(_, node) {
      count++;
      if (count > maxAliases) {
        wrong.push({ node, message: `more than ${maxAliases} uses of anchors` });
        return visit.BREAK;
      }
      if (node.resolve(yaml) === undefined)
        wrong.push({ node, message: `there is no anchor "${node.source}" before this` });
      return undefined;
    },
  });
  return wrong;
}

const startOf = (node: unknown): number | undefined =>
  typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range)
    ? Number(node.range[0])
    : undefined;

/** A key as plain data has it: `1` and `"1"` are one key, and an empty key is "". */
const keyText = (key: unknown): string =>
  typeof key === "string" ? key : key === null ? "" : JSON.stringify(key);

/** The library reads the key `<<` as a symbol. */
const isMergeKey = (key: unknown): boolean => typeof key === "symbol" && key.description === "<<";

function pairOf(map: YAMLMap, key: string, yaml: Document): Pair | undefined {
  for (const pair of map.items) {
    if (isScalar(pair.key) && keyText(pair.key.value) === key) return pair;
  }
  for (const pair of map.items) {
    if (!isScalar(pair.key) || !isMergeKey(pair.key.value)) continue;
    const merged = resolved(pair.value, yaml);
    for (const source of isSeq(merged) ? merged.items : [merged]) {
      const inner = resolved(source, yaml);
      const found = isMap(inner) ? pairOf(inner, key, yaml) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function resolved(node: unknown, yaml: Document): unknown {
  return isAlias(node) ? node.resolve(yaml) : node;
}

/** Where the value (or key) of a path stands; where it is missing, the nearest thing above it that is there. */
function offsetOf(yaml: Document, path: KeyPath, atKey: boolean): number {
  let node: unknown = yaml.contents;
  let offset = startOf(node) ?? 0;
  path.forEach((part, depth) => {
    const parent = resolved(node, yaml);
    node = undefined;
    if (isSeq(parent) && typeof part === "number") {
      node = parent.items[part];
      offset = startOf(node as Node) ?? offset;
    } else if (isMap(parent)) {
      const pair = pairOf(parent, String(part), yaml);
      if (pair === undefined) return;
      node = pair.value;
      const key = startOf(pair.key) ?? offset;
      const last = depth === path.length - 1;
      // A section is found by its key; only the value that is wrong itself is pointed at.
      offset =
        last && !atKey
          ? (startOf(isScalar(pair.value) && pair.value.value === null ? null : pair.value) ?? key)
          : key;
    }
  });
  return offset;
}
