import { UsageError } from "../core/index.js";
import { number, oneOf, withTradingOptions, type TradingOptions } from "./backtest-options.js";
import { type RegisterCommands, wholeNumber, withCommonOptions } from "./command.js";
import { withStrategyOptions, type StrategyOptions } from "./strategy-options.js";

/** Flags of `ktrdr walk-forward`. */
export interface WalkForwardOptions extends StrategyOptions, TradingOptions {
  scheme: "anchored" | "rolling" | "combinatorial";
  folds?: number;
  firstShare?: number;
  groups?: number;
  testGroups?: number;
  embargo?: number;
  seeds: number;
  threads?: number;
  equityCsv?: string;
}

/** `ktrdr walk-forward`. */
export const registerWalkForwardCommand: RegisterCommands = (program) => {
  const described = withCommonOptions(program.command("walk-forward")).description(
    "Train and test a strategy fold by fold in time, and trade what the models said of new bars.",
  );
  const command = withStrategyOptions(described)
    .option(
      "--scheme <name>",
      "anchored: train on all bars before a test; rolling: on equally many; combinatorial: on all other groups",
      oneOf("--scheme", ["anchored", "rolling", "combinatorial"] as const),
      "anchored",
    )
    .option("--folds <n>", "anchored, rolling: number of tests (default: 5)", wholeNumber("--folds", 1, 1000))
    .option(
      "--first-share <share>",
      "anchored, rolling: share of the range before the first test (default: 0.5)",
      number("--first-share", "a share above 0 and below 1", (value) => value > 0 && value < 1),
    )
    .option("--groups <n>", "combinatorial: stretches of time (default: 6)", wholeNumber("--groups", 3, 30))
    .option(
      "--test-groups <n>",
      "combinatorial: how many of them each fold tests (default: 2)",
      wholeNumber("--test-groups", 1, 5),
    )
    .option(
      "--embargo <bars>",
      "bar times left out at either end of a test (default: that of the file)",
      wholeNumber("--embargo", 0, 1_000_000),
    )
    .option("--seeds <n>", "networks per fold, with seeds from --seed on", wholeNumber("--seeds", 1, 1000), 1)
    .option(
      "--threads <n>",
      "folds trained at the same time (default: one per core)",
      wholeNumber("--threads", 1, 256),
    );
  withTradingOptions(command, "")
    .option("--equity-csv <file>", "write the stitched equity to a file")
    .action(async (options: WalkForwardOptions) => {
      const { walkForwardCommand } = await import("./walk-forward-run.js");
      await walkForwardCommand(options);
    });
};

/** How the folds are laid out. @throws UsageError where flags of another scheme are given */
export function planOf(options: WalkForwardOptions): import("../dataset/index.js").FoldPlan {
  const { scheme, folds, firstShare, groups, testGroups } = options;
  const others =
    scheme === "combinatorial"
      ? { "--folds": folds, "--first-share": firstShare }
      : { "--groups": groups, "--test-groups": testGroups };
  const flag = Object.entries(others).find(([, value]) => value !== undefined)?.[0];
  if (flag !== undefined) throw new UsageError(`${flag} does not go with --scheme ${scheme}.`);
  if (scheme !== "combinatorial") return { scheme, folds: folds ?? 5, first: firstShare ?? 0.5 };
  const [all, tested] = [groups ?? 6, testGroups ?? 2];
  if (tested >= all)
    throw new UsageError(`--test-groups: ${tested} of ${all} groups leave none to train on.`);
  return { scheme, groups: all, tested };
}
