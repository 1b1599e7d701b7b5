import { neverCancelled, throwIfCancelled, type CancellationToken } from "../core/index.js";
import { NoBarsError, type DataManager } from "../data/index.js";
import { EmptySplitError } from "../dataset/index.js";
import { findEngine, type Network } from "../engines/index.js";
import { classNames, type ClassName } from "../labels/index.js";
import type { StoredModel } from "../models/index.js";
import { portableLayout } from "../portable/index.js";
import { firstMatches, termsOf, type JudgedRule, type Term } from "../rules/index.js";
import { modelRules, type FoundRules } from "./model-rules.js";
import { openModel, type Prediction } from "./saved-model.js";

/** A membership of a bar, and what it does for the signal there. */
export interface MembershipEffect {
  /** The feature's name. */
  readonly membership: string;
  /** `rsi_14 is oversold`. */
  readonly words: string;
  readonly degree: number;
  /** Probability of the signal minus what it would be with this degree at 0: above 0 speaks for the signal. */
  readonly effect: number;
}

/** What is behind one signal; names as in `models predict --explain --json`. */
export interface Explanation {
  /** Those above 0, the largest effect first. */
  readonly memberships: readonly MembershipEffect[];
  /** The first rule of the model that holds at this bar; null where none does or the rules cannot be had. */
  readonly rule: JudgedRule | null;
  /** What the rules answer here, `otherwise` included; null where the rules cannot be had. */
  readonly rules_say: ClassName | null;
  /** How far the rules give the network's answers on held-out bars; null where they cannot be had. */
  readonly fidelity: number | null;
}

/** Explanations of some predictions of one model, in order. */
export interface Explained {
  readonly explanations: readonly Explanation[];
  /** What to say of the rules as a whole; null where they cannot be had. */
  readonly statement: string | null;
  readonly notices: readonly string[];
}

/**
 * The memberships and the rule behind each prediction. The rules need the bars that the model was trained on; where these are no longer
 * stored, or too few of them, a notice says so, and the memberships stand alone.
 *
 * @param predictions of this model
 * @throws ModelDamagedError, CancelledError
 */
export async function explainPredictions(
  stored: StoredModel,
  dataManager: DataManager,
  predictions: readonly Prediction[],
  token: CancellationToken = neverCancelled,
): Promise<Explained> {
  const { strategy, model } = openModel(stored);
  const terms = termsOf(portableLayout(strategy));
  const notices: string[] = [];
  let found: FoundRules | null = null;
  try {
    found = await modelRules(stored, dataManager, token);
    notices.push(...found.report.notices);
  } catch (error) {
    if (!(error instanceof NoBarsError || error instanceof EmptySplitError)) throw error;
    notices.push(`No rules: they are found on the bars that the model was trained on. ${error.message}`);
  }
  const network = model.open(findEngine("auto"), token);
  try {
    const explanations = predictions.map((prediction) => {
      const degrees = Float32Array.from(Object.values(prediction.memberships));
      return {
        memberships: effectsOf(network, prediction, degrees, terms, token),
        ...ruleBehind(found, degrees, token),
      };
    });
    return { explanations, statement: found?.report.statement ?? null, notices };
  } finally {
    network.dispose();
  }
}

/** @param degrees the prediction's, [features] */
function effectsOf(
  network: Network,
  { signal, memberships }: Prediction,
  degrees: Float32Array,
  terms: readonly Term[],
  token: CancellationToken,
): MembershipEffect[] {
  throwIfCancelled(token);
  const features = degrees.length;
  const active = [...degrees.keys()].filter((j) => degrees[j] > 0);
  // One row as it is, then one for each membership without it.
  const rows = new Float32Array((active.length + 1) * features);
  rows.set(degrees);
  active.forEach((j, i) => {
    rows.set(degrees, (i + 1) * features);
    rows[(i + 1) * features + j] = 0;
  });
  const probabilities = network.predict(rows, active.length + 1, token);
  const k = classNames.indexOf(signal);
  const names = Object.keys(memberships);
  return active
    .map((j, i) => ({
      membership: names[j],
      words: terms[j].text,
      degree: memberships[names[j]],
      effect: probabilities[k] - probabilities[3 * (i + 1) + k],
    }))
    .sort((a, b) => b.effect - a.effect);
}

function ruleBehind(
  found: FoundRules | null,
  features: Float32Array,
  token: CancellationToken,
): Pick<Explanation, "rule" | "rules_say" | "fidelity"> {
  if (found === null) return { rule: null, rules_say: null, fidelity: null };
  const { list, report } = found;
  const [first] = firstMatches(list.rules, { rows: 1, columns: features.length, features }, token);
  const rule = first < 0 ? null : report.rules[first];
  return { rule, rules_say: rule?.then ?? report.otherwise.answer, fidelity: report.fidelity };
}
