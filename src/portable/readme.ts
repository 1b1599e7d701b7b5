import type { IndicatorSpec } from "../indicators/index.js";
import { classNames } from "../labels/index.js";
import type { GoldenRow } from "./golden.js";
import type { PortableInput, PortableLayout } from "./inputs.js";
import { outputName } from "./onnx-file.js";

/** What the README of an exported model tells. */
export interface ReadmeSource {
  /** `<strategy>/<timeframe>_v<N>`. */
  readonly model: string;
  readonly version: string;
  readonly layout: PortableLayout;
  readonly indicators: readonly IndicatorSpec[];
  readonly baseTimeframe: string;
  readonly golden: readonly GoldenRow[];
  /** What it was trained on, in one line. */
  readonly trainedOn: string;
  /** What its test said, in words; null where nothing was recorded. */
  readonly verdict: string | null;
}

/** Names of the files of an exported model. */
export const exportedFiles = { onnx: "model.onnx", golden: "golden_rows.json", readme: "README.md" } as const;

/** A README for whoever gets the ONNX file and knows nothing of the system that made it. */
export function portableReadme(source: ReadmeSource): string {
  const { model, version, layout, golden, trainedOn, verdict, baseTimeframe } = source;
  const rows = layout.inputs.map((input) => `| \`${input.name}\` | ${meaning(input, source)} |`);
  return `# ${model}

A neuro-fuzzy trading model, made by ktrdr ${version}. \`${exportedFiles.onnx}\` holds all of it: price transforms and fuzzy memberships in
float64, the network in float32. It needs indicator values${layout.inputs.some(({ kind }) => kind === "price") ? " and prices" : ""} and gives class probabilities.

Trained on ${trainedOn}.
${verdict === null ? "" : `\n> ${verdict}\n`}
## Inputs

Each is a column of float64, shape [batch, 1]: one row per ${baseTimeframe} bar, all of it known when that bar has closed. A bar of a
coarser timeframe counts from its own close.

| input | is |
| --- | --- |
${rows.join("\n")}

## Output

\`${outputName}\`, float32, shape [batch, ${classNames.length}]: ${classNames.join(", ")}. A row in which an input is NaN, or a divisor of a price is 0, has NaN.

## Use it from Python

\`\`\`python
import json
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("${exportedFiles.onnx}")
golden = json.load(open("${exportedFiles.golden}"))
columns = {i.name: np.array([[row["inputs"][i.name]] for row in golden]) for i in session.get_inputs()}
(found,) = session.run(["${outputName}"], columns)
expected = np.array([row["probabilities"] for row in golden])
print("largest difference", np.abs(found - expected).max())
\`\`\`

\`${exportedFiles.golden}\` has ${golden.length} rows of inputs with the probabilities that ktrdr gives for them: rows of real bars, and rows at the feet and
peaks of the fuzzy sets. The difference should be below 1e-6.

The ONNX file has the same rows in its metadata, with \`class_names\`, \`feature_names\`, \`input_names\` and \`inputs\` (timeframe, column
and lag of each), all as JSON.
`;
}

function meaning({ kind, column, timeframe, lag }: PortableInput, { indicators }: ReadmeSource): string {
  const when = lag === 0 ? "" : `, ${lag} base ${lag === 1 ? "bar" : "bars"} earlier`;
  if (kind === "price") return `${column} of the ${timeframe} bar${when}`;
  const [id, output] = column.split(".");
  const spec = indicators.find(({ featureId }) => featureId === id);
  if (spec === undefined) return `${column} of ${timeframe} bars${when}`;
  const { indicator, params } = spec;
  const parameters = Object.entries(params as Record<string, unknown>)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`);
  const what = `${indicator.title} (${[indicator.outputs.length === 1 ? indicator.name : `${output ?? indicator.primary} of ${indicator.name}`, ...parameters].join(", ")})`;
  const definition = lag === 0 ? `: ${indicator.definition.replaceAll("|", "\\|")}` : "";
  return `${what} over ${timeframe} bars${when}${definition}`;
}
