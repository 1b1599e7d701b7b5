import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { findMembershipType, membershipDegrees, membershipSchema, membershipTypes } from "./membership.js";
import type { MembershipSpec, MembershipTypeName } from "./membership.js";

const typeNames = Object.keys(membershipTypes) as MembershipTypeName[];

const finite = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const positive = fc.double({ min: 1e-6, max: 1e6, noNaN: true });

/** Any valid parameters of any type; ascending ones are often equal, which closes a shoulder. */
const anySpec: fc.Arbitrary<MembershipSpec> = fc.oneof(
  ...([3, 4] as const).map((count) =>
    fc
      .array(fc.oneof(finite, fc.integer({ min: -2, max: 2 })), { minLength: count, maxLength: count })
      .map((list) => ({
        type: count === 3 ? ("triangular" as const) : ("trapezoidal" as const),
        parameters: list.sort((a, b) => a - b),
      })),
  ),
  fc.tuple(finite, positive).map((parameters) => ({ type: "gaussian" as const, parameters })),
  fc
    .tuple(positive, fc.double({ min: 0.01, max: 50, noNaN: true }), finite)
    .map((parameters) => ({ type: "bell" as const, parameters })),
  fc
    .tuple(
      finite,
      finite.filter((slope) => slope !== 0),
    )
    .map((parameters) => ({ type: "sigmoid" as const, parameters })),
);

describe("every membership type", () => {
  test("gives degrees in 0..1 for any value, infinite ones included", () => {
    fc.assert(
      fc.property(anySpec, fc.array(fc.double({ noNaN: true })), (spec, values) => {
        const x = Float64Array.from([...values, ...spec.parameters, -Infinity, Infinity]);
        for (const degree of membershipDegrees(spec, x)) expect(degree >= 0 && degree <= 1).toBe(true);
      }),
    );
  });

  test("keeps NaN and nothing but NaN as NaN", () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const degrees = membershipDegrees(spec, Float64Array.of(NaN, spec.parameters[0], NaN));
        expect([...degrees].map(Number.isNaN)).toEqual([true, false, true]);
      }),
    );
  });

  test("may write over its own input", () => {
    fc.assert(
      fc.property(anySpec, fc.array(fc.double()), (spec, values) => {
        const x = Float64Array.from(values);
        const apart = membershipDegrees(spec, x);
        expect(membershipDegrees(spec, x, x)).toEqual(apart);
      }),
    );
  });

  test("has low degrees beyond its span, or the highest one on its open side", () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const [low, high] = membershipTypes[spec.type].span(spec.parameters);
        const width = high - low;
        const beyond = membershipDegrees(spec, Float64Array.of(low - width - 1, high + width + 1));
        for (const degree of beyond) {
          expect(degree < 0.0101 || (spec.type === "sigmoid" && degree > 0.9899)).toBe(true);
        }
      }),
    );
  });

  test("is valid for its own schema, unchanged", () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        expect(membershipSchema.parse(spec)).toEqual(spec);
      }),
    );
  });

  test.each(typeNames)("%s is found by its name and aliases, whatever case and separators", (name) => {
    const type = membershipTypes[name];
    expect(type.name).toBe(name);
    for (const alias of [
      name,
      name.toUpperCase(),
      ...type.aliases,
      ...type.aliases.map((a) => a.replace("_", "-")),
    ]) {
      expect(findMembershipType(alias), alias).toBe(type);
    }
  });
});

describe("the schema", () => {
  const issuesOf = (value: unknown): { path: string; message: string }[] =>
    (membershipSchema.safeParse(value).error?.issues ?? []).map(({ path, message }) => ({
      path: path.join("."),
      message,
    }));

  test("takes aliases and gives the canonical type", () => {
    expect(membershipSchema.parse({ type: "generalized_bell", parameters: [5, 2, 50] })).toEqual({
      type: "bell",
      parameters: [5, 2, 50],
    });
  });

  test.each([
    [{ type: "triangular", parameters: [30, 20, 40] }, "parameters.1", "b = 20 below a = 30"],
    [{ type: "trapezoidal", parameters: [0, 10, 30, 20] }, "parameters.3", "d = 20 below c = 30"],
    [{ type: "triangular", parameters: [0, 1] }, "parameters", "takes 3 parameters [left foot a, peak b"],
    [
      { type: "gaussian", parameters: [50, 5, 1] },
      "parameters",
      "takes 2 parameters [centre, sigma], found 3",
    ],
    [{ type: "gaussian", parameters: [50, 0] }, "parameters.1", "needs sigma > 0, found 0"],
    [{ type: "bell", parameters: [-1, 2, 50] }, "parameters.0", "needs width > 0, found -1"],
    [{ type: "bell", parameters: [1, 0, 50] }, "parameters.1", "needs slope > 0, found 0"],
    [{ type: "sigmoid", parameters: [50, 0] }, "parameters.1", "slope other than 0"],
    [
      { type: "triangular", parameters: [-1.5e308, 0, 1.5e308] },
      "parameters.2",
      "spans more than the largest",
    ],
    [{ type: "triangluar", parameters: [0, 1, 2] }, "type", 'Did you mean "triangular"?'],
    [{ type: "triangular", parameters: [0, "1", 2] }, "parameters.1", "expected number"],
    [{ type: "triangular", parameters: [0, NaN, 2] }, "parameters.1", "expected number"],
    [{ type: "triangular", parameters: [0, 1, Infinity] }, "parameters.2", "expected number"],
    [{ type: "triangular" }, "parameters", "expected array"],
    [{ parameters: [0, 1, 2] }, "type", "expected string"],
    [{ type: "triangular", parameters: [0, 1, 2], weight: 1 }, "", "weight"],
    [[0, 1, 2], "", "expected object"],
  ])("refuses %j at the place to blame", (value, path, message) => {
    const issues = issuesOf(value);
    expect(issues).toHaveLength(1);
    expect(issues[0].path).toBe(path);
    expect(issues[0].message).toContain(message);
  });
});
