import type { Command } from "commander";
import { UsageError } from "../core/index.js";
import { wholeNumber } from "./command.js";
import type { CommonOptions } from "./io.js";

/** Flags of whatever trains a strategy. */
export interface StrategyOptions extends CommonOptions {
  strategy: string;
  symbols?: string[];
  timeframes?: string[];
  startDate?: string;
  endDate?: string;
  seed?: number;
  epochs?: number;
  engine?: string;
  maxMemory?: number;
}

/** Adds the flags of `StrategyOptions`. */
export function withStrategyOptions(command: Command): Command {
  return command
    .requiredOption("--strategy <file>", "strategy file, or its name under config/strategies")
    .option("--symbols <symbols...>", "symbols, separated by spaces or commas (default: those of the file)")
    .option("--timeframes <timeframes...>", "timeframes, likewise (default: those of the file)")
    .option("--start-date <date>", "first day, included (default: that of the file, else all bars)")
    .option("--end-date <date>", "last day, included whole")
    .option(
      "--seed <n>",
      "seed of weights, order and dropout (default: that of the file, else 42)",
      wholeNumber("--seed", 0, 0xffffffff),
    )
    .option(
      "--epochs <n>",
      "epochs at most (default: those of the file)",
      wholeNumber("--epochs", 1, 1_000_000),
    )
    .option(
      "--engine <name>",
      "reference, wasm, wasm-relaxed, webgpu or auto (default: auto: a GPU for large batches where one is there, else wasm)",
    )
    .option("--max-memory <size>", "refuse runs whose arrays need more, such as 2GB", memorySize);
}

function memorySize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KB|MB|GB|KiB|MiB|GiB)?$/i.exec(text.trim());
  if (match === null)
    throw new UsageError(
      `--max-memory: "${text}" is no size. Allowed: a number with B, KB, MB or GB, such as 2GB.`,
    );
  const power = { b: 0, k: 1, m: 2, g: 3 }[(match[2] ?? "B")[0].toLowerCase()] as number;
  return Number(match[1]) * 1024 ** power;
}
