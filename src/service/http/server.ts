import { once } from "node:events";
import type { ServerResponse } from "node:http";
import swagger from "@fastify/swagger";
import rateLimit from "@fastify/rate-limit";
import fastify, { type FastifyReply, type FastifySchemaCompiler } from "fastify";
import { jsonSchemaTransform, type ZodTypeProvider } from "fastify-type-provider-zod";
import { z } from "zod";
import { codeOf, KnownError } from "../../core/index.js";
import { packageVersion } from "../../pipeline/index.js";
import { errorSchema, failureOf, InvalidRequestError } from "./errors.js";
import { createGuard, type GuardOptions } from "./guard.js";
import { isLoopback } from "./loopback.js";

/** How a service is set up. */
export interface ServiceOptions extends GuardOptions {
  /** 0 for a free one. */
  readonly port: number;
  readonly title: string;
  readonly description: string;
  /** Told of errors that are bugs. */
  readonly onBug: (error: unknown) => void;
  /** Requests that one address may make in a second; enough for fifty clients that poll as fast as they can. */
  readonly requestsPerSecond?: number;
}

/** The port is taken, or the address is none of this machine's. */
export class ListenError extends KnownError {
  readonly code = "CANNOT_LISTEN";

  constructor(bind: string, port: number, cause: unknown) {
    const why: Record<string, string> = {
      EADDRINUSE: `port ${port} is in use. Give another with --port, or 0 for a free one`,
      EADDRNOTAVAIL: `"${bind}" is no address of this machine`,
      ENOTFOUND: `"${bind}" is no address of this machine`,
      EACCES: `port ${port} may not be used by this user. Give one from 1024 with --port`,
    };
    const code = codeOf(cause) ?? "";
    super(`The service cannot listen on ${bind}:${port}: ${why[code] ?? code}.`);
    this.cause = cause;
  }
}

/** A strategy has some kilobytes; nothing else that is sent is longer. */
const maxBodyBytes = 1 << 20;

/** At the end, how long clients may take to receive what is being sent to them. */
const lastRepliesMs = 1000;

const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return (data) => {
    const parsed = schema.safeParse(data ?? (httpPart === "body" ? undefined : {}));
    if (parsed.success) return { value: parsed.data };
    return { error: new InvalidRequestError(httpPart ?? "request", parsed.error, known) };
  };
};

function createApp(options: ServiceOptions) {
  const app = fastify({
    bodyLimit: maxBodyBytes,
    // Addresses that cannot be read (`%`, `%E0`), or that name something too long, are refused in the form of all errors.
    frameworkErrors: (error, _request, reply) => {
      const { status, body } = failureOf(error);
      (reply as FastifyReply).code(status).send(body);
    },
    requestTimeout: 30_000,
    // Connections that clients keep open would delay the end by a minute; `close` waits for replies first.
    forceCloseConnections: true,
    // A body that is no object, or names fields twice over a prototype, is refused by the parser.
    onProtoPoisoning: "error",
    onConstructorPoisoning: "error",
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  // Replies are written as they are; that they have the form that the documents promise is checked by tests.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = failureOf(error);
    if (status >= 500 && body.error.code === "INTERNAL") options.onBug(error);
    return reply.code(status).send(body);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `There is no ${request.method} ${request.url.split("?")[0]}. See /openapi.json.`;
    return reply.code(404).send({ error: { code: "NOT_FOUND", message, details: {} } });
  });
  return app;
}

/** The Fastify application that routes are added to. */
export type ServiceApp = ReturnType<typeof createApp>;

/** The replies that every route can give. */
export const commonReplies = {
  "4xx": errorSchema,
  "5xx": errorSchema,
} as const;

/** A service that listens. */
export interface RunningService {
  /** Such as `http://127.0.0.1:5002`. */
  readonly url: string;
  readonly app: ServiceApp;
  /** Stops listening; returns when all replies are sent. */
  close(): Promise<void>;
}

/**
 * Starts an HTTP service: requests and replies by zod schemas, OpenAPI made of them at `/openapi.json`, one form of errors,
 * and the checks of `createGuard` before anything else.
 *
 * @throws UsageError, ListenError
 */
export async function startService(
  options: ServiceOptions,
  addRoutes: (app: ServiceApp) => void | Promise<void>,
): Promise<RunningService> {
  const guard = createGuard(options);
  const app = createApp(options);
  const replying = new Set<ServerResponse>();
  app.addHook("onRequest", async (request, reply) => {
    replying.add(reply.raw);
    reply.raw.once("close", () => replying.delete(reply.raw));
    guard(request.headers);
    reply.header("cache-control", "no-store").header("x-content-type-options", "nosniff");
  });
  await app.register(rateLimit, { max: options.requestsPerSecond ?? 2000, timeWindow: 1000 });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: options.title, description: options.description, version: packageVersion },
      servers: [{ url: "/", description: "This service." }],
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", description: "Needed where the service has a token." },
        },
      },
      security: options.token === null ? [{}, { bearer: [] }] : [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
  });
  await addRoutes(app);
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  const { bind, port } = options;
  try {
    await app.listen({ host: bind, port });
  } catch (error) {
    await app.close();
    throw new ListenError(bind, port, error);
  }
  const address = app.server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  const name =
    isLoopback(bind) && !bind.includes(":") ? "127.0.0.1" : bind.includes(":") ? `[${bind}]` : bind;
  return {
    url: `http://${name}:${actual}`,
    app,
    async close() {
      const patience = AbortSignal.timeout(lastRepliesMs);
      const ends = [...replying].map((reply) => once(reply, "close", { signal: patience }));
      await Promise.allSettled(ends);
      await app.close();
    },
  };
}

/** Aborted when the connection of a request is closed before its reply was sent. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
