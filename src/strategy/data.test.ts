import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadStrategy, strategyFromData, strategyToData } from "./index.js";

const folder = fileURLToPath(new URL("../../config/strategies/", import.meta.url));

test.each(readdirSync(folder))("%s is the same strategy after it crossed to another thread", (name) => {
  const strategy = loadStrategy(`${folder}${name}`);
  expect(strategyFromData(structuredClone(strategyToData(strategy)))).toEqual(strategy);
});
