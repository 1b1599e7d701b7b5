import { z } from "zod";
import { membershipTypes } from "../../fuzzy/index.js";
import { indicatorEntries } from "../../indicators/index.js";
import type { ServiceApp } from "../http/server.js";
import type { BackendContext } from "./context.js";
import {
  dataReply,
  rangeShape,
  record,
  records,
  rowsShape,
  sendTask,
  success,
  tableReply,
  word,
} from "./replies.js";
import { oneStrategy, strategyInput, strategyShape } from "./strategy-input.js";

const seriesShape = { symbol: word, timeframe: word } as const;

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
  ...rowsShape,
});

/** The body of `POST /fuzzy/compute`. */
export const fuzzySchema = z
  .strictObject({
    ...strategyShape,
    symbol: word,
    timeframe: word.optional().describe("Default: that of the strategy, where it has only one."),
    ...rangeShape,
    ...rowsShape,
  })
  .refine(oneStrategy.check, oneStrategy.message);

interface AskedRange {
  readonly start_date?: string | undefined;
  readonly end_date?: string | undefined;
}

function rangeOf({ start_date, end_date }: AskedRange): { startDate: string | null; endDate: string | null } {
  return { startDate: start_date ?? null, endDate: end_date ?? null };
}

/** `/data`, `/indicators` and `/fuzzy`: look at bars, fetch them, compute with them. */
export function addDataRoutes(app: ServiceApp, context: BackendContext): void {
  const { dataFolder, threads, fetching } = context;
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
    (_request, reply) => sendTask(reply, threads, "listData", { dataFolder }),
  );
  app.get(
    "/api/v1/data/:symbol/:timeframe",
    {
      schema: {
        operationId: "showData",
        summary: "Bars of a series",
        tags: ["data"],
        params: seriesParams,
        querystring: z.strictObject({ ...rangeShape, ...rowsShape }),
        response: tableReply,
      },
    },
    ({ params, query }, reply) => {
      const { limit, skip } = query;
      return sendTask(reply, threads, "showData", { ...params, dataFolder, ...rangeOf(query), limit, skip });
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
    ({ params }, reply) => sendTask(reply, threads, "checkData", { ...params, dataFolder }),
  );
  app.post(
    "/api/v1/data/load",
    {
      schema: {
        operationId: "loadData",
        summary: "Fetch bars from the provider, and store them",
        tags: ["data"],
        body: loadSchema,
        response: dataReply(record),
      },
    },
    ({ body }, reply) => {
      const { symbol, timeframe, mode } = body;
      const input = { symbol, timeframe, mode, dataFolder, ...rangeOf(body) };
      return sendTask(reply, fetching, "loadData", input);
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
        response: tableReply,
      },
    },
    ({ body }, reply) => {
      const { name, params = {}, symbol, timeframe, limit, skip } = body;
      const input = { name, params, symbol, timeframe, dataFolder, ...rangeOf(body), limit, skip };
      return sendTask(reply, threads, "computeIndicator", input);
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
        response: tableReply,
      },
    },
    ({ body }, reply) => {
      const { symbol, timeframe = null, limit, skip } = body;
      const strategy = strategyInput(body, context);
      const input = { strategy, symbol, timeframe, dataFolder, ...rangeOf(body), limit, skip };
      return sendTask(reply, threads, "computeMemberships", input);
    },
  );
}
