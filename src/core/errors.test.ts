import { expect, test } from "vitest";
import { CancelledError, fromErrorData, KnownError, toErrorData, UsageError } from "./errors.js";
import { nearestName } from "./text.js";
import { createRandom } from "./random.js";

class TooFewApplesError extends KnownError {
  readonly code = "TOO_FEW_APPLES";
  readonly found: number;

  constructor(found: number) {
    super(`Only ${found} apples.`);
    this.found = found;
  }
}

test("a known error crosses threads with code, message and fields", () => {
  const revived = fromErrorData(structuredClone(toErrorData(new TooFewApplesError(3))));
  expect(revived).toBeInstanceOf(KnownError);
  expect(revived).toMatchObject({ code: "TOO_FEW_APPLES", message: "Only 3 apples.", details: { found: 3 } });
});

test("wrong usage stays wrong usage on another thread", () => {
  expect(fromErrorData(toErrorData(new UsageError("x")))).toMatchObject({
    isUsage: true,
    code: "WRONG_USAGE",
  });
  expect(fromErrorData(toErrorData(new TooFewApplesError(1)))).toMatchObject({ isUsage: false });
});

test("a cancelled run stays a cancelled run, and a bug keeps its stack", () => {
  expect(fromErrorData(toErrorData(new CancelledError()))).toBeInstanceOf(CancelledError);
  const bug = new TypeError("boom");
  const revived = fromErrorData(toErrorData(bug));
  expect(revived).not.toBeInstanceOf(KnownError);
  expect(revived).toMatchObject({ name: "TypeError", message: "boom", stack: bug.stack });
});

test("only wrong usage is wrong usage", () => {
  expect([new UsageError("x").isUsage, new TooFewApplesError(1).isUsage]).toEqual([true, false]);
});

test("the nearest name is found without regard to case, and nothing when nothing is near", () => {
  expect(nearestName("RSII", ["rsi", "sma"])).toBe("rsi");
  expect(nearestName("learning_rat", ["learning_rate", "batch_size"])).toBe("learning_rate");
  expect(nearestName("xyzzy", ["rsi", "sma"])).toBeUndefined();
});

test("a purpose has a stream of its own: another consumer does not shift it", () => {
  const alone = createRandom(42, "weights");
  const first = [alone.uniform(), alone.uniform()];
  const beside = createRandom(42, "weights");
  createRandom(42, "shuffle").uniform();
  expect([beside.uniform(), beside.uniform()]).toEqual(first);
  expect(createRandom(42, "shuffle").uniform()).not.toBe(first[0]);
  expect(createRandom(43, "weights").uniform()).not.toBe(first[0]);
});

test("a shuffle is a permutation in which every place is about equally likely", () => {
  const random = createRandom(7, "test");
  const counts = [0, 0, 0, 0, 0];
  for (let round = 0; round < 5000; round++) {
    const order = Uint32Array.from({ length: 5 }, (_, i) => i);
    random.shuffle(order);
    expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
    counts[order.indexOf(0)]++;
  }
  // Binomial(5000, 1/5): standard deviation 28, so 150 is more than five of them.
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test("normal numbers have mean 0 and variance 1", () => {
  const random = createRandom(1, "normal");
  let sum = 0;
  let squares = 0;
  for (let k = 0; k < 20_000; k++) {
    const x = random.normal();
    sum += x;
    squares += x * x;
  }
  expect(Math.abs(sum / 20_000)).toBeLessThan(0.03); // four standard errors
  expect(Math.abs(squares / 20_000 - 1)).toBeLessThan(0.05);
});
