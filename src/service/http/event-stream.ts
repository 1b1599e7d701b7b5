import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

/** Time after which a silent stream sends a comment, so that both ends learn when the other is gone. */
export const heartbeatMs = 1000;

/** One server-sent event. Those with an id can be asked for again with `Last-Event-ID`. */
export interface ServerEvent {
  readonly id?: number;
  readonly event: string;
  readonly data: object;
}

/** An event in the words of the protocol (WHATWG HTML, 9.2). */
export function eventText({ id, event, data }: ServerEvent): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Header of a request that goes on where a broken stream ended. */
export const lastEventHeaders = z.looseObject({
  "last-event-id": z.coerce.number().int().min(0).optional().describe("Number of the last event received."),
});

/** The document of a route that streams. */
export const streamReply = {
  description: "Server-sent events; ends after the event with the final state.",
  content: { "text/event-stream": { schema: z.string() } },
} as const;

/**
 * Replies with a stream of events. A reader that is slow is read for more slowly and gets the newest then: nothing piles up here.
 *
 * @param source yields what there is, many at a time; must end when the signal is aborted, which is when the client has gone
 */
export function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  source: (signal: AbortSignal) => AsyncIterable<readonly ServerEvent[]>,
): void {
  const gone = new AbortController();
  const goneNow = (): void => gone.abort();
  request.raw.socket.once("close", goneNow);
  reply.raw.once("close", goneNow);
  async function* texts(): AsyncGenerator<string> {
    // Sent at once, so that the client knows that it is connected.
    yield "retry: 500\n\n";
    try {
      for await (const events of source(gone.signal)) yield events.map(eventText).join("");
    } finally {
      request.raw.socket.off("close", goneNow);
    }
  }
  const stream = Readable.from(withHeartbeat(texts(), gone.signal));
  // Whoever is gone misses nothing.
  stream.on("error", () => undefined);
  void reply
    .header("content-type", "text/event-stream; charset=utf-8")
    .header("x-accel-buffering", "no")
    .send(stream);
}

/** The texts, with a comment wherever none came for a while. */
async function* withHeartbeat(texts: AsyncGenerator<string>, gone: AbortSignal): AsyncGenerator<string> {
  let next = texts.next();
  try {
    while (!gone.aborted) {
      let silence: NodeJS.Timeout | undefined;
      const silent = new Promise<null>((resolve) => (silence = setTimeout(resolve, heartbeatMs, null)));
      const result = await Promise.race([next, silent]).finally(() => clearTimeout(silence));
      if (result === null) {
        yield ":\n\n";
        continue;
      }
      if (result.done) return;
      yield result.value;
      next = texts.next();
    }
  } finally {
    await texts.return(undefined);
  }
}
