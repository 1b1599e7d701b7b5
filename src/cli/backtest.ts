import { withBacktestOptions, type BacktestOptions } from "./backtest-options.js";
import { groupOf, type RegisterCommands, withCommonOptions } from "./command.js";

/** `ktrdr backtest run`. */
export const registerBacktestCommands: RegisterCommands = (program) => {
  const group = groupOf(program, "backtest", "Trade a model's predictions, or any signals, over bars.");
  const run = withCommonOptions(group.command("run"));
  withBacktestOptions(
    run.description(
      "Back-test a saved model or a file of signals: after costs, beside doing nothing clever.",
    ),
  ).action(async (options: BacktestOptions) => {
    const { backtestCommand } = await import("./backtest-run.js");
    await backtestCommand(options);
  });
};
