import { existsSync } from "node:fs";
import { type TrainingProgress, UsageError } from "../core/index.js";
import type {
  OperationDetails,
  OperationRecord,
  OperationStatus,
  OperationStore,
} from "../operations/index.js";
import { apiOf, asksBackend } from "./api.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import { csvOf } from "./csv.js";
import {
  alignRows,
  type CommonOptions,
  foldersOf,
  formatOf,
  note,
  printData,
  printText,
  printJson,
  wantsJson,
} from "./io.js";

interface ListOptions extends CommonOptions {
  status?: string;
  limit?: string;
}

/** `ktrdr operations list|show|watch|cancel`. */
export const registerOperationsCommands: RegisterCommands = (program) => {
  const operations = groupOf(program, "operations", "What runs and what ran: list, watch, cancel.");
  const id = "operation id, or a beginning that no other has";
  asksBackend(withCommonOptions(operations.command("list")))
    .description("Operations, the newest first.")
    .option("--status <status>", "only pending, running, completed, failed or cancelled ones")
    .option("--limit <n>", "at most so many")
    .action(listOperations);
  asksBackend(withCommonOptions(operations.command("show")))
    .description("All that is recorded of an operation.")
    .argument("<id>", id)
    .action(showOperation);
  asksBackend(withCommonOptions(operations.command("watch")))
    .description("Follow an operation until it is over: a line per phase and epoch.")
    .argument("<id>", id)
    .action(watch);
  asksBackend(withCommonOptions(operations.command("cancel")))
    .description("Stop an operation; returns when its final state is recorded.")
    .argument("<id>", id)
    .action(cancel);
};

async function withStore<T>(
  options: CommonOptions,
  use: (store: OperationStore) => T | Promise<T>,
): Promise<T> {
  const { OperationStore } = await import("../operations/index.js");
  const store = new OperationStore(foldersOf(options).operations);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}

/** Looking makes no file: before the first operation there is none. */
function isRecording(options: CommonOptions): boolean {
  return existsSync(foldersOf(options).operations);
}

async function withOperation<T>(
  id: string,
  options: CommonOptions,
  use: (store: OperationStore) => T | Promise<T>,
): Promise<T> {
  if (isRecording(options)) return withStore(options, use);
  const { OperationNotFoundError } = await import("../operations/index.js");
  throw new OperationNotFoundError(id, [], "last");
}

async function listed(
  options: ListOptions,
  filter: { status?: OperationStatus; limit?: number },
): Promise<OperationRecord[]> {
  const api = await apiOf(options);
  if (api === null) return isRecording(options) ? withStore(options, (store) => store.list(filter)) : [];
  const query = new URLSearchParams({ limit: String(Math.min(1000, filter.limit ?? 1000)) });
  if (filter.status !== undefined) query.set("status", filter.status);
  return api.data(`/operations?${query.toString()}`);
}

async function listOperations(options: ListOptions): Promise<void> {
  const format = formatOf(options);
  const filter = await filterOf(options);
  const records = await listed(options, filter);
  if (format === "json") return printJson(records);
  if (format === "csv") return printData(csvOf(recordColumns, records));
  if (records.length === 0) return note(noneText(options));
  const rows = records.map((record) => [
    record.operation_id,
    record.status,
    record.created_at.slice(0, 19).replace("T", " "),
    durationText(record),
    record.error?.code ?? "",
  ]);
  printData(alignRows([["operation", "status", "created (UTC)", "seconds", "error"], ...rows]));
}

/** An empty list says whether there is nothing at all, or nothing of the state asked for. */
function noneText({ status }: ListOptions): string {
  return status === undefined
    ? "No operation is recorded here yet: `ktrdr models train --strategy FILE` starts one."
    : `No operation here is ${status.toLowerCase()}.`;
}

async function filterOf(options: ListOptions): Promise<{ status?: OperationStatus; limit?: number }> {
  const filter: { status?: OperationStatus; limit?: number } = {};
  if (options.status !== undefined) {
    const { operationStatuses } = await import("../operations/index.js");
    const status = operationStatuses.find((known) => known === options.status?.toLowerCase());
    if (status === undefined) {
      throw new UsageError(
        `--status: "${options.status}" is no state. Allowed: ${operationStatuses.join(", ")}.`,
      );
    }
    filter.status = status;
  }
  if (options.limit !== undefined) {
    if (!/^[1-9]\d{0,8}$/.test(options.limit)) {
      throw new UsageError(`--limit: "${options.limit}" is no count. Allowed: whole numbers from 1.`);
    }
    filter.limit = Number(options.limit);
  }
  return filter;
}

const recordColumns = [
  "operation_id",
  "operation_type",
  "status",
  "created_at",
  "started_at",
  "completed_at",
  "cancel_requested_at",
  "error_message",
] as const satisfies readonly (keyof OperationRecord)[];

async function showOperation(id: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const api = await apiOf(options);
  const record =
    api === null
      ? await withOperation(id, options, (store) => store.get(id))
      : await api.data<OperationDetails>(`/operations/${encodeURIComponent(id)}`);
  if (json) printJson(record);
  else printText(describe(record));
}

async function watch(id: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const record = await watched(id, options, (event) => {
    const line = eventText(event);
    if (line !== null) note(line);
  });
  if (json) printJson(record);
  else printText(describe(record));
}

async function cancelled(
  id: string,
  options: CommonOptions,
): Promise<{ operation_id: string; status: OperationStatus; latency_ms: number }> {
  const api = await apiOf(options);
  if (api !== null) return api.call(`/operations/${encodeURIComponent(id)}`, { method: "DELETE" });
  const { cancelOperation } = await import("../operations/index.js");
  const { record, latencyMs } = await withOperation(id, options, (store) => cancelOperation(store, id));
  return { operation_id: record.operation_id, status: record.status, latency_ms: latencyMs };
}

async function watched(
  id: string,
  options: CommonOptions,
  onEvent: (event: TrainingProgress) => void,
): Promise<OperationDetails> {
  const api = await apiOf(options);
  if (api !== null) return api.watch(id, { onPhase: onEvent, onBatch: onEvent, onEpoch: onEvent });
  const { watchOperation } = await import("../operations/index.js");
  return withOperation(id, options, (store) => watchOperation(store, id, onEvent));
}

async function cancel(id: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const { operation_id, status, latency_ms } = await cancelled(id, options);
  if (json) return printJson({ operation_id, status, latency_ms });
  const outcome = status === "cancelled" ? "cancelled" : `was over before the request took effect: ${status}`;
  printData(`Operation ${operation_id} ${outcome} (${latency_ms.toFixed(1)} ms after the request).`);
}

/** One line per phase and per epoch; none for batches. */
function eventText(event: TrainingProgress): string | null {
  if (event.type === "batch") return null;
  if (event.type === "phase") {
    return `${event.phase.replaceAll("_", " ")}${event.symbol === undefined ? "" : ` ${event.symbol}`}`;
  }
  const { epoch, epochs, trainLoss, validLoss, validAccuracy } = event;
  const valid =
    validLoss === null ? "" : ` val_loss ${digits(validLoss, 4)} val_accuracy ${digits(validAccuracy, 3)}`;
  return `epoch ${epoch}/${epochs} loss ${digits(trainLoss, 4)}${valid}`;
}

/** A number that was not finite crosses to another process as null. */
function digits(value: number | null, count: number): string {
  return value === null ? "-" : value.toFixed(count);
}

function describe(record: OperationDetails): string {
  const rows: [string, string | null][] = [
    ["operation", record.operation_id],
    ["status", record.status],
    ["created", record.created_at],
    ["started", record.started_at],
    ["completed", record.completed_at],
    ["cancel requested", record.cancel_requested_at],
    ["process", record.pid === null ? null : String(record.pid)],
    ["error", record.error === null ? null : `${record.error.code}: ${record.error.message}`],
    ...fieldsOf(record.metadata),
    ...fieldsOf(record.result_summary ?? {}),
  ];
  const shown = rows.filter((row): row is [string, string] => row[1] !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

/** What was given; fields of a field stand beside it. */
function fieldsOf(data: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(data).flatMap(([name, value]): [string, string][] => {
    if (value === null) return [];
    if (Array.isArray(value)) return [[name, value.join(" ")]];
    if (typeof value === "object") return fieldsOf(value as Record<string, unknown>);
    return [[name, typeof value === "string" ? value : JSON.stringify(value)]];
  });
}

/** From start to end, or to now for one that runs. */
function durationText({ started_at, completed_at }: OperationRecord): string {
  if (started_at === null) return "-";
  const end = completed_at === null ? Date.now() : Date.parse(completed_at);
  return ((end - Date.parse(started_at)) / 1000).toFixed(1);
}
