import { throwIfCancelled, type CancellationToken } from "../core/index.js";
import { addRow, countCommon, emptySet, intersection, remove, type RowSet } from "./bits.js";
import { termThreshold, type Term } from "./terms.js";

/** Rows as the network sees them, and what it answers to each. */
export interface Answers {
  readonly rows: number;
  /** Degrees, float32 row-major [rows × features]. */
  readonly features: Float32Array;
  readonly columns: number;
  /** Class that the network gives, [rows]. */
  readonly classes: Uint8Array;
}

/** "If all of these terms hold, this class is the answer", unless an earlier rule of the list has spoken. */
export interface Rule {
  readonly terms: readonly Term[];
  readonly answer: number;
  /** Rows of the extraction on which it is the first rule that holds. */
  readonly support: number;
}

/** An ordered list of rules: the first that holds decides, else `otherwise`. */
export interface RuleList {
  readonly rules: readonly Rule[];
  readonly otherwise: number;
}

const classCount = 3;
const mostTerms = 3;
const mostRules = 12;
/** Conjunctions kept from one length to the next. */
const beamWidth = 12;
/** A longer rule has to be better by this factor: a term more is a word more to read. */
const worthATerm = 1.03;
/** Rules are looked for among the purest first, so that an early one does not take rows from a better one. */
const purities = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5];

interface Candidate {
  readonly terms: readonly number[];
  readonly rows: RowSet;
  readonly support: number;
  readonly hits: number;
  /** Weighted relative accuracy times the number of rows: hits beyond those that rows picked blindly would have. */
  readonly gain: number;
}

/**
 * A short list of rules that answers as the network does: separate and conquer. In turn, the conjunction of up to three
 * terms with the highest weighted relative accuracy among those that are pure enough is taken, and its rows are taken away;
 * purity is asked for less and less. Rules that the list can do without are then taken out again (`withoutIdle`).
 *
 * @see Clark & Niblett, The CN2 induction algorithm (1989), for ordered lists and the beam; Lavrac, Flach & Zupan, Rule
 *      evaluation measures (1999), for the accuracy
 * @param seen rows to find rules on; at most some 20,000, as the time grows with rows × features
 * @param held further rows that decide which rules are kept; there may be none
 * @throws CancelledError
 */
export function extractRules(
  seen: Answers,
  held: Answers,
  terms: readonly Term[],
  token: CancellationToken,
): RuleList {
  const holds = terms.map((term) => rowsOf(seen, term, token));
  const remaining = Array.from({ length: classCount }, (_, k) =>
    rowsWhere(seen, (row) => seen.classes[row] === k),
  );
  // Of all rows: of what is left, rules would be worth nothing as soon as one class has no more rows, and one class would be
  // told by `otherwise` alone.
  const shares = remaining.map((rows) => countCommon(rows, rows) / Math.max(1, seen.rows));
  const fewest = Math.max(5, Math.ceil(seen.rows / 100));
  const rules: Rule[] = [];
  let level = 0;
  while (rules.length < mostRules && level < purities.length) {
    const best = bestRule(holds, terms, remaining, { shares, purity: purities[level], fewest }, token);
    if (best === null) {
      level++;
      continue;
    }
    rules.push({ terms: best.terms.map((j) => terms[j]), answer: best.answer, support: best.support });
    for (const rows of remaining) remove(rows, best.rows);
  }
  return withoutIdle(rules, held.rows > 0 ? [seen, held] : [seen], token);
}

function rowsWhere({ rows }: Answers, wanted: (row: number) => boolean): RowSet {
  const set = emptySet(rows);
  for (let row = 0; row < rows; row++) if (wanted(row)) addRow(set, row);
  return set;
}

function rowsOf(answers: Answers, { feature }: Term, token: CancellationToken): RowSet {
  throwIfCancelled(token);
  const { features, columns } = answers;
  return rowsWhere(answers, (row) => features[row * columns + feature] >= termThreshold);
}

/** What a rule has to offer. */
interface Demands {
  /** Share of each class in all rows. */
  readonly shares: readonly number[];
  readonly purity: number;
  /** Rows that it has to speak for. */
  readonly fewest: number;
}

function bestRule(
  holds: readonly RowSet[],
  terms: readonly Term[],
  remaining: readonly RowSet[],
  { shares, purity, fewest }: Demands,
  token: CancellationToken,
): (Candidate & { readonly answer: number }) | null {
  let best: (Candidate & { readonly answer: number }) | null = null;
  for (let answer = 0; answer < classCount; answer++) {
    const judged = (chosen: readonly number[], rows: RowSet): Candidate | null => {
      const counts = remaining.map((ofClass) => countCommon(rows, ofClass));
      const support = counts[0] + counts[1] + counts[2];
      if (support < fewest) return null;
      return {
        terms: chosen,
        rows,
        support,
        hits: counts[answer],
        gain: counts[answer] - support * shares[answer],
      };
    };
    let beam: Candidate[] = [];
    for (let length = 1; length <= mostTerms; length++) {
      const longer: Candidate[] = [];
      const met = new Set<string>();
      for (const [j, rows] of holds.entries()) {
        throwIfCancelled(token);
        if (length === 1) pushIf(longer, judged([j], rows));
        for (const shorter of beam) {
          // One word about each value.
          if (shorter.terms.some((k) => terms[k].group === terms[j].group)) continue;
          const chosen = [...shorter.terms, j].sort((a, b) => a - b);
          const key = chosen.join();
          if (met.has(key)) continue;
          met.add(key);
          pushIf(longer, judged(chosen, intersection(shorter.rows, rows)));
        }
      }
      beam = longer.sort((a, b) => b.gain - a.gain).slice(0, beamWidth);
      for (const candidate of longer) {
        if (candidate.gain <= 0 || candidate.hits < purity * candidate.support) continue;
        const better =
          best === null ? 0 : best.gain * (candidate.terms.length > best.terms.length ? worthATerm : 1);
        if (candidate.gain > better) best = { ...candidate, answer };
      }
    }
  }
  return best;
}

function pushIf(list: Candidate[], candidate: Candidate | null): void {
  if (candidate !== null) list.push(candidate);
}

/** A rule must be worth this share of the rows: a list that a person reads is short. */
const worthARule = 0.01;

/**
 * Takes rules out one by one, those first that are missed least, until each that is left is worth its place. A row on which a rule
 * gives the network's answer counts 1, a row on which only `otherwise` does counts half: it is answered, and not explained.
 */
function withoutIdle(rules: readonly Rule[], parts: readonly Answers[], token: CancellationToken): RuleList {
  const classes = parts.flatMap((part) => [...part.classes]);
  const holds = rules.map((rule) => parts.flatMap((part) => [...firstMatches([rule], part, token)]));
  const worthOf = (kept: readonly number[]): { worth: number; otherwise: number } => {
    throwIfCancelled(token);
    const left = [0, 0, 0];
    let explained = 0;
    for (let row = 0; row < classes.length; row++) {
      const first = kept.find((k) => holds[k][row] === 0);
      if (first === undefined) left[classes[row]]++;
      else if (rules[first].answer === classes[row]) explained++;
    }
    const most = Math.max(...left);
    return { worth: explained + most / 2, otherwise: left.indexOf(most) };
  };
  let kept = rules.map((_, k) => k);
  let { worth, otherwise } = worthOf(kept);
  while (kept.length > 0) {
    const shorter = kept.map((k) => kept.filter((other) => other !== k));
    const worths = shorter.map(worthOf);
    const best = worths.reduce((most, _, i) => (worths[i].worth >= worths[most].worth ? i : most), 0);
    if (worths[best].worth < worth - worthARule * classes.length) break;
    kept = shorter[best];
    ({ worth, otherwise } = worths[best]);
  }
  return {
    rules: withSupport(
      kept.map((k) => rules[k]),
      parts[0],
      token,
    ),
    otherwise,
  };
}

/** Counts again where each rule is the first that holds: rules before it may be gone. */
function withSupport(rules: readonly Rule[], seen: Answers, token: CancellationToken): Rule[] {
  const first = firstMatches(rules, seen, token);
  return rules.map((rule, k) => ({ ...rule, support: first.filter((match) => match === k).length }));
}

/** For each row the first rule that holds, -1 for none. @throws CancelledError */
export function firstMatches(
  rules: readonly Pick<Rule, "terms">[],
  { rows, columns, features }: Pick<Answers, "rows" | "columns" | "features">,
  token: CancellationToken,
): Int32Array {
  const first = new Int32Array(rows).fill(-1);
  for (let row = 0; row < rows; row++) {
    if (row % 4096 === 0) throwIfCancelled(token);
    first[row] = rules.findIndex(({ terms }) =>
      terms.every(({ feature }) => features[row * columns + feature] >= termThreshold),
    );
  }
  return first;
}
