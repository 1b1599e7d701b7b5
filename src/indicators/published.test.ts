import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { barsOf, outputsOver } from "../../test/indicator-sources.js";

interface Case {
  readonly indicator: string;
  readonly params: Record<string, unknown>;
  readonly source: string;
  readonly input: Record<string, number[]>;
  readonly first: number;
  readonly outputs: Record<string, number[]>;
  readonly tolerance: number;
}

const file = new URL("../../fixtures/indicators/published.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(file, "utf8")) as { cases: Case[] };

test.each(cases)("$indicator: $source", ({ indicator, params, input, first, outputs, tolerance }) => {
  const computed = outputsOver(barsOf(input), indicator, params);
  for (const [output, published] of Object.entries(outputs)) {
    const values = computed[output].subarray(first);
    expect(values.length, "bars from the first published value").toBe(published.length);
    published.forEach((value, i) => {
      expect(Math.abs(values[i] - value), `${output} at bar ${first + i}`).toBeLessThanOrEqual(tolerance);
    });
  }
});
