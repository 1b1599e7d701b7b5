import { importBuilt } from "./built.js";
import { columnCosts, costLines } from "./columns.js";
import { barsText, measured, type Bench } from "./measure.js";
import type { MembershipSpec } from "../src/fuzzy/index.js";

/** One membership function of each type, for values of 0 to 100 times `scale`. */
export function membershipExamples(scale = 1): MembershipSpec[] {
  return [
    { type: "triangular", parameters: [20 * scale, 50 * scale, 80 * scale] },
    { type: "trapezoidal", parameters: [10 * scale, 30 * scale, 70 * scale, 90 * scale] },
    { type: "gaussian", parameters: [50 * scale, 15 * scale] },
    { type: "bell", parameters: [15 * scale, 2, 50 * scale] },
    { type: "sigmoid", parameters: [50 * scale, 0.2 / scale] },
  ];
}

/** Degrees of membership over many values, written into memory that is already there. */
export const benchMemberships: Bench = async ({ quick, note }) => {
  const { createRandom, membershipDegrees } = await importBuilt();
  const specs = membershipExamples();
  const count = quick ? 100_000 : 1_000_000;
  const size = barsText(count);
  const random = createRandom(1, "crisp values");
  const crisp = Float64Array.from({ length: count }, () => 100 * random.uniform());
  const out = new Float64Array(count);
  const work: Record<string, () => void> = {};
  for (const spec of specs) {
    work[spec.type] = () => membershipDegrees(spec, crisp, out);
    if (!membershipDegrees(spec, crisp, out).every((degree) => degree >= 0 && degree <= 1)) {
      throw new Error(`a degree of ${spec.type} lies outside 0..1`);
    }
  }
  const { costs } = await columnCosts(work, count, quick ? 5 : 15);
  for (const line of costLines(costs)) note(line);
  return specs.map(({ type }) => measured(`membership ${type}, ${size}`, costs[type].nsPerBar, "ns/bar"));
};
