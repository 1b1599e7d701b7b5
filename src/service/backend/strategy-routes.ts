import { z } from "zod";
import {
  findStrategyByName,
  loadStrategy,
  parseStrategy,
  planOf,
  strategyEntries,
  StrategyFileError,
} from "../../strategy/index.js";
import { startSchema } from "../host/host-service.js";
import type { ServiceApp } from "../http/server.js";
import type { BackendContext } from "./context.js";
import { dataReply, record, records, success, word } from "./replies.js";

const verdictSchema = z.object({
  valid: z.boolean(),
  errors: records,
  notices: z.array(z.string()),
});

function verdictOf(check: () => { readonly notices: readonly string[] }): z.infer<typeof verdictSchema> {
  try {
    return { valid: true, errors: [], notices: [...check().notices] };
  } catch (error) {
    if (!(error instanceof StrategyFileError)) throw error;
    return { valid: false, errors: [...error.issues], notices: [] };
  }
}

/** `/strategies`: list, show, validate. Names only: no request can name a file elsewhere. */
export function addStrategyRoutes(app: ServiceApp, { strategiesFolder: folder }: BackendContext): void {
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
    async () => success(strategyEntries(folder)),
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
    async (request) => success(planOf(loadStrategy(findStrategyByName(request.params.name, folder)))),
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
    async (request) => {
      const path = findStrategyByName(request.params.name, folder);
      return success(verdictOf(() => loadStrategy(path)));
    },
  );
  app.post(
    "/api/v1/strategies/validate",
    {
      schema: {
        operationId: "validateStrategyText",
        summary: "All errors of a strategy's text",
        tags,
        body: z.strictObject({ strategy_yaml: startSchema.shape.strategy_yaml }),
        response: dataReply(verdictSchema),
      },
    },
    async ({ body }) => success(verdictOf(() => parseStrategy(body.strategy_yaml, "strategy_yaml"))),
  );
}
