import { z } from "zod";
import { didYouMean, KnownError, nearestName, wantedBy } from "../../core/index.js";

/** The body of every failure. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().describe("Stable; the same as the command line prints with --json."),
      message: z.string(),
      details: z.looseObject({}),
    }),
  })
  .describe("What went wrong, and what to do about it.");

/** The body of a failure. */
export type ErrorBody = z.infer<typeof errorSchema>;

/** One thing that is wrong in a request. */
export interface RequestIssue {
  /** Such as `body.symbols[0]`. */
  readonly path: string;
  readonly message: string;
}

/** A request that does not have the form its route takes; nothing was done. */
export class InvalidRequestError extends KnownError {
  readonly code = "INVALID_REQUEST";
  readonly issues: readonly RequestIssue[];

  /** @param known names that the part of the request may have, to find the nearest of an unknown one */
  constructor(part: string, error: z.core.$ZodError, known: readonly string[]) {
    const issues = error.issues.flatMap((issue) => issuesOf(part, issue, known));
    super(issues.map(({ path, message }) => `${path}: ${message}`).join("; "));
    this.issues = issues;
  }

  /** Fastify notes things of its own on the errors that it passes on. */
  override get details(): Record<string, unknown> {
    return { issues: this.issues };
  }
}

function issuesOf(part: string, issue: z.core.$ZodIssue, known: readonly string[]): RequestIssue[] {
  let path = part;
  for (const step of issue.path) path += typeof step === "number" ? `[${step}]` : `.${String(step)}`;
  if (issue.code !== "unrecognized_keys") return [{ path, message: wantedBy(issue) }];
  const allowed = issue.path.length === 0 && known.length > 0 ? ` Allowed: ${known.join(", ")}.` : "";
  return issue.keys.map((key) => {
    const nearest = issue.path.length === 0 ? nearestName(key, known) : undefined;
    const hint = didYouMean(nearest);
    return { path: `${path}.${key}`, message: `unknown field.${hint}${allowed}` };
  });
}

/** A failure that a service raises itself, with its HTTP status. */
export class ServiceError extends KnownError {
  readonly code: string;
  readonly #status: number;
  readonly #details: Record<string, unknown>;

  constructor(status: number, code: string, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.#status = status;
    this.#details = details;
  }

  /** HTTP status. */
  get status(): number {
    return this.#status;
  }

  override get details(): Record<string, unknown> {
    return this.#details;
  }
}

/** Codes whose HTTP status is not that of their kind: what is asked for is not there, or is in the wrong state. */
const statuses: Readonly<Record<string, number>> = {
  INVALID_REQUEST: 422,
  STRATEGY_INVALID: 422,
  STRATEGY_NAME: 422,
  BAD_SYMBOL: 422,
  MODEL_NOT_FOUND: 404,
  OPERATION_NOT_FOUND: 404,
  STRATEGY_NOT_FOUND: 404,
  NO_BARS: 404,
  OPERATION_FINISHED: 409,
  DISK_FULL: 507,
};

/** Fastify's own refusals, in our words' codes. */
const refusals: Readonly<Record<number, string>> = {
  400: "MALFORMED_REQUEST",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  413: "BODY_TOO_LARGE",
  414: "PATH_TOO_LONG",
  415: "UNSUPPORTED_MEDIA_TYPE",
  429: "RATE_LIMITED",
};

/** What Fastify says alike of text that is no JSON and of keys that could change what all objects inherit. */
const unreadableBody =
  'The body is not JSON, or has a key "__proto__", or a "constructor" with a "prototype", which are refused. Send a JSON object without them.';

/** HTTP status and body of any thrown value. A bug shows its message to nobody but the log. */
export function failureOf(thrown: unknown): { readonly status: number; readonly body: ErrorBody } {
  if (thrown instanceof KnownError) {
    const { code, message, details, isUsage } = thrown;
    const status = thrown instanceof ServiceError ? thrown.status : (statuses[code] ?? (isUsage ? 422 : 400));
    return { status, body: { error: { code, message, details } } };
  }
  const refused = (thrown ?? {}) as { statusCode?: number; code?: string; message?: string };
  const { statusCode } = refused;
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const code = refusals[statusCode] ?? "REFUSED";
    const isUnreadable = refused.code === "FST_ERR_CTP_INVALID_JSON_BODY";
    const message = isUnreadable ? unreadableBody : (refused.message ?? "Refused.");
    return { status: statusCode, body: { error: { code, message, details: {} } } };
  }
  const text = "This is a bug in ktrdr, not in your request; the service's output has the details.";
  return { status: 500, body: { error: { code: "INTERNAL", message: text, details: {} } } };
}
