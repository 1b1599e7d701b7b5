import { neverCancelled, type CancellationToken } from "../core/index.js";
import type { DataManager } from "../data/index.js";
import { dataHash, parts, type CombinedData } from "../dataset/index.js";
import { findEngine, type Network } from "../engines/index.js";
import type { StoredModel } from "../models/index.js";
import { portableLayout } from "../portable/index.js";
import {
  extractRules,
  judgeRules,
  termsOf,
  type Answers,
  type JudgedRules,
  type RuleList,
} from "../rules/index.js";
import { predictedClass } from "../training/index.js";
import { openModel } from "./saved-model.js";
import { loadSeries, type SymbolSeries } from "./series.js";
import { prepareData } from "./training-pipeline.js";

/** Rows that rules are found on: more of them change no word of a rule, and cost time. */
const mostRows = 20_000;

/** Rules of a saved model; names as in `models rules --json`. */
export interface ModelRules extends JudgedRules {
  readonly model: string;
  readonly notices: readonly string[];
}

/** Rules of a saved model, and the list that applies them to further bars. */
export interface FoundRules {
  readonly report: ModelRules;
  readonly list: RuleList;
}

/**
 * Readable rules of a saved model: found on the bars it was trained on, from what the network answers there; kept where they
 * are worth it on these and the validation part; judged on the test part.
 *
 * The bars come from the data folder, by the symbols and dates that the model recorded. Where the data set is no longer the one it was
 * trained on (its hash differs), a notice says so.
 *
 * @throws NoBarsError where a symbol's bars are no longer stored; EmptySplitError; ModelDamagedError; CancelledError
 */
export async function modelRules(
  stored: StoredModel,
  dataManager: DataManager,
  token: CancellationToken = neverCancelled,
): Promise<FoundRules> {
  const { strategy, model } = openModel(stored);
  const { metadata } = stored;
  const symbols = (metadata["symbols"] as readonly string[] | undefined) ?? strategy.symbols;
  const range = {
    startDate: (metadata["start_date"] as string | undefined) ?? null,
    endDate: (metadata["end_date"] as string | undefined) ?? null,
  };
  const { timeframes, baseTimeframe } = strategy;
  const all: SymbolSeries[] = [];
  for (const symbol of symbols) {
    all.push(
      await loadSeries(
        dataManager,
        { symbol, timeframes, baseTimeframe, ...range, dataMode: "local" },
        token,
      ),
    );
  }
  const { data } = prepareData(strategy, all, () => undefined, token).parts;
  const hash = dataHash(
    parts.map((part) => data[part]),
    token,
  );
  const notices =
    hash === metadata["data_hash"]
      ? []
      : [
          `The bars have changed since ${stored.name} was trained (their hash is ${hash.slice(0, 12)}..., it was ` +
            `${String(metadata["data_hash"]).slice(0, 12)}...): some of the held-out bars may have been in its training.`,
        ];
  const network = model.open(findEngine("auto"), token);
  try {
    const train = answersOf(network, data.train, mostRows, token);
    if (train.rows < data.train.features.rows) {
      notices.push(
        `The rules were found on ${train.rows} of ${data.train.features.rows} training bars, evenly spread.`,
      );
    }
    const validation = answersOf(network, data.validation, mostRows, token);
    const terms = termsOf(portableLayout(strategy));
    const list = extractRules(train, validation, terms, token);
    const test = answersOf(network, data.test, Infinity, token);
    const report = { model: stored.name, ...judgeRules(list, test, data.test.labels, token), notices };
    return { report, list };
  } finally {
    network.dispose();
  }
}

/** A part with the network's answers; at most `most` rows of it, evenly spread. */
function answersOf(
  network: Network,
  { features }: CombinedData,
  most: number,
  token: CancellationToken,
): Answers {
  const { columns } = features;
  const rows = Math.min(most, features.rows);
  let values = features.values;
  if (rows < features.rows) {
    values = new Float32Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      const row = Math.floor((i * features.rows) / rows);
      values.set(features.values.subarray(row * columns, (row + 1) * columns), i * columns);
    }
  }
  const probabilities = network.predict(values, rows, token);
  const classes = Uint8Array.from({ length: rows }, (_, i) => predictedClass(probabilities, i));
  return { rows, columns, features: values, classes };
}
