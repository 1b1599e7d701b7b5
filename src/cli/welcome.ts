import { commandName } from "./train-summary.js";

/** What `ktrdr` alone prints: the way to a first result. */
export function welcomeText(): string {
  const ktrdr = commandName();
  return [
    "ktrdr trains, tests and explains neuro-fuzzy trading strategies.",
    "A strategy file and price bars go in; a model that can be tested comes out.",
    "",
    "Your first result:",
    `  ${ktrdr} data sample                                              real daily bars of AAPL, 2013 to 2018`,
    `  ${ktrdr} models train --strategy config/strategies/example.yaml   trains, evaluates and saves a model`,
    `  ${ktrdr} models test example --symbol AAPL --timeframe 1d         judges it on any symbol and range`,
    "",
    "With bars of your own:",
    `  ${ktrdr} data import FILE.csv --symbol AAPL --timeframe 1d`,
    "",
    "Other strategies, one line each:",
    `  ${ktrdr} strategies list`,
    "",
    "All commands:",
    `  ${ktrdr} --help`,
  ].join("\n");
}
