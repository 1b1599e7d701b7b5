import type { ModelsDiff } from "../pipeline/index.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";
import {
  alignRows,
  type CommonOptions,
  foldersOf,
  printJson,
  printText,
  stoppable,
  wantsJson,
} from "./io.js";

/** `ktrdr models diff`. */
export const registerDiffCommand: RegisterCommands = (program) => {
  const models = groupOf(program, "models", "Train, list, inspect, test and use models.");
  withCommonOptions(models.command("diff"))
    .description("In what two models differ: configuration, data, figures, and bars on which they disagree.")
    .argument("<a>", "<strategy>/<timeframe>_v<N>, or <strategy> for its newest version")
    .argument("<b>", "the other one")
    .action(async (a: string, b: string, options: CommonOptions) => {
      const json = wantsJson(options);
      const [{ ModelStorage }, { BarStore, DataManager }, { diffModels }] = await Promise.all([
        import("../models/index.js"),
        import("../data/index.js"),
        import("../pipeline/index.js"),
      ]);
      const folders = foldersOf(options);
      const storage = new ModelStorage(folders.models);
      const dataManager = new DataManager(new BarStore(folders.data));
      const diff = await diffModels(storage.load(a), storage.load(b), dataManager, stoppable());
      if (json) printJson(diff);
      else printText(diffText(diff));
    });
};

const valueText = (value: unknown): string => {
  if (value === null) return "-";
  if (typeof value === "number") return String(Number(value.toPrecision(6)));
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** Disagreements that are shown; `--json` has more. */
const shown = 10;

function diffText({
  models,
  config,
  data_hash,
  code_version,
  seed,
  metrics,
  disagreements,
}: ModelsDiff): string {
  const { verdict, ...figures } = metrics;
  const made = Object.entries({ seed, data_hash, code_version }).map(([name, { a, b, same }]) => [
    name.replace("_", " "),
    valueText(a).slice(0, 16),
    same ? "the same" : valueText(b).slice(0, 16),
  ]);
  const intervals = [verdict.a, verdict.b].map((one) =>
    one?.interval ? one.interval.map((bound) => (100 * bound).toFixed(1)).join(" to ") : "-",
  );
  const rows = [
    ["", models.a, models.b],
    ...made,
    ...Object.entries(figures).map(([name, { a, b }]) => [name, valueText(a), valueText(b)]),
    ["interval (points)", ...intervals],
    ["skill", ...[verdict.a, verdict.b].map((one) => (one?.significant ? "evidence" : "no evidence"))],
  ];
  const places = config.map(({ path, a, b }) => `  ${path}: ${valueText(a)} -> ${valueText(b)}`);
  const { bars, count, bars_compared, from, to, reason } = disagreements;
  const told =
    reason === null
      ? `They disagree on ${count} of ${bars_compared} bars that lie in the test time of both (${from} to ${to})${count === 0 ? "." : ":"}`
      : `No answers were compared: ${reason}`;
  const list = bars.slice(0, shown).map(({ symbol, timestamp, a, b }) => [`  ${symbol}`, timestamp, a, b]);
  return [
    alignRows(rows),
    "",
    places.length === 0 ? "The strategies are the same." : "The strategies differ in:",
    ...places,
    "",
    told,
    ...(list.length === 0 ? [] : [alignRows(list)]),
    ...(count > shown ? [`  and ${count - shown} more (--json)`] : []),
  ].join("\n");
}
