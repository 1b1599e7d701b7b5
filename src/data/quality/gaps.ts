import { inBlocks, neverCancelled, type CancellationToken } from "../../core/index.js";
import type { Bars } from "../bars.js";
import { timeframeMs } from "../timeframes.js";
import { learnSessions, type Absence, type Sessions } from "./sessions.js";

/** A stretch without bars between two bars. */
export interface Gap {
  /** Opening of the bar before and of the bar after, epoch ms. */
  readonly previous: number;
  readonly next: number;
  /** The gravest reason among the bars that are not there; `unexpected` means that at least one is really missing. */
  readonly kind: Absence;
  /** Bars missing without a known reason; 0 unless `unexpected`. */
  readonly missing: number;
}

/** Gaps of a series and the trading hours that they were judged by. */
export interface GapReport {
  /** All gaps, expected ones included, oldest first. */
  readonly gaps: readonly Gap[];
  readonly sessions: Sessions | null;
  /** Sum over all gaps. */
  readonly missing: number;
}

const gravity: Record<Absence, number> = { session: 0, weekend: 1, holiday: 2, unexpected: 3 };
const weekMs = 7 * 86_400_000;

function judge(previous: number, next: number, step: number, sessions: Sessions): Gap {
  // No holiday lasts four weeks: beyond that, whole weeks are counted by their number of bars.
  const wholeWeeks = Math.max(0, Math.floor((next - previous) / weekMs) - 4);
  let missing = wholeWeeks * sessions.barsPerWeek;
  let kind: Absence = wholeWeeks > 0 ? "unexpected" : "session";
  for (let at = previous + step + wholeWeeks * weekMs; at < next; at += step) {
    const absence = sessions.absenceAt(at);
    if (absence === "unexpected") missing++;
    if (gravity[absence] > gravity[kind]) kind = absence;
  }
  return { previous, next, kind, missing };
}

/**
 * Stretches in which bars follow each other by more than one step, told apart by why there is none: the market's
 * weekly rest, its daily rest, a holiday or early close, or no reason that is known (see `learnSessions`).
 *
 * A step that is longer than one but skips no whole bar is no gap. O(n + bars that are not there).
 */
export function findGaps(bars: Bars, token: CancellationToken = neverCancelled): GapReport {
  const { time, timeframe } = bars;
  if (time.length === 0) return { gaps: [], sessions: null, missing: 0 };
  const step = timeframeMs[timeframe];
  const sessions = learnSessions(bars, token);
  const gaps: Gap[] = [];
  let missing = 0;
  inBlocks(time.length, token, (from, to) => {
    for (let t = Math.max(1, from); t < to; t++) {
      if (time[t] - time[t - 1] < 2 * step) continue;
      const gap = judge(time[t - 1], time[t], step, sessions);
      gaps.push(gap);
      missing += gap.missing;
    }
  });
  return { gaps, sessions, missing };
}
