import { KnownError } from "../../core/index.js";

/** The provider's address or headers are set wrongly. Never shows their values: they may be secret. */
export class ProviderConfigError extends KnownError {
  readonly code = "PROVIDER_CONFIG";
}

/** Where bars come from over HTTP: from `KTRDR_PROVIDER_URL` and `KTRDR_PROVIDER_HEADERS`. */
export interface ProviderConfig {
  /** Address with `{symbol}`, `{timeframe}`, `{from}` and `{to}` (ISO instants, `to` exclusive). */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const placeholders = ["symbol", "timeframe", "from", "to"];

/** @throws ProviderConfigError unless it is an http(s) address with known placeholders, `{symbol}` among them */
export function checkTemplate(url: string): void {
  const known = placeholders.map((name) => `{${name}}`).join(", ");
  for (const [, name] of url.matchAll(/\{([^}]*)\}/g)) {
    if (!placeholders.includes(name)) {
      throw new ProviderConfigError(`KTRDR_PROVIDER_URL has the placeholder {${name}}. Known: ${known}.`);
    }
  }
  if (!url.includes("{symbol}")) {
    throw new ProviderConfigError(`KTRDR_PROVIDER_URL has no {symbol}. Placeholders: ${known}.`);
  }
  const filled = url.replace(/\{[^}]*\}/g, "x");
  const parsed = URL.canParse(filled) ? new URL(filled) : null;
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new ProviderConfigError("KTRDR_PROVIDER_URL is no http:// or https:// address.");
  }
  if (/^[a-z]+:\/\/[^/?#]*\{/i.test(url)) {
    throw new ProviderConfigError(
      "KTRDR_PROVIDER_URL has a placeholder in its host; use them in path and query only.",
    );
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw new ProviderConfigError(
      "KTRDR_PROVIDER_URL contains a user name or password. Put them in KTRDR_PROVIDER_HEADERS, for example as an Authorization header.",
    );
  }
}

/** Parses `Name: value` lines. @throws ProviderConfigError naming the line */
export function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    const value = line.slice(colon + 1).trim();
    if (
      colon < 0 ||
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ||
      !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)
    ) {
      throw new ProviderConfigError(
        `Line ${index + 1} of KTRDR_PROVIDER_HEADERS is no "Name: value" header. Write one header a line.`,
      );
    }
    headers[name] = value;
  }
  return headers;
}

/** The provider that the environment names, or null. @throws ProviderConfigError */
export function providerConfigFrom(env: NodeJS.ProcessEnv): ProviderConfig | null {
  const url = env["KTRDR_PROVIDER_URL"];
  if (!url) return null;
  checkTemplate(url);
  return { url, headers: parseHeaders(env["KTRDR_PROVIDER_HEADERS"] ?? "") };
}
