import { timestampText } from "../../core/index.js";
import type { BarViolation, InspectedSeries } from "../store/index.js";

import type { BarCheck } from "./check.js";

/** How many gaps have each of the causes that are no fault. */
function expectedGaps({ gaps: { gaps } }: BarCheck): Record<"weekend" | "session" | "holiday", number> {
  const expected = { weekend: 0, session: 0, holiday: 0 };
  for (const { kind } of gaps) if (kind !== "unexpected") expected[kind]++;
  return expected;
}

/** A wrong bar; `bar` counts from 1. */
export interface ViolationRecord {
  readonly bar: number;
  readonly timestamp: string | null;
  readonly kind: BarViolation["kind"];
  readonly what: string;
}

/** What is found in a stored series, as `data check --json` has it. */
export interface CheckRecord {
  readonly symbol: string;
  readonly timeframe: string;
  readonly file: string;
  readonly sample: boolean;
  readonly bars: number;
  readonly start_date: string | null;
  readonly end_date: string | null;
  readonly market: string | null;
  readonly session_timezone: string | null;
  readonly new_york_holidays: boolean | null;
  readonly expected_gaps: ReturnType<typeof expectedGaps>;
  readonly unexpected_gaps: readonly { after: string; before: string; missing_bars: number }[];
  readonly missing_bars: number;
  readonly duplicates: readonly ViolationRecord[];
  readonly violations: readonly ViolationRecord[];
  readonly outliers: readonly {
    timestamp: string;
    kind: string;
    log_size: number;
    score: number;
    reverts: boolean;
  }[];
  readonly zero_volume: number;
  readonly refused: InspectedSeries["refused"];
  readonly repaired: InspectedSeries["repaired"];
  readonly notices: readonly string[];
}

/** What is found in a stored series, as data for programs. */
export function checkRecord(file: InspectedSeries, result: BarCheck): CheckRecord {
  const { sessions, gaps, missing } = result.gaps;
  const { symbol, timeframe, time } = file.bars;
  const unexpected = gaps.filter(({ kind }) => kind === "unexpected");
  return {
    symbol,
    timeframe,
    file: file.path,
    sample: file.fromSample,
    bars: result.bars,
    start_date: time.length === 0 ? null : timestampText(time[0]),
    end_date: time.length === 0 ? null : timestampText(time[time.length - 1]),
    market: sessions?.market ?? null,
    session_timezone: sessions?.timezone ?? null,
    new_york_holidays: sessions?.nyse ?? null,
    expected_gaps: expectedGaps(result),
    unexpected_gaps: unexpected.map((gap) => ({
      after: timestampText(gap.previous),
      before: timestampText(gap.next),
      missing_bars: gap.missing,
    })),
    missing_bars: missing,
    duplicates: result.duplicates.map(violationRecord),
    violations: result.violations.map(violationRecord),
    outliers: result.outliers.map(({ time: when, kind, size, score, reverts }) => ({
      timestamp: timestampText(when),
      kind,
      log_size: size,
      score,
      reverts,
    })),
    zero_volume: result.zeroVolume,
    refused: file.refused,
    repaired: file.repaired,
    notices: file.notices,
  };
}

function violationRecord({ index, time, kind, what }: BarViolation): ViolationRecord {
  return { bar: index + 1, timestamp: Number.isFinite(time) ? timestampText(time) : null, kind, what };
}
