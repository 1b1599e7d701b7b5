import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { codeOf, type TrainingProgress } from "../core/index.js";
import { OperationSocketError } from "./errors.js";
import { createLineReader, type RunMessage, type WatcherRequest } from "./protocol.js";
import type { OperationStatus } from "./record.js";
import { newSocketAddress, removeSocket } from "./socket-path.js";

/** A watcher that leaves this much unread is skipped until it has caught up; the run never waits for it. */
const maxUnreadBytes = 256 * 1024;

/** At the end, how long a watcher with a full buffer may take to receive the last line. */
const lastLineMs = 200;

/** The end of an operation's local socket that lives in the process of the run. */
export interface OperationServer {
  /** To be stored with the operation. */
  readonly address: string;
  /** Passes a report on to all watchers; costs nothing measurable while there are none. */
  publish(event: TrainingProgress): void;
  /** Tells all that the operation is over (its final state must be stored by then), and takes the socket away. */
  close(status: OperationStatus): Promise<void>;
}

/**
 * Lets other processes of this user watch and cancel a run, over a Unix socket or named pipe.
 *
 * @param onCancel called for each request to stop; must return at once and not throw
 * @throws OperationSocketError
 */
export async function startOperationServer({
  onCancel,
}: {
  readonly onCancel: () => void;
}): Promise<OperationServer> {
  const address = newSocketAddress();
  const removeAtExit = (): void => removeSocket(address);
  const connected = new Set<Socket>();
  const watchers = new Set<Socket>();
  // What a watcher that comes later has missed, as far as it still matters: the newest report of each kind.
  const newest = new Map<TrainingProgress["type"], TrainingProgress>();

  const server = createServer((socket) => {
    const forget = (): void => {
      connected.delete(socket);
      watchers.delete(socket);
    };
    connected.add(socket);
    socket.unref();
    // A watcher that vanishes (ECONNRESET, EPIPE) concerns nobody else.
    socket.on("error", () => socket.destroy());
    socket.on("close", forget);
    const read = createLineReader<WatcherRequest>(({ type }) => {
      if (type === "cancel") onCancel();
      if (type === "watch" && !watchers.has(socket)) {
        watchers.add(socket);
        for (const event of newest.values()) socket.write(lineOf({ type: "progress", event }));
      }
    });
    socket.on("data", (chunk) => {
      if (!read(chunk)) socket.destroy();
    });
  });
  try {
    server.listen(address);
    await once(server, "listening");
  } catch (error) {
    removeSocket(address);
    throw new OperationSocketError(address, codeOf(error) ?? "", error);
  }
  server.on("error", () => undefined);
  // Watching must not keep a process alive whose run is over.
  server.unref();
  process.once("exit", removeAtExit);

  return {
    address,
    publish(event) {
      newest.delete(event.type);
      newest.set(event.type, event);
      if (watchers.size === 0) return;
      const line = lineOf({ type: "progress", event });
      for (const socket of watchers) {
        if (socket.writableLength <= maxUnreadBytes) socket.write(line);
      }
    },
    async close(status) {
      process.off("exit", removeAtExit);
      server.close();
      const line = lineOf({ type: "final", status });
      await Promise.all([...connected].map((socket) => endWith(socket, line)));
      removeSocket(address);
    },
  };
}

function lineOf(message: RunMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/** Hands the last line to the system and closes; resolves also when nobody takes it. */
async function endWith(socket: Socket, line: string): Promise<void> {
  socket.ref();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lastLineMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    socket.once("close", done);
    socket.end(line, done);
  });
  socket.destroy();
}
