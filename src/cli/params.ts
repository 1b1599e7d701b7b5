import type { Command } from "commander";
import { UsageError } from "../core/index.js";

/** Adds `--param name=value`, which may be given several times. */
export function withParamOption(command: Command): Command {
  return command.option(
    "--param <name=value>",
    "parameter as in strategy files; may be given several times",
    (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
  );
}

/** A parameter's value as typed: true, false, a number, or the text itself. */
function valueOf(text: string): boolean | number | string {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? text : number;
}

/** The map of all `--param name=value`. @throws UsageError for another form or a name given twice */
export function paramsOf(given: readonly string[] = []): Record<string, unknown> {
  const params = new Map<string, unknown>();
  for (const text of given) {
    const equals = text.indexOf("=");
    if (equals < 1) throw new UsageError(`--param: "${text}" is not of the form name=value, like period=14.`);
    const name = text.slice(0, equals).trim();
    if (params.has(name)) throw new UsageError(`--param: ${name} is given twice.`);
    params.set(name, valueOf(text.slice(equals + 1)));
  }
  return Object.fromEntries(params);
}
