import { createHash, timingSafeEqual } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { UsageError } from "../../core/index.js";
import { ServiceError } from "./errors.js";
import { isLoopback } from "./loopback.js";

/** Who may speak to a service. */
export interface GuardOptions {
  /** Address that it listens on. */
  readonly bind: string;
  /** Bearer token; null for none. */
  readonly token: string | null;
  /** Further names under which the service is reached, without port. */
  readonly allowedHosts: readonly string[];
}

/** The headers that are looked at. */
export interface GuardedHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly authorization?: string | undefined;
}

/**
 * Checks the headers of every request: that it means this service (a page of another site whose name was made to point here does
 * not), that no page of another site sent it, and that it has the token.
 *
 * @throws UsageError when there is no token and other machines could connect
 */
export function createGuard({ bind, token, allowedHosts }: GuardOptions): (headers: GuardedHeaders) => void {
  if (token === null && !isLoopback(bind)) {
    throw new UsageError(
      `--bind: "${bind}" can be reached by other machines, so a token is needed. Set one with --token or KTRDR_TOKEN.`,
    );
  }
  if (token !== null && !/^[\x21-\x7e]{8,}$/.test(token)) {
    throw new UsageError("--token: at least 8 characters are needed, without spaces.");
  }
  const names = new Set([bind, ...allowedHosts, ...ownNames(bind)].map(hostKey));
  const expected = token === null ? null : digest(`Bearer ${token}`);
  return ({ host, origin, authorization }) => {
    const name = host === undefined ? null : hostNameOf(host);
    if (name === null || !names.has(name)) {
      throw new ServiceError(
        403,
        "FOREIGN_HOST",
        `This service is not called "${host ?? ""}". Use its address, or start it with --allow-host.`,
      );
    }
    if (origin !== undefined && originHost(origin) !== host?.toLowerCase()) {
      throw new ServiceError(403, "FOREIGN_ORIGIN", `Pages of "${origin}" may not use this service.`);
    }
    if (expected !== null && !timingSafeEqual(digest(authorization ?? ""), expected)) {
      throw new ServiceError(
        401,
        "UNAUTHORIZED",
        "A valid bearer token is needed (Authorization: Bearer ...).",
      );
    }
  };
}

/** The names of this machine that fit the address: loopback ones, or, when it listens everywhere, all it has. */
function ownNames(bind: string): string[] {
  const local = ["localhost", "127.0.0.1", "::1"];
  if (isLoopback(bind)) return local;
  if (bind !== "0.0.0.0" && bind !== "::") return [];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return [...local, hostname(), ...addresses.map(({ address }) => address)];
}

function hostKey(name: string): string {
  return name.toLowerCase().replace(/^\[|\]$/g, "");
}

function hostNameOf(host: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[^:/@?#\\\s]+)(?::\d{1,5})?$/i.exec(host);
  return match === null ? null : hostKey(match[1]);
}

function originHost(origin: string): string | null {
  return /^http:\/\/([^/?#@\\\s]+)$/i.exec(origin)?.[1].toLowerCase() ?? null;
}

/** Texts of any length in one length, so that comparing takes the same time for all. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
