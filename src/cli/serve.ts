import { asksBackend } from "./api.js";
import type { RegisterCommands } from "./command.js";
import { type CommonOptions, foldersOf } from "./io.js";
import { guardOf, noteBug, runService, withServiceOptions, type ServiceFlags } from "./service-run.js";

/** `ktrdr serve`. */
export const registerServeCommand: RegisterCommands = (program) => {
  asksBackend(withServiceOptions(program.command("serve"), 8000))
    .description("Run the backend until Ctrl-C: all of this over HTTP; docs/host-api.md has its routes.")
    .option("--data-dir <dir>", "folder of bars (default: ./data)")
    .option("--models-dir <dir>", "folder of models (default: ./models)")
    .action(serve);
};

async function serve(options: ServiceFlags & CommonOptions): Promise<void> {
  const [{ startBackendService }, { hostSettings }] = await Promise.all([
    import("../service/index.js"),
    import("../service/manager/index.js"),
  ]);
  const folders = foldersOf(options);
  const service = await startBackendService({
    ...guardOf(options),
    dataFolder: folders.data,
    modelsFolder: folders.models,
    strategiesFolder: folders.strategies,
    operationsFile: folders.operations,
    maxSessions: options.maxSessions,
    host: hostSettings(),
    onBug: noteBug,
  });
  await runService(service, options.bind);
}
