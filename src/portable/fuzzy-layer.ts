import type { MembershipTypeName } from "../fuzzy/index.js";
import type { OnnxGraph } from "./graph.js";
import type { PortableLayout } from "./inputs.js";

/** Parameters of several sets of one type, [sets][parameters]. */
type ParameterRows = readonly (readonly number[])[];

/** Adds the degrees of sets of one type: `x` is [batch, sets] in float64, a column per set. */
type DegreeGraph = (graph: OnnxGraph, x: string, sets: ParameterRows) => string;

/** Each type's formula, in the order of operations of `src/fuzzy`, so that corners come out to the same bit. */
const degreeGraphs: Readonly<Record<MembershipTypeName, DegreeGraph>> = {
  triangular: (graph, x, sets) =>
    trapezoids(
      graph,
      x,
      sets.map(([a, b, c]) => [a, b, b, c]),
    ),
  trapezoidal: trapezoids,
  gaussian: (graph, x, sets) => {
    const centred = graph.node(
      "Sub",
      [x, graph.float64(column(sets, 0), "gaussian_centre")],
      "gaussian_from_centre",
    );
    const z = graph.node("Div", [centred, graph.float64(column(sets, 1), "gaussian_sigma")], "gaussian_z");
    const half = graph.node("Mul", [graph.float64([-0.5], "minus_half"), z], "gaussian_half");
    return graph.node("Exp", [graph.node("Mul", [half, z], "gaussian_exponent")], "gaussian");
  },
  bell: (graph, x, sets) => {
    const centred = graph.node("Sub", [x, graph.float64(column(sets, 2), "bell_centre")], "bell_from_centre");
    const z = graph.node("Div", [centred, graph.float64(column(sets, 0), "bell_width")], "bell_z");
    const exponents = sets.map(([, slope]) => 2 * slope);
    const base = graph.node("Abs", [z], "bell_distance");
    return reciprocalOfOneMore(
      graph,
      graph.node("Pow", [base, graph.float64(exponents, "bell_exponent")], "bell_power"),
      "bell",
    );
  },
  sigmoid: (graph, x, sets) => {
    const centred = graph.node(
      "Sub",
      [x, graph.float64(column(sets, 0), "sigmoid_centre")],
      "sigmoid_from_centre",
    );
    const slopes = graph.float64(column(sets, 1), "sigmoid_slope");
    const z = graph.node("Mul", [slopes, centred], "sigmoid_z");
    const e = graph.node("Exp", [graph.node("Neg", [z], "sigmoid_minus_z")], "sigmoid_exp");
    return reciprocalOfOneMore(graph, e, "sigmoid");
  },
};

/** Corners [a, b, c, d]; a closed side (a = b, c = d) is a step, 1 AT its end. */
function trapezoids(graph: OnnxGraph, x: string, corners: ParameterRows): string {
  const [a, b, c, d] = [0, 1, 2, 3].map((k) => column(corners, k));
  const zero = graph.float64([0], "zero");
  const one = graph.float64([1], "one");
  const side = (
    [from, to]: readonly [readonly number[], readonly number[]],
    slope: string,
    beyond: string,
    as: string,
  ): string => {
    // A closed side would divide by 0; its quotient is not used.
    const width = to.map((end, k) => (end === from[k] ? 1 : end - from[k]));
    const quotient = graph.node("Div", [slope, graph.float64(width, `${as}_width`)], `${as}_open`);
    const closed = to.map((end, k) => (end === from[k] ? 1 : 0));
    if (!closed.includes(1)) return quotient;
    const isClosed = graph.node("Greater", [graph.float64(closed, `${as}_closed`), zero], `${as}_is_closed`);
    return graph.node(
      "Where",
      [isClosed, graph.node("Where", [beyond, zero, one], `${as}_step`), quotient],
      as,
    );
  };
  const left = graph.node("Sub", [x, graph.float64(a, "foot_left")], "from_left_foot");
  const right = graph.node("Sub", [graph.float64(d, "foot_right"), x], "to_right_foot");
  const rising = side(
    [a, b],
    left,
    graph.node("Less", [x, graph.float64(b, "top_left")], "left_of_top"),
    "rising",
  );
  const falling = side(
    [c, d],
    right,
    graph.node("Greater", [x, graph.float64(c, "top_right")], "right_of_top"),
    "falling",
  );
  const lower = graph.node("Min", [rising, falling, one], "lower_side");
  const degree = graph.node("Max", [zero, lower], "trapezoid_of_numbers");
  // With both sides closed neither would see a NaN.
  return graph.node("Where", [graph.node("IsNaN", [x], "is_missing"), x, degree], "trapezoid");
}

function reciprocalOfOneMore(graph: OnnxGraph, value: string, as: string): string {
  const one = graph.float64([1], "one");
  return graph.node("Div", [one, graph.node("Add", [one, value], `one_and_${as}`)], as);
}

function column(rows: ParameterRows, k: number): number[] {
  return rows.map((row) => row[k]);
}

/**
 * Adds inputs, transforms and memberships of a layout, all in float64. Sets of one type are computed together, a column each, so that
 * the graph has some forty nodes however many sets there are.
 *
 * @returns degrees [batch, features] in the network's order; NaN where the indicator is NaN, or 0 under `price_ratio`
 */
export function addFuzzyLayer(graph: OnnxGraph, { inputs, crisp }: PortableLayout): string {
  for (const { name, kind, column: of, timeframe, lag } of inputs) {
    const when = lag === 0 ? "at the base bar" : `${lag} base bars before`;
    graph.input(name, `${kind} ${of} of ${timeframe} bars, ${when}`);
  }
  const values = addCrispValues(graph, { inputs, crisp });
  const byType = new Map<
    MembershipTypeName,
    { from: number; parameters: readonly number[]; feature: number }[]
  >();
  let features = 0;
  crisp.forEach(({ spec }, from) => {
    for (const { membership } of spec.sets) {
      const sets = byType.get(membership.type) ?? [];
      sets.push({ from, parameters: membership.parameters, feature: features++ });
      byType.set(membership.type, sets);
    }
  });
  const parts: string[] = [];
  const position: number[] = [];
  let computed = 0;
  for (const [type, sets] of byType) {
    const from = graph.indices(
      sets.map((set) => set.from),
      `${type}_inputs`,
    );
    const x = graph.node("Gather", [values, from], `${type}_values`, { axis: { int: 1 } });
    parts.push(
      degreeGraphs[type](
        graph,
        x,
        sets.map(({ parameters }) => parameters),
      ),
    );
    for (const { feature } of sets) position[feature] = computed++;
  }
  const degrees = graph.node("Concat", parts, "degrees_by_type", { axis: { int: 1 } });
  const order = graph.indices(position, "feature_order");
  return graph.node("Gather", [degrees, order], "memberships", { axis: { int: 1 } });
}

/** What the sets see, [batch, crisp]: indicator values, or a price over them. */
function addCrispValues(
  graph: OnnxGraph,
  { inputs, crisp }: Pick<PortableLayout, "inputs" | "crisp">,
): string {
  const along = { axis: { int: 1 } };
  const names = crisp.map(({ indicator }) => inputs[indicator].name);
  const values = graph.node("Concat", names, "indicator_values", along);
  const ratios = crisp.flatMap(({ price }, k) => (price === null ? [] : [{ k, price: inputs[price].name }]));
  if (ratios.length === 0) return values;
  const prices = graph.node(
    "Concat",
    ratios.map(({ price }) => price),
    "prices",
    along,
  );
  const which = graph.indices(
    ratios.map(({ k }) => k),
    "ratio_inputs",
  );
  const divisors = graph.node("Gather", [values, which], "divisors", along);
  const isZero = graph.node("Equal", [divisors, graph.float64([0], "zero")], "divisor_is_zero");
  const quotients = graph.node("Div", [prices, divisors], "quotients");
  const ratio = graph.node("Where", [isZero, graph.float64([NaN], "undefined"), quotients], "price_ratios");
  const both = graph.node("Concat", [values, ratio], "values_and_ratios", along);
  const order = crisp.map((_, k) => k);
  ratios.forEach(({ k }, r) => (order[k] = crisp.length + r));
  return graph.node("Gather", [both, graph.indices(order, "crisp_order")], "crisp_values", along);
}
