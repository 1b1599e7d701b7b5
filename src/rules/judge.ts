import type { CancellationToken } from "../core/index.js";
import { classNames, type ClassName } from "../labels/index.js";
import { firstMatches, type Answers, type RuleList } from "./extract.js";

/** A rule in words, and what it was worth on bars that neither network nor rules had seen; names as in `models rules --json`. */
export interface JudgedRule {
  /** All of these hold: `rsi_14 is oversold`. */
  readonly if: readonly string[];
  readonly then: ClassName;
  /** Training bars on which it is the first rule that holds. */
  readonly support: number;
  /** The same on held-out bars. */
  readonly held_out_bars: number;
  /** Share of these that truly were of the class; null without such bars. */
  readonly precision: number | null;
  /** Precision over the class's share among all held-out bars: 1 is no better than chance; null where either is missing. */
  readonly lift: number | null;
  /** Share of these on which the network says the same. */
  readonly agreement: number | null;
}

/** A rule list with its worth; names as in `models rules --json`. */
export interface JudgedRules {
  readonly rules: readonly JudgedRule[];
  readonly otherwise: { readonly answer: ClassName; readonly held_out_bars: number };
  /** Share of held-out bars on which the list gives the network's answer. */
  readonly fidelity: number;
  /** The same for always giving the network's commonest answer. */
  readonly constant_fidelity: number;
  /** Agreement beyond that by chance, -1..1 (Cohen 1960); null where the network or the list gives one answer only. */
  readonly kappa: number | null;
  /** True where the list may be read as what the network does. */
  readonly explained: boolean;
  readonly statement: string;
  readonly held_out_bars: number;
}

/** Below this share of equal answers, or this kappa, the network does other things than the rules say. */
const lowestFidelity = 0.8;
const lowestKappa = 0.6; // "substantial agreement" begins here (Landis & Koch 1977)

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/**
 * What a rule list is worth on held-out rows: each rule against the true labels, the list against the network.
 *
 * @param heldOut rows that had no part in training or extraction, with the network's answers
 * @param labels  their true classes, [rows]
 */
export function judgeRules(
  { rules, otherwise }: RuleList,
  heldOut: Answers,
  labels: Uint8Array,
  token: CancellationToken,
): JudgedRules {
  const { rows, classes } = heldOut;
  const first = firstMatches(rules, heldOut, token);
  const shares = [0, 1, 2].map((k) => shareWhere(rows, (row) => labels[row] === k));
  const given = first.map((rule) => (rule < 0 ? otherwise : rules[rule].answer));
  const judged = rules.map(({ terms, answer, support }, k): JudgedRule => {
    const fired = [...first.keys()].filter((row) => first[row] === k);
    const share = (right: (row: number) => boolean): number | null =>
      fired.length === 0 ? null : fired.filter(right).length / fired.length;
    const precision = share((row) => labels[row] === answer);
    const base = shares[answer];
    return {
      if: terms.map(({ text }) => text),
      // oxlint-disable-next-line unicorn/no-thenable -- the contract's word; a text is not called
      then: classNames[answer],
      support,
      held_out_bars: fired.length,
      precision,
      lift: precision === null || base === 0 ? null : precision / base,
      agreement: share((row) => classes[row] === answer),
    };
  });
  const fidelity = shareWhere(rows, (row) => given[row] === classes[row]);
  const answered = [0, 1, 2].map((k) => shareWhere(rows, (row) => classes[row] === k));
  const said = [0, 1, 2].map((k) => shareWhere(rows, (row) => given[row] === k));
  const chance = answered.reduce((sum, share, k) => sum + share * said[k], 0);
  const varied = Math.max(...answered) < 1 && Math.max(...said) < 1;
  const kappa = varied ? (fidelity - chance) / (1 - chance) : null;
  const figures = { fidelity, constant_fidelity: Math.max(...answered), kappa };
  const explained = fidelity >= lowestFidelity && (fidelity === 1 || (kappa ?? 0) >= lowestKappa);
  return {
    rules: judged,
    otherwise: { answer: classNames[otherwise], held_out_bars: first.filter((rule) => rule < 0).length },
    ...figures,
    explained,
    statement: statementOf(figures, explained, rows, classNames[answered.indexOf(figures.constant_fidelity)]),
    held_out_bars: rows,
  };
}

function shareWhere(rows: number, wanted: (row: number) => boolean): number {
  let count = 0;
  for (let row = 0; row < rows; row++) if (wanted(row)) count++;
  return rows === 0 ? 0 : count / rows;
}

function statementOf(
  { fidelity, constant_fidelity }: Pick<JudgedRules, "fidelity" | "constant_fidelity">,
  explained: boolean,
  rows: number,
  commonest: ClassName,
): string {
  if (rows === 0)
    return "There are no held-out bars, so nothing tells how far the rules explain the network.";
  if (constant_fidelity === 1) {
    return `The network answers ${commonest} on all ${rows} held-out bars: there is nothing to explain.`;
  }
  const facts =
    `The rules give the network's answer on ${percent(fidelity)} of ${rows} held-out bars; ` +
    `always saying ${commonest} would on ${percent(constant_fidelity)}.`;
  return explained
    ? facts
    : `${facts} That is too little: the network is NOT explained by these rules. It weighs degrees in a way that such words do not tell.`;
}
