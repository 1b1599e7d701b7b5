import { startSchema } from "../host/host-service.js";
import type { StrategyInput } from "../tasks.js";
import type { BackendContext } from "./context.js";
import { word } from "./replies.js";

/** The strategy of a request. */
export const strategyShape = {
  strategy_name: word.optional().describe("Name of a file under config/strategies."),
  strategy_yaml: startSchema.shape.strategy_yaml
    .optional()
    .describe("The text of a strategy, in place of its name."),
  file_name: word.optional().describe("What messages call the text; default: strategy_yaml."),
} as const;

interface AskedStrategy {
  readonly strategy_name?: string | undefined;
  readonly strategy_yaml?: string | undefined;
  readonly file_name?: string | undefined;
}

/** The rule that a request has one strategy. */
export const oneStrategy = {
  check: (body: AskedStrategy): boolean =>
    (body.strategy_name === undefined) !== (body.strategy_yaml === undefined),
  message: { message: "needs either strategy_name or strategy_yaml" },
};

/** A request's strategy as tasks take it. */
export function strategyInput(body: AskedStrategy, { strategiesFolder }: BackendContext): StrategyInput {
  const { strategy_name: name = "", strategy_yaml: text, file_name: label = "strategy_yaml" } = body;
  return text === undefined ? { name, folder: strategiesFolder } : { text, label };
}
