import { neverCancelled, throwIfCancelled, type CancellationToken } from "../../core/index.js";

/** How often the best of some candidates, chosen on one half of a history, is no better than their middle on the other half. */
export interface Overfitting {
  /** Probability of back-test overfitting: share of the splits whose logit is 0 or negative; 0..1. */
  readonly probability: number;
  /** The same for candidates that differ by luck alone, on average: 0.5, or with an odd number of them (N + 1) / 2N. */
  readonly by_chance: number;
  /** Mean over the splits of the share of the other candidates that the chosen one leaves behind: 1 the best, 0.5 the middle, 0 the last. */
  readonly mean_rank: number;
  readonly candidates: number;
  readonly observations: number;
  readonly blocks: number;
  /** Ways to choose half of the blocks. */
  readonly splits: number;
}

const mostBlocks = 16;
/** Three blocks against three others can be chosen in 20 ways; of fewer a share says little. */
const fewestOverfittingBlocks = 6;
const fewestInBlock = 20;

/**
 * Probability of back-test overfitting by combinatorially symmetric cross-validation. The observations are cut into an even
 * number of blocks, as equal as can be. For each choice of half of them the candidate with the highest Sharpe ratio there is looked up in the other half:
 * with rank r from 1 (worst) to N there, its logit is log(w / (1 - w)), w = r / (N + 1). Candidates that are equal share their places, and those that are
 * equally good where one is chosen share the choice; without variation (nothing was traded) the ratio is 0.
 *
 * There are 16 blocks, or as many fewer as keep `longest` observations, and 20, in each.
 *
 * @param candidates returns of each candidate, all over the same observations, in order of time
 * @param longest    observations that belong together: what is nearer may have to do with each other
 * @returns null for fewer than two candidates, fewer than six blocks, or candidates that are all the same
 * @see Bailey, Borwein, López de Prado & Zhu, The probability of backtest overfitting, J. Computational Finance 20(4) (2017; preprint 2015), section 2
 * @throws CancelledError
 */
export function overfittingOf(
  candidates: readonly Float64Array[],
  longest = 1,
  token: CancellationToken = neverCancelled,
): Overfitting | null {
  const N = candidates.length;
  const observations = candidates[0]?.length ?? 0;
  const blocks = Math.min(mostBlocks, 2 * Math.floor(observations / Math.max(fewestInBlock, longest) / 2));
  const [first, ...others] = candidates;
  if (N < 2 || blocks < fewestOverfittingBlocks) return null;
  if (others.every((one) => one.every((value, t) => value === first[t]))) return null;

  const cut = (block: number): number => Math.floor((observations * block) / blocks);
  const [sums, squares] = [new Float64Array(N * blocks), new Float64Array(N * blocks)];
  candidates.forEach((returns, c) => {
    throwIfCancelled(token);
    for (let block = 0; block < blocks; block++) {
      for (let t = cut(block); t < cut(block + 1); t++) {
        sums[c * blocks + block] += returns[t];
        squares[c * blocks + block] += returns[t] * returns[t];
      }
    }
  });
  /** Sharpe ratios of all candidates over the blocks whose bits are set. */
  const sharpeRatios = (chosen: number, out: Float64Array): void => {
    let count = 0;
    for (let block = 0; block < blocks; block++) {
      if ((chosen >> block) & 1) count += cut(block + 1) - cut(block);
    }
    for (let c = 0, at = 0; c < N; c++, at += blocks) {
      let [sum, square] = [0, 0];
      for (let block = 0; block < blocks; block++) {
        if (((chosen >> block) & 1) === 0) continue;
        sum += sums[at + block];
        square += squares[at + block];
      }
      const variance = (square - (sum * sum) / count) / (count - 1);
      out[c] = variance > 1e-14 * (square / count) ? sum / count / Math.sqrt(variance) : 0;
    }
  };

  const [inside, outside] = [new Float64Array(N), new Float64Array(N)];
  const all = 2 ** blocks - 1;
  const splitsPerCheck = Math.max(1, Math.floor(10_000 / (N * blocks))); // 10,000 sums take some 0.1 ms
  let [splits, overfitted, ranks] = [0, 0, 0];
  for (let chosen = 0; chosen <= all; chosen++) {
    if (bitsIn(chosen) !== blocks / 2) continue;
    if (splits++ % splitsPerCheck === 0) throwIfCancelled(token);
    sharpeRatios(chosen, inside);
    sharpeRatios(all ^ chosen, outside);
    const best = inside.reduce((most, value) => Math.max(most, value), -Infinity);
    let [equallyGood, below, behind] = [0, 0, 0];
    for (let c = 0; c < N; c++) {
      if (inside[c] !== best) continue;
      let [worse, equal] = [0, 0];
      for (let other = 0; other < N; other++) {
        if (outside[other] < outside[c]) worse++;
        else if (outside[other] === outside[c]) equal++;
      }
      const rank = worse + (equal + 1) / 2;
      equallyGood++;
      // w <= 1/2, and so log(w / (1 - w)) <= 0.
      if (2 * rank <= N + 1) below++;
      behind += (rank - 1) / (N - 1);
    }
    overfitted += below / equallyGood;
    ranks += behind / equallyGood;
  }
  return {
    probability: overfitted / splits,
    by_chance: N % 2 === 0 ? 0.5 : (N + 1) / (2 * N),
    mean_rank: ranks / splits,
    candidates: N,
    observations,
    blocks,
    splits,
  };
}

function bitsIn(number: number): number {
  let count = 0;
  for (let left = number; left !== 0; left &= left - 1) count++;
  return count;
}
