import { z } from "zod";
import { neverCancelled, tableRow, type TableColumn } from "../../core/index.js";
import {
  BarStore,
  checkBars,
  checkRecord,
  DataManager,
  firstAtOrAfter,
  HttpCsvProvider,
  parseDateRange,
  parseTimeframe,
  seriesRecord,
  type LoadedBars,
} from "../../data/index.js";
import { computeMemberships } from "../../fuzzy/index.js";
import { membershipTypes } from "../../fuzzy/index.js";
import { computeIndicators, indicatorEntries, makeIndicatorSpec, outputsOf } from "../../indicators/index.js";
import { findStrategyByName, loadStrategy } from "../../strategy/index.js";
import type { ServiceApp } from "../http/server.js";
import type { BackendContext } from "./context.js";
import { dataReply, rangeShape, record, records, rowsShape, success, word } from "./replies.js";

const seriesShape = { symbol: word, timeframe: word } as const;
const { limit } = rowsShape;

/** The body of `POST /data/load`. */
export const loadSchema = z.strictObject({
  ...seriesShape,
  mode: z.enum(["tail", "backfill", "full"]),
  ...rangeShape,
});

/** The body of `POST /indicators/compute`. */
export const indicatorSchema = z.strictObject({
  name: word.describe("Name or alias of an indicator."),
  params: z.record(word, z.union([z.number(), z.string().max(100), z.boolean()])).optional(),
  ...seriesShape,
  ...rangeShape,
  limit,
});

/** The body of `POST /fuzzy/compute`. */
export const fuzzySchema = z.strictObject({
  strategy_name: word.describe("Name of a file under config/strategies."),
  ...seriesShape,
  ...rangeShape,
  limit,
});

interface Asked {
  readonly symbol: string;
  readonly timeframe: string;
  readonly start_date?: string | undefined;
  readonly end_date?: string | undefined;
}

/** Bars of a series up to the end date, and the index of the first in the range. */
async function barsOf(asked: Asked, folder: string): Promise<{ bars: LoadedBars; from: number }> {
  const { symbol, start_date: startDate = null, end_date: endDate = null } = asked;
  const timeframe = parseTimeframe(asked.timeframe);
  const bars = await new DataManager(new BarStore(folder)).load({ symbol, timeframe, startDate, endDate });
  return { bars, from: firstAtOrAfter(bars.time, parseDateRange(startDate, endDate).from) };
}

/** The newest rows of a table. */
function rowsOf(
  time: Float64Array,
  columns: readonly (readonly [string, TableColumn])[],
  from: number,
  count: number,
): object[] {
  const first = Math.max(from, time.length - count);
  return Array.from({ length: time.length - first }, (_, k) => tableRow(time, columns, first + k));
}

/** `/data`, `/indicators` and `/fuzzy`: look at bars, fetch them, compute with them. */
export function addDataRoutes(app: ServiceApp, { dataFolder, strategiesFolder }: BackendContext): void {
  const seriesParams = z.object(seriesShape);
  app.get(
    "/api/v1/data",
    {
      schema: {
        operationId: "listData",
        summary: "Stored series, with their first and last bar",
        tags: ["data"],
        response: dataReply(records),
      },
    },
    async () => success((await new BarStore(dataFolder).list()).map(seriesRecord)),
  );
  app.get(
    "/api/v1/data/:symbol/:timeframe",
    {
      schema: {
        operationId: "showData",
        summary: "Bars of a series",
        tags: ["data"],
        params: seriesParams,
        querystring: z.strictObject({ ...rangeShape, limit }),
        response: dataReply(records),
      },
    },
    async ({ params, query }) => {
      const { bars, from } = await barsOf({ ...params, ...query }, dataFolder);
      const { time, open, high, low, close, volume } = bars;
      return success(rowsOf(time, Object.entries({ open, high, low, close, volume }), from, query.limit));
    },
  );
  app.get(
    "/api/v1/data/:symbol/:timeframe/check",
    {
      schema: {
        operationId: "checkData",
        summary: "Gaps, duplicates, impossible bars, outliers",
        tags: ["data"],
        params: seriesParams,
        response: dataReply(record),
      },
    },
    async ({ params }) => {
      const { symbol, timeframe } = params;
      const file = await new BarStore(dataFolder).inspect(symbol, parseTimeframe(timeframe), neverCancelled);
      return success(checkRecord(file, checkBars(file.bars)));
    },
  );
  app.post(
    "/api/v1/data/load",
    {
      schema: {
        operationId: "loadData",
        summary: "Fetch bars from the provider, and store them",
        tags: ["data"],
        body: loadSchema,
        response: dataReply(z.object({ requests: z.int(), bars_added: z.int() })),
      },
    },
    async ({ body }) => {
      const { symbol, mode, start_date: startDate = null, end_date: endDate = null } = body;
      const timeframe = parseTimeframe(body.timeframe);
      const manager = new DataManager(new BarStore(dataFolder), HttpCsvProvider.fromEnvironment());
      const { segments, added } = await manager.update({ symbol, timeframe, mode, startDate, endDate });
      return success({ requests: segments, bars_added: added });
    },
  );
  app.get(
    "/api/v1/indicators",
    {
      schema: {
        operationId: "listIndicators",
        summary: "All indicators, with parameters, outputs and definitions",
        tags: ["indicators"],
        response: dataReply(records),
      },
    },
    async () => success(indicatorEntries()),
  );
  app.post(
    "/api/v1/indicators/compute",
    {
      schema: {
        operationId: "computeIndicator",
        summary: "Values of one indicator",
        tags: ["indicators"],
        body: indicatorSchema,
        response: dataReply(records),
      },
    },
    async ({ body }) => {
      const spec = makeIndicatorSpec(body.name, body.name, body.params ?? {});
      const { bars, from } = await barsOf(body, dataFolder);
      const computed = computeIndicators(bars, [spec], neverCancelled);
      const { indicator, featureId } = spec;
      const single = indicator.outputs.length === 1;
      const columns = outputsOf(spec).flatMap((output) => {
        const column = computed.column(`${featureId}.${output}`);
        return column === undefined
          ? []
          : [[single ? indicator.name : `${indicator.name}.${output}`, column] as const];
      });
      return success(rowsOf(bars.time, columns, from, body.limit));
    },
  );
  app.get(
    "/api/v1/fuzzy",
    {
      schema: {
        operationId: "listMemberships",
        summary: "The types of membership functions",
        tags: ["fuzzy"],
        response: dataReply(z.array(z.object({ type: z.string() }))),
      },
    },
    async () => success(Object.keys(membershipTypes).map((type) => ({ type }))),
  );
  app.post(
    "/api/v1/fuzzy/compute",
    {
      schema: {
        operationId: "computeMemberships",
        summary: "Degrees of membership in a strategy's fuzzy sets",
        tags: ["fuzzy"],
        body: fuzzySchema,
        response: dataReply(records),
      },
    },
    async ({ body }) => {
      const strategy = loadStrategy(findStrategyByName(body.strategy_name, strategiesFolder));
      const { bars, from } = await barsOf(body, dataFolder);
      const indicators = computeIndicators(bars, strategy.indicators, neverCancelled);
      const { columns } = computeMemberships(bars, indicators, strategy.fuzzy, neverCancelled);
      const named = columns.map(({ name, column }) => [name, column] as const);
      return success(rowsOf(bars.time, named, from, body.limit));
    },
  );
}
