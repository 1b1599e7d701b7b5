import type * as z from "zod";
import { KnownError, nearestName, wantedBy } from "../core/index.js";
import { findIndicator, type AnyIndicator } from "./registry.js";

/** An indicator with its parameters, under the name by which a strategy refers to it. */
export interface IndicatorSpec {
  readonly featureId: string;
  readonly indicator: AnyIndicator;
  /** As the indicator's schema returned them: complete and checked. */
  readonly params: unknown;
}

/** Parameters that an indicator does not take. */
export class IndicatorParameterError extends KnownError {
  readonly code = "INDICATOR_PARAMETERS";
  readonly indicator: string;
  readonly problems: readonly string[];

  constructor(indicator: string, problems: readonly string[]) {
    super(`${indicator}: ${problems.join("; ")}`);
    this.indicator = indicator;
    this.problems = problems;
  }
}

/** One parameter of an indicator and what it is when not given (null: nothing). */
export interface IndicatorParameter {
  readonly name: string;
  readonly default: string | number | boolean | null;
}

/** The indicator's parameters with their defaults, in the schema's order. */
export function parametersOf(indicator: AnyIndicator): IndicatorParameter[] {
  const shape = (indicator.schema as unknown as z.ZodObject).shape;
  const defaults = indicator.schema.parse({}) as Record<string, string | number | boolean>;
  return Object.keys(shape).map((name) => ({ name, default: defaults[name] ?? null }));
}

/** Says a schema's complaint in words, with the nearest and all allowed names where a name is wrong. */
function problemsOf(
  issue: z.core.$ZodIssue,
  given: Record<string, unknown>,
  names: readonly string[],
): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const nearest = nearestName(key, names);
      const known = names.length === 0 ? "It takes no parameters" : `Known: ${names.join(", ")}`;
      return `unknown parameter "${key}"${nearest === undefined ? "" : `, did you mean "${nearest}"?`} ${known}`;
    });
  }
  const name = issue.path.join(".");
  return [`${name} is ${JSON.stringify(given[name]) ?? "missing"}: ${wantedBy(issue)}`];
}

/**
 * Checks an indicator's name and parameters and fills in defaults.
 *
 * @param featureId what a strategy calls it; columns are found under it
 * @param name      name or alias
 * @param params    as written in a strategy file
 * @throws UnknownIndicatorError
 * @throws IndicatorParameterError naming every wrong parameter
 */
export function makeIndicatorSpec(
  featureId: string,
  name: string,
  params: Record<string, unknown> = {},
): IndicatorSpec {
  const indicator = findIndicator(name);
  const parsed = indicator.schema.safeParse(params);
  if (!parsed.success) {
    const names = parametersOf(indicator).map((parameter) => parameter.name);
    const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, params, names));
    throw new IndicatorParameterError(indicator.name, problems);
  }
  return { featureId, indicator, params: parsed.data };
}

/** The outputs that this spec has, in their documented order. */
export function outputsOf({ indicator, params }: IndicatorSpec): readonly string[] {
  const omitted = indicator.omitted?.(params) ?? [];
  return indicator.outputs.filter((output) => !omitted.includes(output));
}

/** Bars before the first value of an output; of the slowest one where none is named. */
export function warmupOf(spec: IndicatorSpec, output?: string): number {
  const warmups = spec.indicator.warmup(spec.params);
  if (output !== undefined) return warmups[output];
  return Math.max(...outputsOf(spec).map((name) => warmups[name]));
}
