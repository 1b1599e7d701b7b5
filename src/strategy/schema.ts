import { z } from "zod";
import { KnownError } from "../core/index.js";
import { checkSymbol, finestFirst, isTimeframe, parseDateRange, timeframes } from "../data/index.js";
import type { Timeframe } from "../data/index.js";
import { defaultSplit, splitSchema } from "../dataset/index.js";
import { isStrategyName } from "../models/index.js";
import { architectureSchema, trainingSchema } from "../training/index.js";
import { fuzzyEntrySchema, indicatorEntrySchema, labelsSchema } from "./entries.js";
import { shown } from "./issues.js";
import { report } from "./zod-problems.js";

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
const daySchema = z.string().refine(isDate, "not a date").describe("a date such as 2024-12-31");

function isSymbol(text: string): boolean {
  return passes(() => checkSymbol(text));
}

function isDate(text: string): boolean {
  return passes(() => parseDateRange(text, null));
}

function passes(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return false;
  }
}

/** Lists without doubled entries. */
function noDoubles(
  list: readonly unknown[] | null | undefined,
  context: z.RefinementCtx,
  path: string[],
): void {
  list?.forEach((entry, index) => {
    if (list.indexOf(entry) === index) return;
    report(context, {
      path: [...path, index],
      message: "this stands in the list a second time",
      found: shown(entry),
      allowed: "each once",
    });
  });
}

const selectionSchema = z.strictObject({
  asset_class: z.string().nullish(),
  volatility_range: z.array(z.number()).length(2).nullish(),
  liquidity_tier: z.string().nullish(),
  market_cap_range: z.unknown(),
});

const symbolsSchema = z
  .strictObject({
    mode: z.enum(["single", "multi_symbol"]),
    symbol: symbolSchema.nullish(),
    list: z.array(symbolSchema).nullish(),
    selection_criteria: selectionSchema.partial().nullish(),
  })
  .superRefine(({ mode, symbol, list, selection_criteria: selection }, context) => {
    noDoubles(list, context, ["list"]);
    const count = list?.length ?? 0;
    if (mode === "single" && !symbol && count !== 1) {
      report(context, {
        path: ["symbol"],
        message: "mode single needs one symbol",
        found: shown(list ?? undefined),
        allowed: "symbol: AAPL",
      });
    }
    if (mode === "multi_symbol" && count === 0 && !selection) {
      report(context, {
        path: ["list"],
        message: "mode multi_symbol needs a list of symbols",
        found: shown(list ?? undefined),
        allowed: "list: [AAPL, MSFT]",
      });
    }
  });

const timeframesSchema = z
  .strictObject({
    mode: z.enum(["single", "multi_timeframe"]),
    timeframe: timeframeSchema.nullish(),
    list: z.array(timeframeSchema).nullish(),
    base_timeframe: timeframeSchema.nullish(),
  })
  .superRefine(({ mode, timeframe, list, base_timeframe: base }, context) => {
    noDoubles(list, context, ["list"]);
    const count = list?.length ?? 0;
    if (mode === "single" && !timeframe && count !== 1) {
      report(context, {
        path: ["timeframe"],
        message: "mode single needs one timeframe",
        found: shown(list ?? undefined),
        allowed: "timeframe: 1d",
      });
    }
    if (mode === "multi_timeframe" && count < 2) {
      report(context, {
        path: ["list"],
        message: "mode multi_timeframe needs two or more",
        found: shown(list ?? undefined),
        allowed: "list: [1h, 1d], or mode: single",
      });
    }
    const all = mode === "single" ? [timeframe ?? list?.[0]] : (list ?? []);
    if (base && !all.includes(base)) {
      report(context, {
        path: ["base_timeframe"],
        message: "not one of the timeframes",
        found: shown(base),
        allowed: all.join(", "),
      });
    }
  });

const historySchema = z.int().min(50).nullish();

const trainingDataSchema = z
  .strictObject({
    symbols: symbolsSchema,
    timeframes: timeframesSchema,
    history_required: historySchema,
    start_date: daySchema.nullish(),
    end_date: daySchema.nullish(),
  })
  .superRefine(({ start_date: start, end_date: end }, context) => {
    if (!start || !end || passes(() => parseDateRange(start, end))) return;
    report(context, {
      path: ["end_date"],
      message: "lies before start_date",
      found: shown(end),
      allowed: `${start} or later`,
    });
  });

/** `data:` of the first format; the rest of a file is as in version 2. */
const legacyDataSchema = z
  .strictObject({
    symbols: z.array(symbolSchema).min(1),
    timeframes: z.array(timeframeSchema).min(1),
    history_required: historySchema,
  })
  .superRefine(({ symbols, timeframes: list }, context) => {
    noDoubles(symbols, context, ["symbols"]);
    noDoubles(list, context, ["timeframes"]);
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
      supported: z.array(timeframeSchema).nullish(),
      timeframe: timeframeSchema.nullish(),
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

const modeSchema = z.looseObject({
  confidence_threshold: share.nullish(),
  require_confirmation: z.boolean().nullish(),
});

const orchestratorSchema = z.looseObject({
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
    training: trainingSchema.prefault({}),
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
