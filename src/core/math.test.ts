import fc from "fast-check";
import { expect, test } from "vitest";
import { cosine, exp, log, logistic, power, tanh } from "./math.js";

// True values to 20 digits or more, from the series evaluated in rational arithmetic (BigInt), rounded to float64.
function expByRationals(x: number): number {
  const scale = 10n ** 60n;
  const [mantissa, exponent] = x.toExponential(20).split("e");
  const digits = BigInt(mantissa.replace(".", "").replace("-", ""));
  const shift = Number(exponent) - 20 + 60;
  let argument = shift >= 0 ? digits * 10n ** BigInt(shift) : digits / 10n ** BigInt(-shift);
  argument /= 1024n; // e^x = (e^(x/1024))^1024 keeps the series short
  let sum = scale;
  let term = scale;
  for (let k = 1n; term > 0n; k++) {
    term = (term * argument) / scale / k;
    sum += term;
  }
  for (let k = 0; k < 10; k++) sum = (sum * sum) / scale;
  if (x < 0) sum = (scale * scale) / sum;
  const text = sum.toString();
  const integerDigits = text.length - 60;
  const significant = text.slice(0, 30);
  return Number(`0.${significant}e${integerDigits}`);
}

const ulp = 2 ** -52;

test("exp is within 2 ulp of the value in rational arithmetic", () => {
  fc.assert(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (x) => {
      const truth = expByRationals(x);
      expect(Math.abs(exp(x) / truth - 1)).toBeLessThanOrEqual(2 * ulp);
    }),
  );
});

test("exp keeps its limits", () => {
  expect([exp(0), exp(-Infinity), exp(Infinity), exp(710), exp(-746)]).toEqual([1, 0, Infinity, Infinity, 0]);
  expect(exp(NaN)).toBeNaN();
  expect(exp(-745)).toBe(5e-324);
});

test("log inverts exp and keeps its limits", () => {
  fc.assert(
    fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
      expect(Math.abs(log(exp(x)) - x)).toBeLessThanOrEqual(2 * ulp * Math.max(1, Math.abs(x)));
    }),
  );
  expect([log(1), log(0), log(Infinity)]).toEqual([0, -Infinity, Infinity]);
  expect(log(-1)).toBeNaN();
  expect(log(2)).toBe(Math.LN2);
  expect(log(10)).toBe(Math.LN10);
  expect(log(5e-324), "the smallest subnormal: -1074 ln 2").toBeCloseTo(-744.4400719213812, 10);
});

test("tanh equals (e^2x - 1) / (e^2x + 1) and is odd", () => {
  fc.assert(
    fc.property(fc.double({ min: -25, max: 25, noNaN: true }), (x) => {
      if (x === 0) return;
      const e = expByRationals(2 * Math.abs(x));
      const truth = ((e - 1) / (e + 1)) * Math.sign(x);
      // The formula itself cancels for small x, so its error there is bounded absolutely.
      expect(Math.abs(tanh(x) - truth)).toBeLessThanOrEqual(8 * ulp);
      expect(tanh(-x)).toBe(-tanh(x));
    }),
  );
  expect(Math.abs(tanh(1e-9) / 1e-9 - 1), "x - x^3/3 for small x").toBeLessThanOrEqual(2 * ulp);
  expect(tanh(0.1), "0.1 - 0.1^3/3 + 2*0.1^5/15 - 17*0.1^7/315 + 62*0.1^9/2835 - ...").toBeCloseTo(
    0.099667994624955,
    14,
  );
  expect([tanh(30), tanh(-Infinity)]).toEqual([1, -1]);
  expect(tanh(NaN)).toBeNaN();
});

test("logistic does not overflow and mirrors around 0.5", () => {
  expect([logistic(0), logistic(-1000), logistic(1000)]).toEqual([0.5, 0, 1]);
  expect(logistic(2) + logistic(-2)).toBeCloseTo(1, 15);
  expect(logistic(Math.log(3)), "odds 3:1").toBeCloseTo(0.75, 15);
});

test("power is exact for whole exponents of small numbers and handles zero", () => {
  expect([power(3, 4), power(2, -2), power(0, 0), power(0, 2), power(0, -1)]).toEqual([
    81,
    0.25,
    1,
    0,
    Infinity,
  ]);
  expect(power(2, 0.5)).toBeCloseTo(Math.SQRT2, 15);
});

test("cosine agrees with known angles", () => {
  expect(cosine(0)).toBe(1);
  expect(cosine(Math.PI)).toBeCloseTo(-1, 13);
  expect(cosine(Math.PI / 3)).toBeCloseTo(0.5, 13);
  expect(cosine(20 * Math.PI + Math.PI / 2)).toBeCloseTo(0, 12);
});
