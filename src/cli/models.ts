import type { ModelEntry, ModelRecord } from "../models/index.js";
import type { LeakReceipt } from "../pipeline/index.js";
import type { ApiClient } from "../service/manager/api-client.js";
import type { OnnxCheck } from "../portable/index.js";
import { apiOf, asksBackend, modelPath } from "./api.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import { csvOf } from "./csv.js";
import {
  alignRows,
  type CommonOptions,
  foldersOf,
  formatOf,
  note,
  printData,
  printJson,
  printText,
  wantsJson,
  warn,
} from "./io.js";
import { leakText } from "./leak-text.js";
import { receiptText } from "./time-receipt.js";

/** `ktrdr models list|show|export|delete`. */
export const registerModelsCommands: RegisterCommands = (program) => {
  const models = groupOf(program, "models", "Train, list, inspect, test and use models.");
  asksBackend(withCommonOptions(models.command("list")))
    .description("All stored models, the newest first.")
    .action(listModels);
  asksBackend(withCommonOptions(models.command("show")))
    .description("What a model was made of, and how well it did.")
    .argument("<model>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
    .action(showModel);
  withCommonOptions(models.command("export"))
    .description("Write a model for use elsewhere: ONNX file, golden rows, README.")
    .argument("<model>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
    .requiredOption("--to <dir>", "folder to make")
    .action(exportModelTo);
  asksBackend(withCommonOptions(models.command("delete")))
    .description("Delete a model; asks first on a terminal.")
    .argument("<model>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
    .option("--yes", "do not ask")
    .action(deleteModel);
};

async function openStorage(options: CommonOptions) {
  const { ModelStorage } = await import("../models/index.js");
  return new ModelStorage(foldersOf(options).models);
}

async function listModels(options: CommonOptions): Promise<void> {
  const format = formatOf(options);
  const api = await apiOf(options);
  const entries = await listed(options, api);
  if (format === "json") return printJson(entries);
  if (format === "csv") return printData(csvOf(entryColumns, entries));
  if (entries.length === 0) {
    const where = api === null ? `in "${foldersOf(options).models}"` : "on the backend";
    return note(`No model ${where} yet: \`ktrdr models train --strategy FILE\` makes one.`);
  }
  const rows = entries.map((entry) => [
    entry.name,
    percent(entry.val_accuracy),
    percent(entry.test_accuracy),
    sizeText(entry.size_bytes),
    entry.created_at.slice(0, 16).replace("T", " "),
  ]);
  printData(alignRows([["model", "val. accuracy", "test accuracy", "size", "created (UTC)"], ...rows]));
}

async function listed(options: CommonOptions, api: ApiClient | null): Promise<readonly ModelEntry[]> {
  if (api === null) return (await openStorage(options)).list((damaged) => warn(damaged.message));
  const { data, notices } = await api.call<{ data: ModelEntry[]; notices: string[] }>("/models");
  for (const text of notices) warn(text);
  return data;
}

const entryColumns = [
  "name",
  "strategy_name",
  "timeframe",
  "version",
  "created_at",
  "val_accuracy",
  "test_accuracy",
  "size_bytes",
  "path",
] as const satisfies readonly (keyof ModelEntry)[];

async function modelOf(name: string, options: CommonOptions): Promise<ModelRecord> {
  const api = await apiOf(options);
  if (api !== null) return api.data(modelPath(name));
  const { modelRecord, ModelStorage } = await import("../models/index.js");
  return modelRecord(new ModelStorage(foldersOf(options).models).load(name));
}

async function showModel(name: string, options: CommonOptions): Promise<void> {
  const json = wantsJson(options);
  const model = await modelOf(name, options);
  if (json) return printJson(model);
  const { metadata, metrics, features } = model;
  const { statement } = (model.verdict ?? {}) as { statement?: string };
  if (statement !== undefined) printText(`${statement}\n\n`);
  const leaks = model.leak_receipt as LeakReceipt | null;
  const list = (value: unknown): string => (Array.isArray(value) ? value.join(" ") : textOf(value));
  const rows: [string, string][] = [
    ["model", model.name],
    ["created", textOf(metadata["created_at"])],
    ["symbols", list(metadata["symbols"])],
    ["timeframes", list(metadata["timeframes"])],
    ["dates", `${textOf(metadata["start_date"])} to ${textOf(metadata["end_date"])}`],
    ["seed", textOf(metadata["seed"])],
    ["layers", list(metadata["layer_sizes"])],
    ...figures(metrics.training_metrics, [
      "epochs_trained",
      "best_epoch",
      "best_val_loss",
      "best_val_accuracy",
    ]),
    ...figures(metrics.test_metrics, [
      "test_loss",
      "test_accuracy",
      "majority_class_accuracy",
      "precision",
      "recall",
      "f1_score",
    ]),
    ["leak receipt", leaks === null ? "none: made before there were receipts" : leakText(leaks)],
    ["ONNX file", onnxText(metadata["onnx_check"])],
    ["folder", model.path],
  ];
  printData(alignLeft(rows));
  printData(
    `\n${features.feature_names.length} features, in order:\n  ${features.feature_names.join("\n  ")}`,
  );
  const receipt = receiptText(model.time_receipt);
  if (receipt !== "") printData(`\n${receipt}`);
}

async function exportModelTo(name: string, options: CommonOptions & { to: string }): Promise<void> {
  const json = wantsJson(options);
  const model = (await openStorage(options)).load(name);
  const { exportModel } = await import("../pipeline/index.js");
  const exported = exportModel(model, options.to);
  if (json) printJson(exported);
  else printData(`Exported ${exported.model} to ${exported.path}: ${exported.files.join(", ")}`);
}

async function deleteModel(name: string, options: CommonOptions & { yes?: boolean }): Promise<void> {
  const json = wantsJson(options);
  const api = await apiOf(options);
  const storage = await openStorage(options);
  const full = api === null ? storage.resolve(name) : (await api.data<ModelRecord>(modelPath(name))).name;
  if (process.stdin.isTTY && process.stderr.isTTY && !options.yes && !(await agrees(full))) {
    return note("Nothing was deleted.");
  }
  if (api === null) storage.remove(full);
  else await api.data(modelPath(full), { method: "DELETE" });
  if (json) printJson({ deleted: full });
  else printData(`Deleted ${full}.`);
}

async function agrees(model: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`Delete ${model} for good? [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

function figures(from: Readonly<Record<string, unknown>>, names: readonly string[]): [string, string][] {
  return names.map((name) => [name, textOf(from[name])]);
}

function textOf(value: unknown): string {
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "string" ? value : "-";
}

/** How `model.onnx` was checked when the model was saved. */
function onnxText(check: unknown): string {
  const { checked_with, rows, largest_difference } = (check ?? {}) as Partial<OnnxCheck>;
  if (!checked_with) return "not checked when saved: onnxruntime was not installed (npm run setup:onnx)";
  return `checked with ${checked_with} on ${rows} rows, largest difference ${largest_difference?.toExponential(1)}`;
}

function alignLeft(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}

function percent(share: number | null): string {
  return share === null ? "-" : `${(share * 100).toFixed(1)} %`;
}

function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
