import { expect, test } from "vitest";
import { monthlyReturns } from "./monthly-returns.js";

test("months run from close to close, the first from the capital; a month without bars is empty", () => {
  const time = Float64Array.from(["2023-11-30", "2023-12-01", "2023-12-29", "2024-02-01"], (text) =>
    Date.parse(text),
  );
  const years = monthlyReturns(time, Float64Array.of(110, 99, 121, 60.5), 100);
  const near = (value: number): unknown => expect.closeTo(value, 9);
  const empty = Array.from({ length: 12 }, () => null as unknown);
  expect(years).toEqual([
    { year: 2023, months: empty.with(10, near(10)).with(11, near(10)), total: near(21) },
    { year: 2024, months: empty.with(1, near(-50)), total: near(-50) },
  ]);
});
