import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  featureNames,
  loadStrategy,
  seedVariants,
  StrategyFileError,
  strategyFromDocument,
  withOverrides,
} from "./index.js";
import { valueAt } from "./plain.js";

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const example = loadStrategy(at("config/strategies/example.yaml"));
const two = loadStrategy(at("config/strategies/two_timeframes.yaml"));

describe("what a command says in place of the file", () => {
  test("is in the strategy and in its document, from which the same strategy comes again", () => {
    const changed = withOverrides(example, {
      symbols: ["AAPL", "MSFT"],
      timeframes: ["1d", "1h"],
      startDate: "2024-01-01",
      endDate: "2024-12-31",
      epochs: 3,
      seed: 7,
    });
    expect(changed).toMatchObject({
      path: example.path,
      symbols: ["AAPL", "MSFT"],
      timeframes: ["1h", "1d"],
      baseTimeframe: "1h",
      startDate: "2024-01-01",
      endDate: "2024-12-31",
      training: { ...example.training, epochs: 3, seed: 7 },
      notices: [],
    });
    expect(strategyFromDocument(changed.document, "example", changed.path)).toEqual(changed);
  });

  test("leaves the strategy that was given as it was", () => {
    const before = structuredClone(example.document);
    withOverrides(example, { symbols: ["MSFT"], epochs: 1 });
    expect(example.document).toEqual(before);
  });

  test("nothing said changes nothing", () => {
    expect(withOverrides(example, {})).toEqual(example);
    expect(withOverrides(two, {})).toEqual(two);
  });

  test("a base timeframe that is left out gives way to the finest, with a notice", () => {
    const changed = withOverrides(two, { timeframes: ["4h", "1d"] });
    expect(changed.baseTimeframe).toBe("4h");
    expect(changed.notices).toEqual([
      "The file's base_timeframe 1h is not among 4h, 1d; the finest of them takes its place.",
    ]);
  });

  test("one timeframe of several keeps its own inputs only", () => {
    const changed = withOverrides(two, { timeframes: ["1h"] });
    expect(featureNames(changed)).toEqual(featureNames(two).filter((name) => name.startsWith("1h_")));
    expect(changed.notices).toEqual([]);
  });

  test("works on a file of the first format", () => {
    const first = loadStrategy(at("fixtures/strategies/first-format.yaml"));
    const changed = withOverrides(first, { symbols: ["DIA"] });
    expect(changed).toMatchObject({ symbols: ["DIA"], timeframes: ["1h", "4h"], historyRequired: 250 });
    expect(valueAt(changed.document, ["data"])).toBeUndefined();
  });

  test("is checked as the file is", () => {
    expect(() => withOverrides(example, { symbols: ["AAPL", "AAPL"] })).toThrow(StrategyFileError);
    expect(() => withOverrides(example, { symbols: ["../x"] })).toThrow("not a symbol");
    expect(() => withOverrides(example, { epochs: 0 })).toThrow("a whole number of at least 1");
    expect(() => withOverrides(example, { startDate: "2024-12-31", endDate: "2024-01-01" })).toThrow(
      "lies before",
    );
  });

  test.each(["config/strategies/example.yaml", "fixtures/strategies/first-format.yaml"])(
    "seeds one after the other give what each gives alone: %s",
    (file) => {
      const strategy = loadStrategy(at(file));
      const variant = seedVariants(strategy);
      for (const seed of [strategy.training.seed, 0, 7, strategy.training.seed, 0xffffffff]) {
        expect(variant(seed), `seed ${seed}`).toEqual(withOverrides(strategy, { seed }));
      }
    },
  );
});
