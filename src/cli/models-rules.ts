import type { JudgedRule } from "../rules/index.js";
import type { ModelRules } from "../pipeline/index.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import { type CommonOptions, foldersOf, printJson, printText, stoppable, wantsJson, warn } from "./io.js";

/** `ktrdr models rules`. */
export const registerRulesCommand: RegisterCommands = (program) => {
  const models = groupOf(program, "models", "Train, list, inspect, test and use models.");
  withCommonOptions(models.command("rules"))
    .description("Readable rules that answer as the model's network does, and how far they do.")
    .argument("<model>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
    .action(async (name: string, options: CommonOptions) => {
      const json = wantsJson(options);
      const [{ ModelStorage }, { BarStore, DataManager }, { modelRules }] = await Promise.all([
        import("../models/index.js"),
        import("../data/index.js"),
        import("../pipeline/index.js"),
      ]);
      const folders = foldersOf(options);
      const model = new ModelStorage(folders.models).load(name);
      const { report } = await modelRules(model, new DataManager(new BarStore(folders.data)), stoppable());
      for (const text of report.notices) warn(text);
      if (json) printJson(report);
      else printText(rulesText(report));
    });
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** `if rsi_14 is oversold and macd is rising then BUY`. */
export function ruleText({ if: terms, then }: Pick<JudgedRule, "if" | "then">): string {
  return `if ${terms.join(" and ")} then ${then}`;
}

function worthText({ support, held_out_bars: bars, precision, lift, agreement }: JudgedRule): string {
  const trained = `${support} training bars`;
  if (precision === null) return `${trained}; no held-out bar`;
  const times = lift === null ? "" : ` (lift ${lift.toFixed(2)})`;
  return (
    `${trained}; on ${bars} held-out ${bars === 1 ? "bar" : "bars"} right ${percent(precision)} of the time${times}; ` +
    `the network says the same on ${percent(agreement ?? 0)}`
  );
}

function rulesText({ model, rules, otherwise, statement, held_out_bars: bars }: ModelRules): string {
  const lines = [`Rules of ${model}; the first that holds decides`, ""];
  rules.forEach((rule, k) => {
    lines.push(
      `${String(k + 1).padStart(2)}. ${k === 0 ? "" : "else "}${ruleText(rule)}`,
      `    ${worthText(rule)}`,
    );
  });
  const last = rules.length === 0 ? `always ${otherwise.answer}` : `else ${otherwise.answer}`;
  lines.push(
    `${String(rules.length + 1).padStart(2)}. ${last}`,
    `    ${otherwise.held_out_bars} of ${bars} held-out bars`,
  );
  return [...lines, "", statement].join("\n");
}
