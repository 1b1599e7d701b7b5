import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findStrategy, strategyFiles, StrategyNotFoundError } from "./index.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ktrdr-strategies-"));
  for (const name of ["swing.yaml", "hourly.yml", ".hidden.yaml", "notes.txt"])
    writeFileSync(join(folder, name), "");
  mkdirSync(join(folder, "folder.yaml"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the strategy files of a folder are its .yaml and .yml files", () => {
  expect(strategyFiles(folder)).toEqual([join(folder, "hourly.yml"), join(folder, "swing.yaml")]);
  expect(strategyFiles(join(folder, "missing"))).toEqual([]);
});

test("a strategy is found by its name and by its path", () => {
  expect(findStrategy("swing", folder)).toBe(join(folder, "swing.yaml"));
  expect(findStrategy("hourly", folder)).toBe(join(folder, "hourly.yml"));
  expect(findStrategy(join(folder, "notes.txt"), folder)).toBe(join(folder, "notes.txt"));
});

test.each(["swnig", "strategies/swingg.yaml"])(
  "%s is not there: the nearest name and all names are told",
  (name) => {
    expect(() => findStrategy(name, folder)).toThrow(StrategyNotFoundError);
    expect(() => findStrategy(name, folder)).toThrow(/Did you mean "swing"\?.* has: hourly, swing/);
  },
);

test("an empty name finds nothing", () => {
  expect(() => findStrategy("", folder)).toThrow(StrategyNotFoundError);
});
