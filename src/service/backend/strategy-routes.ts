import { z } from "zod";
import type { ServiceApp } from "../http/server.js";
import type { BackendContext } from "./context.js";
import { dataReply, record, records, sendTask, word } from "./replies.js";
import { strategyInput, strategyShape } from "./strategy-input.js";

const verdictSchema = z.object({
  valid: z.boolean(),
  errors: records,
  notices: z.array(z.string()),
  strategy_name: z.string().optional(),
  path: z.string().nullish(),
  inputs: z.int().optional().describe("Features of the network."),
  error: record.optional().describe("The errors as one message."),
});

/** The body of `POST /strategies/validate` and `POST /strategies/show`. */
export const textSchema = z.strictObject({
  strategy_yaml: strategyShape.strategy_yaml.unwrap(),
  file_name: strategyShape.file_name,
});

/** `/strategies`: list, show, validate. Names only: no request can name a file elsewhere. */
export function addStrategyRoutes(app: ServiceApp, context: BackendContext): void {
  const { strategiesFolder: folder, threads } = context;
  const tags = ["strategies"];
  const params = z.object({ name: word });
  app.get(
    "/api/v1/strategies",
    {
      schema: {
        operationId: "listStrategies",
        summary: "The strategy files of config/strategies",
        tags,
        response: dataReply(records),
      },
    },
    (_request, reply) => sendTask(reply, threads, "listStrategies", { folder }),
  );
  app.get(
    "/api/v1/strategies/:name",
    {
      schema: {
        operationId: "showStrategy",
        summary: "What a strategy file comes to",
        tags,
        params,
        response: dataReply(record),
      },
    },
    ({ params: { name } }, reply) => sendTask(reply, threads, "showStrategy", { name, folder }),
  );
  app.post(
    "/api/v1/strategies/show",
    {
      schema: {
        operationId: "showStrategyText",
        summary: "What a strategy's text comes to",
        tags,
        body: textSchema,
        response: dataReply(record),
      },
    },
    ({ body }, reply) => sendTask(reply, threads, "showStrategy", strategyInput(body, context)),
  );
  app.post(
    "/api/v1/strategies/validate/:name",
    {
      schema: {
        operationId: "validateStrategy",
        summary: "All errors of a strategy file, with line and column",
        tags,
        params,
        response: dataReply(verdictSchema),
      },
    },
    ({ params: { name } }, reply) => sendTask(reply, threads, "validateStrategy", { name, folder }),
  );
  app.post(
    "/api/v1/strategies/validate",
    {
      schema: {
        operationId: "validateStrategyText",
        summary: "All errors of a strategy's text",
        tags,
        body: textSchema,
        response: dataReply(verdictSchema),
      },
    },
    ({ body }, reply) => sendTask(reply, threads, "validateStrategy", strategyInput(body, context)),
  );
}
