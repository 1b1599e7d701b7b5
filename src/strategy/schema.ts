import * as z from "zod";
import { KnownError } from "../core/index.js";
import { checkSymbol, dataModes, finestFirst, isTimeframe, timeframes } from "../data/index.js";
import type { Timeframe } from "../data/index.js";
import { defaultSplit, splitSchema } from "../dataset/index.js";
import { isStrategyName } from "../models/index.js";
import { architectureSchema, trainingSchema } from "../training/index.js";
import { isDateRange } from "./data-rules.js";
import { fuzzyEntrySchema } from "./fuzzy-entry.js";
import { indicatorEntrySchema } from "./indicator-entry.js";
import { labelsSchema } from "./labels-entry.js";

/** A strategy's name, which is also the folder of its models: no path can be made of it. */
const strategyNameSchema = z
  .string()
  .refine(isStrategyName, "not a name for a folder of models")
  .describe('1 to 100 letters, digits, "_", "-" or "."; no "." first or last');

const symbolSchema = z
  .string()
  .refine(isSymbol, "not a symbol")
  .describe("up to 40 letters, digits and _ - . ^ =, such as AAPL");

const timeframeSchema = z.enum(timeframes);

const daySchema = z
  .string()
  .refine((text) => isDateRange(text, null), "not a date")
  .describe("a date such as 2024-12-31");

function isSymbol(text: string): boolean {
  try {
    checkSymbol(text);
    return true;
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return false;
  }
}

const symbolsSchema = z.strictObject({
  mode: z.enum(["single", "multi_symbol"]),
  symbol: symbolSchema.nullish(),
  list: z.array(symbolSchema).nullish(),
  selection_criteria: z.record(z.string(), z.unknown()).nullish(),
});

const timeframesSchema = z.strictObject({
  mode: z.enum(["single", "multi_timeframe"]),
  timeframe: timeframeSchema.nullish(),
  list: z.array(timeframeSchema).nullish(),
  base_timeframe: timeframeSchema.nullish(),
});

const historySchema = z.int().min(50).nullish();

const trainingDataSchema = z.strictObject({
  symbols: symbolsSchema,
  timeframes: timeframesSchema,
  history_required: historySchema,
  start_date: daySchema.nullish(),
  end_date: daySchema.nullish(),
});

/** `data:` of the first format; the rest of a file is as in version 2. */
const legacyDataSchema = z.strictObject({
  symbols: z.array(symbolSchema).min(1),
  timeframes: z.array(timeframeSchema).min(1),
  history_required: historySchema,
});

const deploymentSchema = z.strictObject({
  target_symbols: z
    .strictObject({
      mode: z.enum(["universal", "group_restricted", "training_only"]),
      restrictions: z
        .strictObject({
          asset_classes: z.array(z.string()).nullish(),
          excluded_symbols: z.array(z.string()).nullish(),
          min_liquidity_tier: z.string().nullish(),
        })
        .nullish(),
    })
    .nullish(),
  target_timeframes: z
    .strictObject({
      mode: z.enum(["single", "multi_timeframe"]),
      supported: z.array(z.string()).nullish(),
      timeframe: z.string().nullish(),
    })
    .nullish(),
});

const share = z.number().min(0).max(1);

const decisionsSchema = z.strictObject({
  output_format: z.literal("classification").default("classification"),
  confidence_threshold: share.default(0.5),
  position_awareness: z.boolean().default(true),
  filters: z
    .strictObject({
      min_signal_separation: z.number().min(0).default(4),
      volume_filter: z.boolean().optional(),
    })
    .prefault({}),
});

const modeSchema = z.strictObject({
  confidence_threshold: share.nullish(),
  require_confirmation: z.boolean().nullish(),
});

const orchestratorSchema = z.strictObject({
  max_position_size: share.optional(),
  modes: z
    .strictObject({
      backtest: modeSchema.optional(),
      paper: modeSchema.optional(),
      live: modeSchema.optional(),
    })
    .optional(),
});

/**
 * The strategy file, made of the schemas of indicators, fuzzy sets, labels, splits and training. Keys without effect
 * (no-effect.ts) are taken out before; rules between its sections are in cross-checks.ts.
 */
export const strategySchema = z.strictObject({
  name: strategyNameSchema,
  version: z.union([z.string(), z.number()]).optional(),
  description: z.string().nullish(),
  hypothesis: z.string().nullish(),
  scope: z.enum(["universal", "symbol_group", "symbol_specific"]).nullish(),
  training_data: trainingDataSchema.optional(),
  data: legacyDataSchema.optional(),
  deployment: deploymentSchema.nullish(),
  indicators: z.array(indicatorEntrySchema).min(1),
  fuzzy_sets: z.record(z.string(), fuzzyEntrySchema),
  model: z.strictObject({
    type: z.string().toLowerCase().pipe(z.literal("mlp")).default("mlp"),
    architecture: architectureSchema,
    features: z.strictObject({ lookback_periods: z.int().min(0).max(1000).default(0) }).nullish(),
    training: trainingSchema.extend({ data_mode: z.enum(dataModes).default("local") }).prefault({}),
  }),
  decisions: decisionsSchema.prefault({}),
  training: z.strictObject({
    labels: labelsSchema,
    data_split: splitSchema.default(defaultSplit),
  }),
  orchestrator: orchestratorSchema.nullish(),
});

/** A checked file, in the file's own shape. */
export type StrategyFile = z.output<typeof strategySchema>;

/** Timeframes of a file, finest first. */
export function timeframesOf(file: StrategyFile): Timeframe[] {
  const { timeframe, list, mode } = file.training_data?.timeframes ?? {
    list: file.data?.timeframes,
    mode: "list",
  };
  const all = mode === "single" ? [timeframe ?? list?.[0]] : (list ?? []);
  return finestFirst(all.filter((entry) => entry !== undefined && entry !== null && isTimeframe(entry)));
}

/** Symbols of a file, as written. */
export function symbolsOf(file: StrategyFile): string[] {
  if (file.data !== undefined) return file.data.symbols;
  const { mode, symbol, list } = file.training_data?.symbols ?? {};
  if (mode === "single" && symbol) return [symbol];
  return list ?? [];
}
