import { z } from "zod";
import { checkSymbol } from "../../data/index.js";
import { checkEngineName } from "../../engines/index.js";
import { checkStrategyName } from "../../models/index.js";
import type { SessionConfig } from "../../orchestration/index.js";
import { findStrategyByName } from "../../strategy/index.js";
import { startSchema } from "../host/host-service.js";
import { ServiceError } from "../http/errors.js";
import { commonReplies, goneSignal, type ServiceApp } from "../http/server.js";
import { runModes } from "../manager/settings.js";
import { settingsOf } from "../training-request.js";
import type { BackendContext } from "./context.js";
import { resultOf } from "./operation-routes.js";
import { dataReply, record, sendTask, success, word } from "./replies.js";
import { oneStrategy, strategyInput, strategyShape } from "./strategy-input.js";

/** A backend takes what a host does, but for the id, how the strategy is named, and the runs on the same data, which it knows of itself. */
const { session_id: _id, strategy_yaml: _yaml, trials: _trials, ...shared } = startSchema.shape;

/** The body of `POST /trainings/start`. */
export const trainingSchema = z
  .strictObject({
    ...strategyShape,
    ...shared,
    mode: z
      .enum(runModes)
      .optional()
      .describe("Where it runs, in place of the default, which stays as it is."),
    require_gpu: z.boolean().optional(),
  })
  .refine(oneStrategy.check, oneStrategy.message);

const configSchema = z.object({
  default_mode: z.enum(runModes),
  host_url: z.string(),
});

function configOf(body: z.infer<typeof trainingSchema>, context: BackendContext): SessionConfig {
  const strategy = strategyInput(body, context);
  const strategyPath =
    "text" in strategy ? strategy.label : findStrategyByName(strategy.name, strategy.folder);
  const text = "text" in strategy ? { strategyText: strategy.text } : {};
  return { strategyPath, dataFolder: context.dataFolder, ...settingsOf(body), ...text };
}

/** `/trainings`: start, result figures, where they run. */
export function addTrainingRoutes(app: ServiceApp, context: BackendContext): void {
  const { manager, trainings, store, threads, storage, attendance } = context;
  const tags = ["trainings"];
  app.post(
    "/api/v1/trainings/start",
    {
      schema: {
        operationId: "startTraining",
        summary: "Start a training, or queue it",
        tags,
        body: trainingSchema,
        response: {
          200: z.object({
            success: z.literal(true),
            task_id: z.string().describe("Id of the operation."),
            status: z.literal("training_started"),
            message: z.string(),
            symbols: z.array(z.string()),
            timeframes: z.array(z.string()),
            strategy_name: z.string(),
          }),
          ...commonReplies,
        },
      },
    },
    async ({ body }, reply) => {
      const asked = configOf(body, context);
      const strategy = await threads.run("checkTraining", asked, goneSignal(reply));
      const config = { ...asked, checked: strategy };
      checkStrategyName(strategy.name);
      strategy.symbols.forEach(checkSymbol);
      checkEngineName(config.engine ?? "auto");
      const placement = {
        ...(body.mode === undefined ? {} : { mode: body.mode }),
        requireGpu: body.require_gpu ?? false,
      };
      const metadata = {
        strategy: body.strategy_name ?? strategy.name,
        symbols: strategy.symbols,
        timeframes: strategy.timeframes,
        start_date: strategy.startDate,
        end_date: strategy.endDate,
        mode: config.dataMode ?? strategy.dataMode,
        parameters: { seed: body.seed ?? null, epochs: body.epochs ?? null },
      };
      const session = await trainings.start(config, placement, metadata);
      const { sessionId } = session;
      if (body.attended) attendance.watch(session, () => (session.stopRequested = true));
      return {
        success: true as const,
        task_id: sessionId,
        status: "training_started" as const,
        message: `Training of ${strategy.name} started; GET /api/v1/operations/${sessionId} tells how far it is.`,
        symbols: [...strategy.symbols],
        timeframes: [...strategy.timeframes],
        strategy_name: strategy.name,
      };
    },
  );
  app.post(
    "/api/v1/trainings/plan",
    {
      schema: {
        operationId: "planTraining",
        summary: "What a training would do: as `ktrdr models train --dry-run --json`",
        tags,
        body: trainingSchema,
        response: dataReply(record),
      },
    },
    ({ body }, reply) => {
      const input = { config: configOf(body, context), modelsFolder: storage.root };
      return sendTask(reply, threads, "planTraining", input);
    },
  );
  app.get(
    "/api/v1/trainings/:task_id/performance",
    {
      schema: {
        operationId: "trainingPerformance",
        summary: "The figures of a completed training",
        tags,
        params: z.object({ task_id: word }),
        response: dataReply(
          z.object({
            task_id: z.string(),
            training_metrics: record,
            test_metrics: record,
            model_info: record,
          }),
        ),
      },
    },
    async ({ params }) => {
      const details = store.get(params.task_id);
      if (details.status !== "completed") {
        throw new ServiceError(
          404,
          "NOT_COMPLETED",
          `Operation ${details.operation_id} is ${details.status}.`,
        );
      }
      const { training_metrics, test_metrics, model_info } = resultOf(context, details);
      return success({ task_id: details.operation_id, training_metrics, test_metrics, model_info });
    },
  );
  const config = (): z.infer<typeof configSchema> => ({
    default_mode: manager.defaultMode,
    host_url: manager.hostUrl,
  });
  app.get(
    "/api/v1/trainings/config",
    {
      schema: {
        operationId: "trainingConfig",
        summary: "Where trainings run",
        tags,
        response: dataReply(configSchema),
      },
    },
    async () => success(config()),
  );
  app.put(
    "/api/v1/trainings/config",
    {
      schema: {
        operationId: "changeTrainingConfig",
        summary: "Change where trainings run from now on",
        tags,
        body: z.strictObject({ default_mode: z.enum(runModes) }),
        response: dataReply(configSchema),
      },
    },
    async ({ body }) => {
      manager.defaultMode = body.default_mode;
      return success(config());
    },
  );
}
