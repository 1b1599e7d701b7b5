import type { Command } from "commander";
import { isLoopback } from "../service/http/loopback.js";
import { wholeNumber } from "./command.js";
import { note } from "./io.js";

/** Options of both services. */
export interface ServiceFlags {
  port: number;
  bind: string;
  token?: string;
  allowHost?: string[];
  maxSessions: number;
}

/** The options of both services. */
export function withServiceOptions(command: Command, port: number): Command {
  return command
    .option("--port <n>", "port; 0 for a free one", wholeNumber("--port", 0, 65_535), port)
    .option(
      "--bind <address>",
      "address to listen on; other than this machine's own needs a token",
      "127.0.0.1",
    )
    .option("--token <token>", "bearer token that requests must have (default: KTRDR_TOKEN)")
    .option("--allow-host <names...>", "further names by which the service is reached")
    .option(
      "--max-sessions <n>",
      "trainings at once; others wait",
      wholeNumber("--max-sessions", 1, 1000),
      1,
    );
}

/** Address, token and names, from flags and the environment. */
export function guardOf({ bind, port, token, allowHost = [] }: ServiceFlags, env = process.env) {
  const given = token ?? env["KTRDR_TOKEN"];
  return { bind, port, token: given === undefined || given === "" ? null : given, allowedHosts: allowHost };
}

/** Errors that are bugs, with their stack. */
export function noteBug(error: unknown): void {
  note(`A request failed by a bug in ktrdr. Please report it with the lines below.`);
  note(error instanceof Error ? (error.stack ?? error.message) : String(error));
}

/** Says where the service listens, and runs it until the first Ctrl-C or SIGTERM; the second ends the process at once. */
export async function runService(
  { url, close }: { readonly url: string; readonly close: () => Promise<void> },
  bind: string,
): Promise<void> {
  if (!isLoopback(bind)) note(`Other machines can reach this service on ${bind}; requests need the token.`);
  note(`Listening on ${url}`);
  let asked = 0;
  await new Promise<void>((resolve) => {
    const onSignal = (): void => {
      if (++asked > 1) process.exit(130);
      note("Stopping: trainings that run are cancelled.");
      resolve();
    };
    process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  });
  await close();
}
