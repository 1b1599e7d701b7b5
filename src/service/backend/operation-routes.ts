import { z } from "zod";
import type { TrainingProgress } from "../../core/index.js";
import {
  cancelOperation,
  isFinal,
  operationStatuses,
  watchOperation,
  type OperationDetails,
  type OperationStore,
} from "../../operations/index.js";
import { percentOf, TrainingSession } from "../../orchestration/index.js";
import { sessionEvents } from "../host/session-stream.js";
import { metricsSchema, progressSchema, reportOf } from "../host/session-views.js";
import { lastEventHeaders, sendEvents, streamReply, type ServerEvent } from "../http/event-stream.js";
import { ServiceError } from "../http/errors.js";
import { commonReplies, type ServiceApp } from "../http/server.js";
import type { BackendContext } from "./context.js";
import { dataReply, record, success, word } from "./replies.js";

const recordSchema = z.object({
  operation_id: z.string(),
  operation_type: z.string(),
  status: z.enum(operationStatuses),
  created_at: z.string(),
  started_at: z.string().nullable(),
  completed_at: z.string().nullable(),
  cancel_requested_at: z.string().nullable(),
  error_message: z.string().nullable(),
  metadata: record,
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});

const detailsSchema = recordSchema.extend({
  result_summary: record.nullable(),
  pid: z.int().nullable(),
  progress: progressSchema.nullable().describe("Null where another process runs it, or it ended long ago."),
  metrics: metricsSchema,
});

const idParams = z.object({ operation_id: word });

/** The result of a completed training: from memory, or from the model that it saved. @throws ServiceError */
export function resultOf({ trainings, storage }: BackendContext, details: OperationDetails) {
  const held = trainings.find(details.operation_id)?.result;
  if (held) return held as unknown as Record<string, object>;
  const name = details.result_summary?.["model_name"];
  if (typeof name !== "string") {
    throw new ServiceError(404, "NO_RESULT", `Operation ${details.operation_id} has no result.`);
  }
  const { path, strategyName, metrics, metadata } = storage.load(name);
  const { model_info, data_summary, verdict, resource_usage, time_receipt, leak_receipt, notices } = metadata;
  return {
    model_name: name,
    model_path: path,
    strategy_name: strategyName,
    ...metrics,
    model_info,
    data_summary,
    verdict,
    resource_usage,
    time_receipt,
    leak_receipt,
    notices,
  } as unknown as Record<string, object>;
}

/** `/operations`: what runs and what ran, in this process and others of this machine. */
export function addOperationRoutes(app: ServiceApp, context: BackendContext): void {
  const { store, trainings, attendance } = context;
  const tags = ["operations"];
  app.get(
    "/api/v1/operations",
    {
      schema: {
        operationId: "listOperations",
        summary: "Operations, the newest first",
        tags,
        querystring: z.strictObject({
          status: z.enum(operationStatuses).optional(),
          operation_type: word.optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(10),
          offset: z.coerce.number().int().min(0).max(1e9).default(0),
          active_only: z.enum(["true", "false"]).default("false").describe("Only pending and running ones."),
        }),
        response: {
          200: z.object({
            success: z.literal(true),
            data: z.array(recordSchema),
            total_count: z.int().describe("Of all operations."),
            active_count: z.int().describe("Of those that wait or run."),
          }),
          ...commonReplies,
        },
      },
    },
    async ({ query }) => {
      const { status, operation_type: type, limit, offset } = query;
      const counts = store.counts();
      const filter = type === undefined ? {} : { type };
      const active = query.active_only === "true";
      const data = active
        ? [...store.list({ ...filter, status: "pending" }), ...store.list({ ...filter, status: "running" })]
            .filter((one) => status === undefined || one.status === status)
            .slice(offset, offset + limit)
        : store.list({ ...filter, limit, offset, ...(status === undefined ? {} : { status }) });
      return {
        success: true as const,
        data,
        total_count: Object.values(counts).reduce((sum, count) => sum + count, 0),
        active_count: counts.pending + counts.running,
      };
    },
  );
  app.get(
    "/api/v1/operations/:operation_id",
    {
      schema: {
        operationId: "getOperation",
        summary: "State and progress of an operation",
        tags,
        params: idParams,
        response: dataReply(detailsSchema),
      },
    },
    async ({ params }) => {
      const { address: _address, ...details } = store.get(params.operation_id);
      attendance.ask(details.operation_id);
      return success({ ...details, ...reportOf(trainings.find(details.operation_id) ?? null) });
    },
  );
  app.delete(
    "/api/v1/operations/:operation_id",
    {
      schema: {
        operationId: "cancelOperation",
        summary: "Stop an operation; replies when it has ended",
        tags,
        params: idParams,
        querystring: z.strictObject({ reason: z.string().max(500).optional() }),
        response: {
          200: z.object({
            success: z.literal(true),
            operation_id: z.string(),
            status: z.enum(operationStatuses),
            cancelled_at: z.string().nullable(),
            cancellation_reason: z.string().nullable(),
            latency_ms: z.number().describe("From the request to the stored final state."),
          }),
          ...commonReplies,
        },
      },
    },
    async ({ params, query }) => {
      const { record: ended, latencyMs } = await cancelOperation(store, params.operation_id);
      return {
        success: true as const,
        operation_id: ended.operation_id,
        status: ended.status,
        cancelled_at: ended.status === "cancelled" ? ended.completed_at : null,
        cancellation_reason: query.reason ?? null,
        latency_ms: latencyMs,
      };
    },
  );
  app.get(
    "/api/v1/operations/:operation_id/results",
    {
      schema: {
        operationId: "operationResults",
        summary: "The result of a completed operation: the same fields as `ktrdr models train --json`",
        tags,
        params: idParams,
        response: dataReply(record),
      },
    },
    async ({ params }) => {
      const details = store.get(params.operation_id);
      const { operation_id, status, error } = details;
      if (status !== "completed") {
        const why = error === null ? "" : ` (${error.code}: ${error.message})`;
        throw new ServiceError(
          400,
          "NOT_COMPLETED",
          `Operation ${operation_id} has no result: it is ${status}${why}.`,
        );
      }
      return success(resultOf(context, details));
    },
  );
  app.get(
    "/api/v1/operations/:operation_id/stream",
    {
      schema: {
        operationId: "streamOperation",
        summary: "Every phase, epoch and state as server-sent events, and at most 20 batches a second",
        tags,
        params: idParams,
        headers: lastEventHeaders,
        response: { 200: streamReply, ...commonReplies },
      },
    },
    (request, reply) => {
      const { operation_id, status, error } = store.get(request.params.operation_id);
      const session = trainings.find(operation_id);
      const from = request.headers["last-event-id"] ?? 0;
      sendEvents(request, reply, (signal) => {
        attendance.follow(operation_id, signal);
        if (session instanceof TrainingSession) return sessionEvents(session, from, signal);
        return isFinal(status) ? lastEvent(status, error) : otherEvents(store, operation_id, signal);
      });
    },
  );
}

async function* lastEvent(status: string, error: object | null): AsyncGenerator<ServerEvent[]> {
  yield [{ event: "status", data: { status, error } }];
}

/** Follows an operation of another process, over its socket; its events have no numbers. */
async function* otherEvents(
  store: OperationStore,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent[]> {
  let gathered: ServerEvent[] = [];
  let wake = (): void => undefined;
  let end: OperationDetails | null = null;
  let failed: Error | null = null;
  const take = (event: TrainingProgress): void => {
    const { type, ...data } = event;
    // A reader that is slow gets the newest.
    if (gathered.length < 5000)
      gathered.push({ event: type, data: { ...data, progress_percent: percentOf(event) } });
    wake();
  };
  watchOperation(store, id, take, signal).then(
    (details) => ((end = details), wake()),
    (error: unknown) => ((failed = error as Error), wake()),
  );
  signal.addEventListener("abort", () => wake(), { once: true });
  while (!signal.aborted) {
    if (gathered.length > 0) {
      const piece = gathered;
      gathered = [];
      yield piece;
      continue;
    }
    if (failed !== null) return;
    if (end !== null) {
      const { status, error } = end as OperationDetails;
      yield [{ event: "status", data: { status, error } }];
      return;
    }
    await new Promise<void>((resolve) => (wake = resolve));
  }
}
