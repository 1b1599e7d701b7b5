import { finestFirst, type Timeframe } from "../data/index.js";
import { featureNamesOf } from "../features/index.js";
import { membershipNames, type FuzzySpec } from "../fuzzy/index.js";

/** The parts of a strategy that a portable model needs to know its inputs. */
export interface PortableRecipe {
  readonly timeframes: readonly Timeframe[];
  readonly fuzzy: readonly FuzzySpec[];
  readonly lookback: number;
}

/** One named input of a portable model: a crisp value or a price of one timeframe, `lag` base bars ago. */
export interface PortableInput {
  /** `<timeframe>_<column>`, with `_lag_<k>` after it for lags: `1d_rsi_14`, `1d_close_lag_1`. */
  readonly name: string;
  readonly timeframe: Timeframe;
  /** An indicator by its feature id (or one of its outputs, `id.output`), or a column of the bars. */
  readonly kind: "indicator" | "price";
  readonly column: string;
  readonly lag: number;
}

/** What the sets of one feature id see at one timeframe and lag: positions among the inputs. */
export interface CrispInput {
  readonly spec: FuzzySpec;
  readonly indicator: number;
  /** The price that its transform needs. */
  readonly price: number | null;
}

/** Inputs of a portable model, and how the network's features come of them. */
export interface PortableLayout {
  readonly inputs: readonly PortableInput[];
  /** In the order of the network's features: each stands for as many features as its spec has sets. */
  readonly crisp: readonly CrispInput[];
  readonly features: readonly string[];
}

/** The inputs in the order of the features that need them; a price that several need stands once. */
export function portableLayout({ timeframes, fuzzy, lookback }: PortableRecipe): PortableLayout {
  const inputs: PortableInput[] = [];
  const names = new Set<string>();
  const add = (input: Omit<PortableInput, "name">): number => {
    const lagged = input.lag === 0 ? "" : `_lag_${input.lag}`;
    let name = `${input.timeframe}_${input.column}${lagged}`;
    // A feature id may end in "_lag_1" itself.
    while (names.has(name)) name += "_";
    names.add(name);
    return inputs.push({ name, ...input }) - 1;
  };
  const crisp: CrispInput[] = [];
  for (let lag = 0; lag <= lookback; lag++) {
    for (const timeframe of finestFirst(timeframes)) {
      const prices = new Map<string, number>();
      for (const spec of fuzzy) {
        const indicator = add({ timeframe, kind: "indicator", column: spec.featureId, lag });
        let price: number | null = null;
        if (spec.transform.type === "price_ratio") {
          const column = spec.transform.reference;
          price = prices.get(column) ?? add({ timeframe, kind: "price", column, lag });
          prices.set(column, price);
        }
        crisp.push({ spec, indicator, price });
      }
    }
  }
  return { inputs, crisp, features: featureNamesOf(timeframes, membershipNames(fuzzy), lookback) };
}
