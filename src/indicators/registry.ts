import { KnownError, nearestName } from "../core/index.js";
import type { Indicator } from "./define.js";
import { atrIndicator } from "./atr/atr.js";
import { bollingerBandsIndicator } from "./bollingerbands/bollingerbands.js";
import { emaIndicator } from "./ema/ema.js";
import { rsiIndicator } from "./rsi/rsi.js";
import { smaIndicator } from "./sma/sma.js";

/** An indicator whose parameters' type is not known here; they come from its own schema. */
// oxlint-disable-next-line typescript/no-explicit-any -- parameters are contravariant: no other type takes every member
export type AnyIndicator = Indicator<any>;

/** Every indicator by its canonical name. */
export const indicators: Readonly<Record<string, AnyIndicator>> = {
  atr: atrIndicator,
  bollingerbands: bollingerBandsIndicator,
  ema: emaIndicator,
  rsi: rsiIndicator,
  sma: smaIndicator,
};

/** Canonical names, in the registry's order. */
export const indicatorNames: readonly string[] = Object.keys(indicators);

/** No indicator has this name or alias. */
export class UnknownIndicatorError extends KnownError {
  readonly code = "UNKNOWN_INDICATOR";
  readonly indicator: string;
  /** The known name or alias closest to it, null where none is near. */
  readonly nearest: string | null;
  readonly known: readonly string[];

  constructor(indicator: string) {
    const nearest = nearestName(withoutSeparators(indicator), byName.keys()) ?? null;
    super(
      `No indicator is called "${indicator}".${nearest === null ? "" : ` Did you mean "${nearest}"?`} ` +
        `Known: ${indicatorNames.join(", ")}.`,
    );
    this.indicator = indicator;
    this.nearest = nearest;
    this.known = indicatorNames;
  }
}

function withoutSeparators(name: string): string {
  return name.toLowerCase().replaceAll("_", "");
}

const byName = new Map<string, AnyIndicator>();
for (const indicator of Object.values(indicators)) {
  for (const name of [indicator.name, ...indicator.aliases]) byName.set(name, indicator);
}

/** The indicator of this name or alias; case and `_` do not matter. @throws UnknownIndicatorError */
export function findIndicator(name: string): AnyIndicator {
  const found = byName.get(withoutSeparators(name));
  if (found === undefined) throw new UnknownIndicatorError(name);
  return found;
}
