import { UsageError } from "../../core/index.js";

/** Where a training may run: on the host if that is of use, here, or on the host. */
export const runModes = ["auto", "local", "host"] as const;

/** One of the run modes. */
export type RunMode = (typeof runModes)[number];

/** Where the host is, and whether trainings go there. */
export interface HostSettings {
  readonly defaultMode: RunMode;
  readonly url: string;
  readonly token: string | null;
}

/**
 * Reads `USE_TRAINING_HOST_SERVICE` (true, 1 or yes: `host`, else `local`), `TRAINING_HOST_SERVICE_URL` and
 * `TRAINING_HOST_SERVICE_TOKEN` (else `KTRDR_TOKEN`).
 *
 * @throws UsageError for an address that is none
 */
export function hostSettings(env: NodeJS.ProcessEnv = process.env): HostSettings {
  const use = /^(true|1|yes)$/i.test(env["USE_TRAINING_HOST_SERVICE"]?.trim() ?? "");
  return {
    defaultMode: use ? "host" : "local",
    url: serviceUrl("TRAINING_HOST_SERVICE_URL", env["TRAINING_HOST_SERVICE_URL"] || "http://localhost:5002"),
    token: env["TRAINING_HOST_SERVICE_TOKEN"] || env["KTRDR_TOKEN"] || null,
  };
}

/** An address without its last slash. @throws UsageError */
export function serviceUrl(variable: string, text: string): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError(`${variable}: "${text}" is no address such as http://localhost:5002.`);
  }
  return text.replace(/\/+$/, "");
}

/** @throws UsageError for a word that is no run mode */
export function parseRunMode(flag: string, text: string): RunMode {
  const mode = runModes.find((known) => known === text.toLowerCase());
  if (mode !== undefined) return mode;
  throw new UsageError(`${flag}: "${text}" is not known. Allowed: ${runModes.join(", ")}.`);
}
