import { percentOf, type TrainingSession } from "../../orchestration/index.js";
import type { TrainingProgress } from "../../core/index.js";
import type { ServerEvent } from "../http/event-stream.js";

/** Events sent in one piece at most: what a client of a long session that comes late is sent first. */
const eventsPerPiece = 500;

/**
 * What a session tells, from after event number `from` to the final state: every phase, epoch and state with its number,
 * and the newest batch in between, at most 5 a second (that is how often a run sends messages).
 */
export async function* sessionEvents(
  session: TrainingSession,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent[]> {
  let told = Math.min(from, session.log.last);
  let batch = 0;
  while (!signal.aborted) {
    const { events, missed } = session.log.after(told, eventsPerPiece);
    const piece: ServerEvent[] = missed === 0 ? [] : [{ event: "missed", data: { events: missed } }];
    for (const { id, event } of events) {
      const { type, ...data } = event;
      const extra = type === "status" ? {} : { progress_percent: percentOf(event as TrainingProgress) };
      piece.push({ id, event: type, data: { ...data, ...extra } });
      told = id;
    }
    const newest = session.newestBatch;
    if (newest.number > batch && newest.event !== null && told === session.log.last) {
      const { type, ...data } = newest.event;
      piece.push({ event: type, data: { ...data, progress_percent: percentOf(newest.event) } });
      batch = newest.number;
    }
    if (piece.length > 0) yield piece;
    if (told < session.log.last) continue;
    if (session.isFinal) return;
    // Nothing is awaited between the look at the log and this, so nothing can come unnoticed in between.
    if (piece.length === 0) await session.changed(signal);
  }
}
