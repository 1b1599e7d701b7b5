import { KnownError } from "../core/index.js";
import type { DropCause, SymbolSplit } from "./split-symbol.js";
import { parts, type Part, type SplitSpec } from "./split.js";

/** What an empty part was made of, for one symbol. */
export interface EmptyPartCounts {
  readonly symbol: string;
  /** Base bars in the part's time. */
  readonly bars: number;
  readonly dropped: Readonly<Partial<Record<DropCause, number>>>;
}

const causeTexts: Record<DropCause, string> = {
  warm_up: "in warm-up",
  undefined_feature: "with an undefined feature",
  no_label: "without a label yet",
  purged: "purged",
  embargoed: "embargoed",
};

const remedies: Record<DropCause, string> = {
  warm_up: "Store earlier bars, begin later, or use shorter indicator periods or lags.",
  undefined_feature: "Take out the indicator that has no value there, or use other bars.",
  no_label: "Store later bars, widen the range, or use labels with a shorter horizon or a smaller threshold.",
  purged: "Widen the range, or use labels with a shorter horizon or a smaller threshold.",
  embargoed: "Widen the range or shorten data_split.embargo.",
};

function describe({ symbol, bars, dropped }: EmptyPartCounts): string {
  const causes = (Object.entries(dropped) as [DropCause, number][])
    .filter(([, count]) => count > 0)
    .map(([cause, count]) => `${count} ${causeTexts[cause]}`);
  return `${symbol} has ${bars} bars there${causes.length === 0 ? "" : ` (${causes.join(", ")})`}`;
}

function commonestCause(counts: readonly EmptyPartCounts[]): DropCause | null {
  const totals = new Map<DropCause, number>();
  for (const { dropped } of counts) {
    for (const [cause, count] of Object.entries(dropped) as [DropCause, number][]) {
      if (count > 0) totals.set(cause, (totals.get(cause) ?? 0) + count);
    }
  }
  return [...totals].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

/** A part of the data has no sample of any symbol, so the run cannot train or cannot be judged. */
export class EmptySplitError extends KnownError {
  readonly code = "EMPTY_SPLIT";
  readonly part: Part;
  readonly symbols: readonly EmptyPartCounts[];

  constructor(part: Part, symbols: readonly EmptyPartCounts[]) {
    const cause = commonestCause(symbols);
    const remedy = cause === null ? `Widen the range or raise data_split.${part}.` : remedies[cause];
    super(`The ${part} part has no samples: ${symbols.map(describe).join("; ")}. ${remedy}`);
    this.part = part;
    this.symbols = symbols;
  }
}

/**
 * Stops a run one of whose parts is empty over all symbols; validation may be empty where none was asked for.
 *
 * @throws EmptySplitError for the first empty part
 */
export function assertPartsNotEmpty(splits: readonly SymbolSplit[], { validation }: SplitSpec): void {
  for (const part of parts) {
    if (part === "validation" && validation === 0) continue;
    if (splits.some((split) => split[part].length > 0)) continue;
    throw new EmptySplitError(
      part,
      splits.map(({ symbol, byPart }) => ({ symbol, ...byPart[part] })),
    );
  }
}
