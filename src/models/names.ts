import { StrategyNameError } from "./errors.js";

/** One version of one strategy's model, as its name says. */
export interface ModelName {
  readonly strategy: string;
  readonly timeframe: string;
  /** From 1. */
  readonly version: number;
}

const strategyForm = /^(?=.{1,100}$)[A-Za-z0-9_-](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?$/;
const versionForm = /^([0-9]{1,4}[A-Za-z]{1,3})_v([1-9][0-9]{0,8})$/;

/** True for a strategy name that is also the name of its folder of models. */
export function isStrategyName(text: string): boolean {
  return strategyForm.test(text);
}

/** @throws StrategyNameError */
export function checkStrategyName(text: string): void {
  if (!isStrategyName(text)) throw new StrategyNameError(text);
}

/** `1d_v3` taken apart; null for any other name. */
export function parseVersionFolder(text: string): { timeframe: string; version: number } | null {
  const match = versionForm.exec(text);
  return match === null ? null : { timeframe: match[1], version: Number(match[2]) };
}

/** `<timeframe>_v<N>`. */
export function versionFolder(timeframe: string, version: number): string {
  return `${timeframe}_v${version}`;
}

/** `<strategy>/<timeframe>_v<N>` taken apart; null for any other text. */
export function parseModelName(text: string): ModelName | null {
  const [strategy, folder, ...rest] = text.split("/");
  const parsed = parseVersionFolder(folder ?? "");
  if (parsed === null || rest.length > 0 || !isStrategyName(strategy)) return null;
  return { strategy, ...parsed };
}
