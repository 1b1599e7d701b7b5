import type { TrainingProgress } from "../core/index.js";
import type { OperationStatus } from "./record.js";

/** What a watcher sends, a line of JSON each. */
export interface WatcherRequest {
  readonly type: "watch" | "cancel";
}

/** What the run sends, a line of JSON each; `final` is the last. */
export type RunMessage =
  | { readonly type: "progress"; readonly event: TrainingProgress }
  | { readonly type: "final"; readonly status: OperationStatus };

/** The longest line that either side sends is well below this; more is not our protocol. */
const maxLineBytes = 64 * 1024;

/**
 * Takes chunks of newline-delimited JSON and hands over each whole message; the returned function is false once the
 * text is not that.
 */
export function createLineReader<Message>(onMessage: (message: Message) => void): (chunk: Buffer) => boolean {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString("utf8");
      rest = rest.subarray(end + 1);
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch {
        return false;
      }
      if (typeof message !== "object" || message === null) return false;
      onMessage(message as Message);
    }
    return rest.length <= maxLineBytes;
  };
}
