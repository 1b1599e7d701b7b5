import { z } from "zod";
import { modelRecord } from "../../models/index.js";
import { BarStore, DataManager, parseDateRange } from "../../data/index.js";
import { trialsOn } from "../../operations/index.js";
import { createCancellation } from "../../core/index.js";
import { predictBars, testModel, type ModelUse } from "../../pipeline/index.js";
import type { ServiceApp } from "../http/server.js";
import type { BackendContext } from "./context.js";
import { dataReply, rangeShape, record, records, success, word } from "./replies.js";

/** The body of `POST /models/test` and `POST /models/predict`. */
export const useSchema = z.strictObject({
  model: word.describe("<strategy>/<timeframe>_v<N>, or <strategy> for its newest version."),
  symbol: word,
  timeframe: word.describe("The model's base timeframe."),
  ...rangeShape,
});

const nameParams = z.object({ strategy: word });
const versionParams = z.object({ strategy: word, version: word });

function useOf(body: z.infer<typeof useSchema>, { storage, dataFolder }: BackendContext): ModelUse {
  return {
    model: storage.load(body.model),
    symbol: body.symbol,
    timeframe: body.timeframe,
    startDate: body.start_date ?? null,
    endDate: body.end_date ?? null,
    dataManager: new DataManager(new BarStore(dataFolder)),
  };
}

/** A token that is cancelled when whoever asked is gone. */
function tokenOf(request: { readonly raw: { readonly socket: NodeJS.EventEmitter } }) {
  const { token, cancel } = createCancellation();
  request.raw.socket.once("close", cancel);
  return token;
}

/** `/models`: list, show, delete, test, predict. */
export function addModelRoutes(app: ServiceApp, context: BackendContext): void {
  const { storage } = context;
  const tags = ["models"];
  const show = (name: string): object => modelRecord(storage.load(name));
  const remove = (name: string): { deleted: string } => ({ deleted: storage.remove(name) });
  app.get(
    "/api/v1/models",
    {
      schema: {
        operationId: "listModels",
        summary: "Models, the newest first",
        tags,
        response: dataReply(records),
      },
    },
    async () => success(storage.list()),
  );
  const shown = {
    summary: "What a model was made of, and how well it did",
    tags,
    response: dataReply(record),
  };
  app.get(
    "/api/v1/models/:strategy",
    { schema: { ...shown, operationId: "showNewestModel", params: nameParams } },
    async ({ params }) => success(show(params.strategy)),
  );
  app.get(
    "/api/v1/models/:strategy/:version",
    { schema: { ...shown, operationId: "showModel", params: versionParams } },
    async ({ params }) => success(show(`${params.strategy}/${params.version}`)),
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
    async (request) => {
      const { symbol, start_date, end_date } = request.body;
      const data = { symbols: [symbol], ...parseDateRange(start_date, end_date) };
      const folders = { strategies: context.strategiesFolder, models: storage.root };
      const trials = trialsOn(context.store, folders, data, null);
      return success(await testModel({ ...useOf(request.body, context), trials }, tokenOf(request)));
    },
  );
  app.post(
    "/api/v1/models/predict",
    {
      schema: {
        operationId: "predict",
        summary: "Probabilities, signal and memberships of the last bar, or of each bar of a range",
        tags,
        body: useSchema,
        response: dataReply(z.object({ predictions: records, notices: z.array(z.string()) })),
      },
    },
    async (request) => {
      const { predictions, notices } = await predictBars(useOf(request.body, context), tokenOf(request));
      return success({ predictions, notices: [...notices] });
    },
  );
}
