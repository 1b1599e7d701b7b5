import { z } from "zod";
import type { ServiceApp } from "../http/server.js";
import type { UseInput } from "../tasks.js";
import type { BackendContext } from "./context.js";
import { commonReplies } from "../http/server.js";
import { dataReply, rangeShape, record, records, sendTask, success, word } from "./replies.js";

/** The body of `POST /models/test`. */
export const useSchema = z.strictObject({
  model: word.describe("<strategy>/<timeframe>_v<N>, or <strategy> for its newest version."),
  symbol: word,
  timeframe: word.describe("The model's base timeframe."),
  ...rangeShape,
});

/** The body of `POST /models/predict`. */
export const predictSchema = useSchema.extend({
  explain: z.boolean().optional().describe("Also what is behind each signal: memberships and rule."),
});

const nameParams = z.object({ strategy: word });
const versionParams = z.object({ strategy: word, version: word });

function useOf(body: z.infer<typeof useSchema>, { storage, dataFolder }: BackendContext): UseInput {
  const { model, symbol, timeframe, start_date: startDate = null, end_date: endDate = null } = body;
  return { model, symbol, timeframe, startDate, endDate, modelsFolder: storage.root, dataFolder };
}

/** `/models`: list, show, delete, test, predict. */
export function addModelRoutes(app: ServiceApp, context: BackendContext): void {
  const { storage, threads, strategiesFolder, operationsFile } = context;
  const modelsFolder = storage.root;
  const tags = ["models"];
  const remove = (name: string): { deleted: string } => ({ deleted: storage.remove(name) });
  app.get(
    "/api/v1/models",
    {
      schema: {
        operationId: "listModels",
        summary: "Models, the newest first",
        tags,
        response: {
          200: z.object({ success: z.literal(true), notices: z.array(z.string()), data: records }),
          ...commonReplies,
        },
      },
    },
    (_request, reply) => sendTask(reply, threads, "listModels", { modelsFolder }),
  );
  const shown = {
    summary: "What a model was made of, and how well it did",
    tags,
    response: dataReply(record),
  };
  app.get(
    "/api/v1/models/:strategy",
    { schema: { ...shown, operationId: "showNewestModel", params: nameParams } },
    ({ params }, reply) => sendTask(reply, threads, "showModel", { modelsFolder, model: params.strategy }),
  );
  app.get(
    "/api/v1/models/:strategy/:version",
    { schema: { ...shown, operationId: "showModel", params: versionParams } },
    ({ params: { strategy, version } }, reply) =>
      sendTask(reply, threads, "showModel", { modelsFolder, model: `${strategy}/${version}` }),
  );
  app.delete(
    "/api/v1/models/:strategy/:version",
    {
      schema: {
        operationId: "deleteModel",
        summary: "Delete a model; its version number is not used again",
        tags,
        params: versionParams,
        response: dataReply(z.object({ deleted: z.string() })),
      },
    },
    async ({ params }) => success(remove(`${params.strategy}/${params.version}`)),
  );
  app.post(
    "/api/v1/models/test",
    {
      schema: {
        operationId: "testModel",
        summary: "Evaluate a model on any symbol and range: as `ktrdr models test --json`",
        tags,
        body: useSchema,
        response: dataReply(record),
      },
    },
    ({ body }, reply) => {
      const input = { ...useOf(body, context), strategiesFolder, operationsFile };
      return sendTask(reply, threads, "testModel", input);
    },
  );
  app.post(
    "/api/v1/models/predict",
    {
      schema: {
        operationId: "predict",
        summary: "Probabilities, signal and memberships of the last bar, or of each bar of a range",
        tags,
        body: predictSchema,
        response: dataReply(
          z.object({
            predictions: records,
            notices: z.array(z.string()),
            explanations: records.optional().describe("One for each prediction, where they were asked for."),
            statement: z.string().nullish().describe("What to say of the model's rules as a whole."),
          }),
        ),
      },
    },
    ({ body }, reply) =>
      sendTask(reply, threads, "predict", { ...useOf(body, context), explain: body.explain ?? false }),
  );
}
