import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An OpenAPI document as far as tests look into it. */
export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiRoute>>>>;
}

/** One route of a document. */
export interface OpenApiRoute {
  readonly operationId?: string;
  readonly summary?: string;
  readonly responses: Readonly<Record<string, unknown>>;
}

/**
 * Lints a document with Redocly's `spec` rules: everything that the OpenAPI standard demands.
 *
 * @returns what the linter printed where it found an error; null where it found none
 */
export function lintOpenApi(document: unknown): string | null {
  const folder = mkdtempSync(join(tmpdir(), "ktrdr-openapi-"));
  try {
    writeFileSync(join(folder, "openapi.json"), JSON.stringify(document));
    // The rules that are left out ask for things that a service on one's own machine has not: a licence, a public address.
    const rules = "  info-license: off\n  no-server-example.com: off\n  operation-4xx-response: error\n";
    writeFileSync(join(folder, "redocly.yaml"), `extends: [recommended]\nrules:\n${rules}`);
    const root = createRequire(import.meta.url).resolve("@redocly/cli/package.json");
    const command = join(root, "..", "bin", "cli.js");
    const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
    execFileSync(process.execPath, [command, "lint", "openapi.json"], { cwd: folder, env, stdio: "pipe" });
    return null;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    return `${stdout ?? ""}${stderr ?? String(error)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
