import fc from "fast-check";
import { expect, test } from "vitest";
import { describeWithComponent } from "../../test/components.js";
import {
  bothWays,
  cornerInputs,
  inputRandom,
  largestDifference,
  missingOnnxRuntime,
} from "../../test/onnx.js";
import { rounds } from "../../test/rounds.js";
import { activations, type Weights } from "../engines/index.js";
import type { FuzzySpec, MembershipSpec } from "../fuzzy/index.js";
import { MLPTradingModel, type Architecture } from "../training/index.js";
import { portableLayout, type PortableLayout } from "./inputs.js";

/** A network whose first layer passes each degree on with a weight of its own, so that each shows in the result. */
function modelFor(
  { features }: PortableLayout,
  activation: Architecture["activation"] = "tanh",
): MLPTradingModel {
  const random = inputRandom(features.length);
  const hidden = 6;
  const layer = (inputs: number, outputs: number): Weights[number] => ({
    inputs,
    outputs,
    weight: Float32Array.from({ length: inputs * outputs }, () => 2 * random.uniform() - 1),
    bias: Float32Array.from({ length: outputs }, () => random.uniform() - 0.5),
  });
  const weights = [layer(features.length, hidden), layer(hidden, 3)];
  return new MLPTradingModel(features.length, { hidden: [hidden], activation, dropout: 0.5 }, weights);
}

const ascending = (count: number): fc.Arbitrary<number[]> =>
  fc
    .array(fc.oneof(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.integer({ min: -2, max: 2 })), {
      minLength: count,
      maxLength: count,
    })
    .map((list) => list.sort((a, b) => a - b));
const centre = fc.double({ min: -1e3, max: 1e3, noNaN: true });
const positive = fc.double({ min: 1e-4, max: 1e3, noNaN: true });
const spec =
  (type: MembershipSpec["type"]) =>
  (parameters: number[]): MembershipSpec => ({ type, parameters });
const anyMembership: fc.Arbitrary<MembershipSpec> = fc.oneof(
  ascending(3).map(spec("triangular")),
  ascending(4).map(spec("trapezoidal")),
  fc.tuple(centre, positive).map(spec("gaussian")),
  fc
    .tuple(
      positive,
      fc.oneof(
        fc.integer({ min: 1, max: 30 }),
        positive.filter((p) => p < 40),
      ),
      centre,
    )
    .map(spec("bell")),
  fc
    .tuple(
      centre,
      centre.filter((slope) => Math.abs(slope) > 1e-3),
    )
    .map(spec("sigmoid")),
);
const anyFuzzy: fc.Arbitrary<FuzzySpec[]> = fc
  .array(
    fc.record({
      memberships: fc.array(anyMembership, { minLength: 1, maxLength: 4 }),
      reference: fc.constantFrom(null, null, "close" as const, "low" as const),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((entries) =>
    entries.map(({ memberships, reference }, k) => ({
      featureId: `f${k}`,
      transform: reference === null ? { type: "identity" } : { type: "price_ratio", reference },
      sets: memberships.map((membership, s) => ({ name: `s${s}`, membership })),
    })),
  );

describeWithComponent("the graph in onnxruntime", missingOnnxRuntime, () => {
  test("gives the engine's probabilities for any sets, at and beside every corner", async () => {
    await fc.assert(
      fc.asyncProperty(anyFuzzy, fc.integer({ min: 0, max: 2 }), fc.nat(), async (fuzzy, lookback, seed) => {
        const layout = portableLayout({ timeframes: ["1h", "1d"], fuzzy, lookback });
        const columns = cornerInputs(layout, 60, inputRandom(seed));
        const { onnx, own } = await bothWays(layout, modelFor(layout), columns);
        expect(largestDifference(onnx, own)).toBeLessThan(1e-6);
      }),
      { numRuns: rounds(300, 40) },
    );
  });

  test.each(activations)("activation %s", async (activation) => {
    const fuzzy = [sets("trapezoidal", [0, 0, 30, 40]), sets("gaussian", [0, 1])];
    const layout = portableLayout({ timeframes: ["1d"], fuzzy, lookback: 1 });
    const { onnx, own } = await bothWays(
      layout,
      modelFor(layout, activation),
      cornerInputs(layout, 500, inputRandom(1)),
    );
    expect(largestDifference(onnx, own)).toBeLessThan(1e-6);
    expect(new Set(own).size, "not constant").toBeGreaterThan(50);
  });

  test("a network without hidden layers is one product", async () => {
    const fuzzy = [sets("bell", [2, 3, 50])];
    const layout = portableLayout({ timeframes: ["1d"], fuzzy, lookback: 0 });
    const weights = [
      { inputs: 1, outputs: 3, weight: Float32Array.of(1, 2, -3), bias: Float32Array.of(0, 0.5, 1) },
    ];
    const model = new MLPTradingModel(1, { hidden: [], activation: "relu", dropout: 0 }, weights);
    const { onnx, own } = await bothWays(layout, model, [Float64Array.of(48, 50, 53.5)]);
    expect(largestDifference(onnx, own)).toBeLessThan(1e-6);
    expect(
      [...onnx.subarray(3, 6)].map((p) => p.toFixed(4)),
      "softmax of (1, 2.5, -2)",
    ).toEqual(["0.1808", "0.8102", "0.0090"]);
  });

  const steps = [
    sets("trapezoidal", [30, 30, 70, 70]),
    ...(["triangular", "gaussian", "bell", "sigmoid"] as const).map((type) =>
      sets(type, type === "triangular" ? [0, 1, 2] : type === "bell" ? [1, 2, 0] : [0, 1]),
    ),
  ];
  const ratio: FuzzySpec = {
    ...sets("triangular", [0.9, 1, 1.1]),
    featureId: "sma",
    transform: { type: "price_ratio", reference: "close" },
  };

  test("a missing value gives NaN for the whole row and for no other", async () => {
    const fuzzy = [...steps.map((one, k) => ({ ...one, featureId: `f${k}` })), ratio];
    const layout = portableLayout({ timeframes: ["1d"], fuzzy, lookback: 0 });
    const rows = layout.inputs.length + 1;
    // Row k lacks input k; the last row lacks none.
    const columns = layout.inputs.map((_, k) =>
      Float64Array.from({ length: rows }, (_, i) => (i === k ? NaN : 1)),
    );
    for (const activation of activations) {
      const { onnx } = await bothWays(layout, modelFor(layout, activation), columns);
      const missing = Array.from({ length: rows }, (_, i) =>
        [...onnx.subarray(3 * i, 3 * i + 3)].map(Number.isNaN),
      );
      expect(missing).toEqual([...Array(rows - 1).fill([true, true, true]), [false, false, false]]);
    }
  });

  test("a ratio to 0 or -0 is missing, infinite values have the degree that the set tends to", async () => {
    const layout = portableLayout({ timeframes: ["1d"], fuzzy: [ratio], lookback: 0 });
    const model = modelFor(layout);
    const zero = await bothWays(layout, model, [
      Float64Array.of(0, -0, 1, Infinity),
      Float64Array.of(1, 1, 1, 1),
    ]);
    expect(largestDifference(zero.onnx, zero.own)).toBeLessThan(1e-6);
    expect([...zero.onnx].map(Number.isNaN)).toEqual([...Array(6).fill(true), ...Array(6).fill(false)]);
    for (const one of steps) {
      const alone = portableLayout({ timeframes: ["1d"], fuzzy: [one], lookback: 0 });
      const { onnx, own } = await bothWays(alone, modelFor(alone), [
        Float64Array.of(-Infinity, Infinity, -1e308, 1e308),
      ]);
      expect(largestDifference(onnx, own), one.sets[0].membership.type).toBeLessThan(1e-6);
      expect(own.some(Number.isNaN)).toBe(false);
    }
  });

  test("a closed shoulder is 1 at its end and 0 one bit beyond", async () => {
    const layout = portableLayout({ timeframes: ["1d"], fuzzy: [steps[0]], lookback: 0 });
    const below = 30 - 2 ** -48;
    const above = 70 + 2 ** -46;
    const { onnx, own } = await bothWays(layout, modelFor(layout), [Float64Array.of(below, 30, 70, above)]);
    expect(largestDifference(onnx, own)).toBeLessThan(1e-6);
    const row = (i: number): number[] => [...onnx.subarray(3 * i, 3 * i + 3)];
    expect(row(1)).toEqual(row(2));
    expect(row(0)).toEqual(row(3));
    expect(row(0)).not.toEqual(row(1));
  });
});

function sets(type: MembershipSpec["type"], parameters: number[]): FuzzySpec {
  return {
    featureId: `of_${type}`,
    transform: { type: "identity" },
    sets: [{ name: "s", membership: { type, parameters } }],
  };
}
