import { join } from "node:path";
import type { TrainingSession } from "../orchestration/index.js";
import { asksBackend } from "./api.js";
import { groupOf, type RegisterCommands } from "./command.js";
import { type CommonOptions, foldersOf, note } from "./io.js";
import { guardOf, noteBug, runService, withServiceOptions, type ServiceFlags } from "./service-run.js";

/** `ktrdr host start`. */
export const registerHostCommands: RegisterCommands = (program) => {
  const host = groupOf(program, "host", "The training host: trains for other processes and machines.");
  asksBackend(withServiceOptions(host.command("start"), 5002))
    .description("Run the training host until Ctrl-C; docs/host-api.md has its routes.")
    .option("--data-dir <dir>", "folder of bars (default: ./data)")
    .option("--models-dir <dir>", "folder of models (default: ./models)")
    .action(startHost);
};

async function startHost(options: ServiceFlags & CommonOptions): Promise<void> {
  const { startHostService } = await import("../service/index.js");
  const folders = foldersOf(options);
  const service = await startHostService({
    ...guardOf(options),
    dataFolder: folders.data,
    modelsFolder: folders.models,
    sessionsFile: join(folders.home, ".ktrdr", "sessions.db"),
    maxSessions: options.maxSessions,
    onChange: noteSession,
    onBug: noteBug,
  });
  await runService(service, options.bind);
}

function noteSession({ sessionId, status, error, result }: TrainingSession): void {
  const why = error === null ? "" : `: ${error.code}`;
  note(
    `${new Date().toISOString()} ${sessionId} ${status}${why}${result === null ? "" : `: ${result.model_name}`}`,
  );
}
