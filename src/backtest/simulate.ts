import { blockEnd, neverCancelled, type CancellationToken } from "../core/index.js";
import type { Bars } from "../data/index.js";
import { fillCosts, type FillCosts } from "./costs.js";
import type { BacktestSettings } from "./settings.js";
import { exitReasons, type ExitReason, type Trades } from "./trades.js";

/** A position that is still open after the last bar. */
export interface OpenPosition {
  /** 1 long, -1 short. */
  readonly side: 1 | -1;
  readonly entry: number;
  readonly entryPrice: number;
  readonly quantity: number;
  /** Costs of the entry. */
  readonly costs: number;
}

/**
 * Cash and units after each bar that changed them, as columns: between two of these bars nothing changes. Columns over all
 * bars would be the larger part of a back-test's time; `accountColumns` makes them where they are printed.
 */
export interface Holdings {
  /** Bars, ascending. */
  readonly from: Uint32Array;
  readonly cash: Float64Array;
  /** Negative for units sold short. */
  readonly units: Float64Array;
}

/** What the account was worth at each bar's close, and how it got there. */
export interface Simulation {
  /** Cash and the value of the units held at each bar's close, [n]. */
  readonly equity: Float64Array;
  /** What was held from when on. */
  readonly holdings: Holdings;
  readonly trades: Trades;
  readonly open: OpenPosition | null;
  /** Commission and slippage of all fills, those of the open position included. */
  readonly costs: number;
  /** Bars in which a position was held for some of the time. */
  readonly barsHeld: number;
  /** Bars that touched stop and target while the order of the two is not known; each counts as a stop. */
  readonly ambiguousBars: number;
  /** Entries that could not buy one unit. */
  readonly unaffordable: number;
  /** Signals on the last bar, which no later bar could fill. */
  readonly unfilledAtEnd: number;
  /** Signals that came too soon after the one before. */
  readonly tooSoon: number;
  /** The bar at which a short position had used up the account; null where none did. */
  readonly ruinedAt: number | null;
}

const reasonCode = Object.fromEntries(exitReasons.map((name, code) => [name, code])) as Record<
  ExitReason,
  number
>;

/** Cash, one position, and the trades that came of it. Prices are the market's; what fills cost beyond them is in `costs`. */
class Account {
  cash: number;
  /** Units held, negative when short. */
  quantity = 0;
  entry = 0;
  entryPrice = 0;
  entryCosts = 0;
  totalCosts = 0;
  unaffordable = 0;
  ruinedAt: number | null = null;
  /** The position is left when a bar goes as low or as high as this; infinite where it is not. */
  lower = -Infinity;
  upper = Infinity;
  /** Whether `upper` is the price at which leaving a short position takes all that is left. */
  #upperIsRuin = false;
  readonly #stopLoss: number;
  readonly #takeProfit: number;
  readonly #fillsAtClose: boolean;
  readonly #costs: FillCosts;
  readonly #rows: number[][] = [[], [], [], [], [], [], [], [], []];

  constructor(settings: BacktestSettings) {
    this.cash = settings.capital;
    this.#costs = fillCosts(settings);
    this.#stopLoss = settings.stopLoss ?? Infinity;
    this.#takeProfit = settings.takeProfit ?? Infinity;
    this.#fillsAtClose = settings.fill === "close";
  }

  enter(side: 1 | -1, t: number, price: number): void {
    const { buying, selling, units } = this.#costs;
    const quantity = this.ruinedAt === null ? units(side, this.cash, price) : 0;
    if (quantity === 0) {
      this.unaffordable++;
      return;
    }
    this.quantity = side * quantity;
    this.entry = t;
    this.entryPrice = price;
    this.entryCosts = quantity * price * (side > 0 ? buying : selling);
    this.totalCosts += this.entryCosts;
    this.cash -= this.quantity * price + this.entryCosts;
    if (side > 0) {
      this.lower = price * (1 - this.#stopLoss);
      this.upper = price * (1 + this.#takeProfit);
    } else {
      const stop = price * (1 + this.#stopLoss);
      const ruin = this.cash / (quantity * (1 + buying));
      this.#upperIsRuin = ruin < stop;
      this.lower = price * (1 - this.#takeProfit);
      this.upper = Math.min(stop, ruin);
    }
  }

  /** @param atOpen whether the fill is at the bar's open, so that the position was not held in that bar */
  leave(t: number, price: number, reason: ExitReason, atOpen: boolean): void {
    const { quantity } = this;
    const units = Math.abs(quantity);
    const costs = units * price * (quantity > 0 ? this.#costs.selling : this.#costs.buying);
    this.cash += quantity * price - costs;
    this.totalCosts += costs;
    const rows = this.#rows;
    rows[0].push(quantity > 0 ? 1 : -1);
    rows[1].push(this.entry);
    rows[2].push(t);
    rows[3].push(this.entryPrice);
    rows[4].push(price);
    rows[5].push(units);
    rows[6].push(this.entryCosts + costs);
    rows[7].push(reasonCode[reason]);
    rows[8].push(this.barsHeld(t) - (atOpen ? 1 : 0));
    this.quantity = 0;
    this.lower = -Infinity;
    this.upper = Infinity;
    if (reason === "margin_call" || this.cash <= 0) this.ruinedAt ??= t;
  }

  /** Bars up to and with bar `t` in which the open position was held. */
  barsHeld(t: number): number {
    return this.quantity === 0 ? 0 : t - this.entry + (this.#fillsAtClose ? 0 : 1);
  }

  /**
   * Leaves at a level that bar `t` has touched. Returns whether it touched both in an order that nobody knows: the worse is
   * taken then.
   */
  leaveAtLevel(t: number, open: number, high: number, low: number): boolean {
    const long = this.quantity > 0;
    const [touchesLower, touchesUpper] = [low <= this.lower, high >= this.upper];
    const [opensBelow, opensAbove] = [open <= this.lower, open >= this.upper];
    const atOpen = opensBelow || opensAbove;
    const leavesLower = opensBelow || (!opensAbove && touchesLower && (long || !touchesUpper));
    const reason =
      leavesLower === long ? (!long && this.#upperIsRuin ? "margin_call" : "stop_loss") : "take_profit";
    this.leave(t, atOpen ? open : leavesLower ? this.lower : this.upper, reason, atOpen);
    return touchesLower && touchesUpper && !atOpen;
  }

  /** Goes to the wanted side (1 long, 0 flat, -1 short), through flat where it must. */
  turnTo(side: number, t: number, price: number, atOpen: boolean): void {
    if (this.quantity !== 0) this.leave(t, price, "signal", atOpen);
    if (side === 1 || side === -1) this.enter(side, t, price);
  }

  trades(): Trades {
    const [side, entry, exit, entryPrice, exitPrice, quantity, costs, reason, held] = this.#rows;
    return {
      count: side.length,
      side: Int8Array.from(side),
      entry: Uint32Array.from(entry),
      exit: Uint32Array.from(exit),
      entryPrice: Float64Array.from(entryPrice),
      exitPrice: Float64Array.from(exitPrice),
      quantity: Float64Array.from(quantity),
      costs: Float64Array.from(costs),
      reason: Uint8Array.from(reason),
      held: Uint32Array.from(held),
    };
  }
}

/**
 * Trades signals over bars: one position at a time, entered with a share of the equity.
 *
 * In each bar, in this order: a decision of the bar before is filled at the open (rule `next-open`); stop and target of
 * the open position are looked for between open and close; a new decision is made at the close, and filled there under the
 * rule `close`; the account is valued at the close. A bar that opens beyond a level leaves at its open; a bar that touches
 * both levels, in an order that nobody knows, counts as the stop. A short position is closed at the latest where it has
 * used up the account (`margin_call`), and nothing is traded afterwards.
 *
 * @param signals 1 BUY: be long; -1 SELL: be flat, or short where shorts are allowed; 0 HOLD: stay; decided at the bar's close, [n]
 * @throws CancelledError
 */
export function simulate(
  bars: Pick<Bars, "open" | "high" | "low" | "close">,
  signals: Int8Array,
  settings: BacktestSettings,
  token: CancellationToken = neverCancelled,
): Simulation {
  const { open, high, low, close } = bars;
  const n = close.length;
  const last = n - 1;
  const { shorts, minSeparation, positionAwareness } = settings;
  const fillsAtClose = settings.fill === "close";
  const closesAtEnd = settings.endOfData === "close";
  const account = new Account(settings);
  const equity = new Float64Array(n);
  const [changedAt, cashFrom, unitsFrom]: [number[], number[], number[]] = [[], [], []];
  const nothing = 2;
  let pending = nothing; // the side to go to at the next open
  let lastSignal = -Infinity;
  let ambiguousBars = 0;
  let unfilledAtEnd = 0;
  let tooSoon = 0;
  // Without levels the columns of highs and lows need not be read at all: a third of the time of a quiet bar.
  const hasLevels = settings.stopLoss !== null || settings.takeProfit !== null || shorts;
  let changed = false;
  // Copies of the account's: a bar in which nothing happens costs a few comparisons and one store.
  let { cash: money, quantity, lower, upper } = account;

  for (let t = 0; t < n;)
    for (const end = blockEnd(t, n, token); t < end; t++) {
      if (pending !== nothing) {
        account.turnTo(pending, t, open[t], true);
        pending = nothing;
        changed = true;
        ({ quantity, lower, upper } = account);
      }
      if (hasLevels && (low[t] <= lower || high[t] >= upper)) {
        if (account.leaveAtLevel(t, open[t], high[t], low[t])) ambiguousBars++;
        changed = true;
        ({ quantity, lower, upper } = account);
      }
      const signal = signals[t];
      if (signal !== 0) {
        const side = signal > 0 ? 1 : shorts ? -1 : 0;
        const held = quantity > 0 ? 1 : quantity < 0 ? -1 : 0;
        if (side !== held || !positionAwareness) {
          if (t - lastSignal < minSeparation) tooSoon++;
          else {
            lastSignal = t;
            if (side !== held) {
              // On the last bar an entry at the close would be over before it began.
              if (t === last && (!fillsAtClose || (side !== 0 && closesAtEnd))) unfilledAtEnd++;
              else if (fillsAtClose) {
                account.turnTo(side, t, close[t], false);
                changed = true;
                ({ quantity, lower, upper } = account);
              } else pending = side;
            }
          }
        }
      }
      if (t === last && closesAtEnd && quantity !== 0) {
        account.leave(t, close[t], "end_of_data", false);
        changed = true;
      }
      if (changed) {
        changed = false;
        ({ cash: money, quantity, lower, upper } = account);
        changedAt.push(t);
        cashFrom.push(money);
        unitsFrom.push(quantity);
      }
      equity[t] = money + quantity * close[t];
    }
  const trades = account.trades();
  const { entry, entryPrice, entryCosts, totalCosts, unaffordable, ruinedAt } = account;
  return {
    equity,
    holdings: {
      from: Uint32Array.from(changedAt),
      cash: Float64Array.from(cashFrom),
      units: Float64Array.from(unitsFrom),
    },
    trades,
    open:
      quantity === 0
        ? null
        : { side: quantity > 0 ? 1 : -1, entry, entryPrice, quantity: Math.abs(quantity), costs: entryCosts },
    costs: totalCosts,
    barsHeld: trades.held.reduce((sum, bars) => sum + bars, account.barsHeld(last)),
    ambiguousBars,
    unaffordable,
    unfilledAtEnd,
    tooSoon,
    ruinedAt,
  };
}

/** Cash, and the value of the units held (negative for short ones), at each bar's close, [n] each; their sum is the equity. */
export function accountColumns(
  { equity, holdings }: Pick<Simulation, "equity" | "holdings">,
  close: Float64Array,
  capital: number,
): { cash: Float64Array; position: Float64Array } {
  const n = equity.length;
  const cash = new Float64Array(n);
  const position = new Float64Array(n);
  const { from } = holdings;
  cash.fill(capital, 0, from[0] ?? n);
  for (let k = 0; k < from.length; k++) {
    const end = from[k + 1] ?? n;
    cash.fill(holdings.cash[k], from[k], end);
    for (let t = from[k]; t < end; t++) position[t] = holdings.units[k] * close[t];
  }
  return { cash, position };
}
