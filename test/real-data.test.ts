import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { LocalTrainingResult } from "../src/index.js";
import { runCommand } from "./command.js";
import { strategyText } from "./journey-strategies.js";
import { describeWithSharedData } from "./shared-data.js";

const home = mkdtempSync(join(tmpdir(), "ktrdr-real-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function succeed(cwd: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await runCommand(cwd, args);
  expect(status, `ktrdr ${args.join(" ")}\n${stderr}`).toBe(0);
  return stdout;
}

const zigzag = {
  training: `
  labels: { source: zigzag, zigzag_threshold: 0.05 }
  data_split: { train: 0.7, validation: 0.15, test: 0.15 }`,
};

describeWithSharedData("on real bars", (shared) => {
  test("the mission's command trains on all 252 days of 2024 of three symbols, with the counts of an independent program", async () => {
    for (const symbol of ["AAPL", "MSFT", "GOOGL"]) {
      const imported = await succeed(home, "data", "import", join(shared, `${symbol}_1d.csv`), "--json");
      expect(JSON.parse(imported)).toMatchObject({
        symbol,
        timeframe: "1d",
        rows_imported: 1083,
        repaired: [],
        refused: [],
      });
    }
    mkdirSync(join(home, "config", "strategies"), { recursive: true });
    writeFileSync(
      join(home, "config", "strategies", "zigzag.yaml"),
      strategyText({ ...zigzag, name: "zigzag" }),
    );
    const dates = ["--start-date", "2024-01-01", "--end-date", "2024-12-31"];
    const common = [
      "models",
      "train",
      "--strategy",
      "config/strategies/zigzag.yaml",
      "--timeframes",
      "1d",
      ...dates,
      "--json",
    ];
    const one = JSON.parse(await succeed(home, ...common, "--symbols", "AAPL")) as LocalTrainingResult;
    expect(one.data_summary.per_symbol["AAPL"]).toMatchObject({
      bars: 252,
      train: 166,
      validation: 36,
      test: 34,
    });
    const three = JSON.parse(
      await succeed(home, ...common, "--symbols", "AAPL", "MSFT", "GOOGL"),
    ) as LocalTrainingResult;
    const counts = Object.entries(three.data_summary.per_symbol).map(
      ([symbol, { bars, train, validation, test: tested, dropped }]) => {
        const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
        expect(train + validation + tested + lost, symbol).toBe(bars);
        expect(dropped["warm_up"], "earlier bars serve as warm-up").toBe(0);
        return [symbol, bars, train, validation, tested];
      },
    );
    expect(counts).toEqual([
      ["AAPL", 252, 166, 36, 34],
      ["MSFT", 252, 175, 34, 37],
      ["GOOGL", 252, 173, 33, 27],
    ]);
    const tested = JSON.parse(
      await succeed(
        home,
        "models",
        "test",
        three.model_name,
        "--symbol",
        "AAPL",
        "--timeframe",
        "1d",
        ...dates,
        "--json",
      ),
    ) as { samples: number; bars_in_training_range: number };
    // Of 252 days those without a label yet are missing: 252 - dropped no_label.
    const { dropped } = three.data_summary.per_symbol["AAPL"];
    expect(tested.samples).toBe(252 - dropped["no_label"]);
    expect(tested.bars_in_training_range, "training and validation end before position 214").toBe(214);
  }, 120_000);

  test("hours and the days made from them train together, days joined on their close", async () => {
    const folder = join(home, "hours");
    mkdirSync(join(folder, "data"), { recursive: true });
    copyFileSync(join(shared, "AAPL_1h.csv"), join(folder, "data", "AAPL_1h.csv"));
    await succeed(
      folder,
      "data",
      "resample",
      "AAPL",
      "--from",
      "1h",
      "--to",
      "1d",
      "--timezone",
      "America/New_York",
    );
    const shown = await succeed(folder, "data", "show", "AAPL", "--timeframe", "1d", "--format", "csv");
    const days = new Map(
      shown
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, 10), line]),
    );
    expect(days.has("2019-11-29"), "an early close is a day").toBe(true);
    writeFileSync(
      join(folder, "two.yaml"),
      strategyText({
        ...zigzag,
        name: "two",
        training_data: `
  symbols: { mode: single, symbol: AAPL }
  timeframes: { mode: multi_timeframe, list: [1d, 1h], base_timeframe: 1h }`,
      }),
    );
    const result = JSON.parse(
      await succeed(
        folder,
        ..."models train --strategy two.yaml --symbols AAPL --timeframes 1h,1d".split(" "),
        ..."--start-date 2015-01-01 --end-date 2020-12-31 --epochs 2 --json".split(" "),
      ),
    ) as LocalTrainingResult;
    expect(result.model_name, "the finest timeframe names the model").toBe("two/1h_v1");
    expect(result.data_summary.feature_count, "five sets on two timeframes").toBe(10);
    const { bars, dropped } = result.data_summary.per_symbol["AAPL"];
    // 1,511 trading days of 2015 to 2020, seven hourly bars each but for the early closes.
    expect(bars).toBeGreaterThan(10_400);
    expect(dropped["warm_up"]).toBe(0);
  }, 120_000);
});
