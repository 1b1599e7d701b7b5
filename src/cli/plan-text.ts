import type { StrategyPlan } from "../strategy/index.js";

/** `{period: 14, source: "close"}` as `period 14, source close`. */
function valuesText(values: unknown): string {
  return Object.entries(values as Record<string, unknown>)
    .map(([key, value]) => `${key} ${valueText(value)}`)
    .join(", ");
}

/** `{type: "sgd", momentum: 0.9}` as `sgd (momentum 0.9)`; null is off. */
function valueText(value: unknown): string {
  if (value === null) return "off";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return JSON.stringify(value);
  if (!("type" in value)) return `(${valuesText(value)})`;
  const { type, ...rest } = value;
  return `${valueText(type)}${Object.keys(rest).length === 0 ? "" : ` (${valuesText(rest)})`}`;
}

/** A strategy's plan as a person reads it. */
export function planText(plan: StrategyPlan): string {
  const dates = `${plan.start_date ?? "first bar"} to ${plan.end_date ?? "last bar"}`;
  const base = plan.timeframes.length > 1 ? ` (samples at ${plan.base_timeframe})` : "";
  const lags = plan.lookback_periods === 0 ? "" : `, with lags 1 to ${plan.lookback_periods}`;
  const facts = [
    ["strategy", plan.path === null ? plan.name : `${plan.name} (${plan.path})`],
    ["symbols", plan.symbols.join(" ") || "none: give --symbols"],
    ["timeframes", plan.timeframes.join(" ") + base],
    ["dates", dates],
    ["labels", `${plan.labels.source}: ${valuesText(plan.labels.params)}`],
    ["data split", valuesText(plan.data_split)],
    [
      "network",
      `${plan.architecture.layers.join("-")}, ${plan.architecture.activation}, dropout ${plan.architecture.dropout}`,
    ],
    ["training", valuesText(plan.training)],
    ["decisions", valuesText(plan.decisions)],
  ];
  const width = Math.max(...facts.map(([key]) => key.length));
  const indicators = plan.indicators.map((entry) => [
    entry.feature_id,
    `${entry.name}(${valuesText(entry.params)})`,
    `warm-up ${entry.warm_up} bars`,
  ]);
  const sets = plan.fuzzy_sets.flatMap(({ feature_id: id, input_transform: transform, sets: list }) =>
    list.map((set) => {
      const { type, ...rest } = transform as { type: string };
      const change = type === "identity" ? "" : `${type} ${valuesText(rest)}`;
      return [`${id}_${set.name}`, `${set.type} [${set.parameters.join(", ")}]`, change];
    }),
  );
  return [
    ...facts.map(([key, value]) => `${key.padEnd(width)}  ${value}`),
    "",
    "Indicators",
    leftAligned(indicators),
    "",
    `Inputs: ${plan.inputs.length} in this order, for each of ${plan.timeframes.join(" ")}${lags}`,
    leftAligned(sets),
  ].join("\n");
}

function leftAligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  return rows
    .map((row) => `  ${row.map((text, j) => text.padEnd(widths[j])).join("  ")}`.trimEnd())
    .join("\n");
}
