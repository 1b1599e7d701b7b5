import { neverCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { findViolations, type BarViolation } from "../store/index.js";
import { findGaps, type GapReport } from "./gaps.js";
import { findOutliers, type Outlier } from "./outliers.js";

/** What a check of a series found. */
export interface BarCheck {
  readonly bars: number;
  readonly gaps: GapReport;
  /** Bars with the time of the bar before. */
  readonly duplicates: readonly BarViolation[];
  /** Bars out of order, or with impossible prices or volume. */
  readonly violations: readonly BarViolation[];
  /** Bars that stand out, largest first; these may be real. */
  readonly outliers: readonly Outlier[];
  /** Bars with a volume of 0. All of them where the source has no volume. */
  readonly zeroVolume: number;
}

/** Gaps, duplicates, impossible bars, outliers, zero volume. Bars need not be sound. O(n). */
export function checkBars(bars: Bars, token: CancellationToken = neverCancelled): BarCheck {
  const found = findViolations(bars, Infinity, token);
  const isDuplicate = ({ kind }: BarViolation): boolean => kind === "duplicate";
  return {
    bars: bars.time.length,
    gaps: findGaps(bars, token),
    duplicates: found.filter(isDuplicate),
    violations: found.filter((violation) => !isDuplicate(violation)),
    outliers: findOutliers(bars, token),
    zeroVolume: bars.volume.reduce((count, volume) => (volume === 0 ? count + 1 : count), 0),
  };
}
