import { describe, expect, test } from "vitest";
import { defaultSettings, type BacktestSettings } from "./settings.js";
import { accountColumns, simulate } from "./simulate.js";
import { exitReasons, grossOf, netOf } from "./trades.js";

/** Bars as rows of open, high, low, close. */
function barsOf(...rows: readonly (readonly [number, number, number, number])[]) {
  const column = (j: number): Float64Array => Float64Array.from(rows, (row) => row[j]);
  return { open: column(0), high: column(1), low: column(2), close: column(3) };
}

/** What a run did, in words: each trade, then the equity at each close. */
function run(bars: ReturnType<typeof barsOf>, signals: string, settings: Partial<BacktestSettings> = {}) {
  const names: Record<string, number> = { B: 1, S: -1, ".": 0 };
  const all = { ...defaultSettings, capital: 1000, ...settings };
  const result = simulate(
    bars,
    Int8Array.from(signals, (letter) => names[letter]),
    all,
  );
  const { trades } = result;
  const lines = Array.from({ length: trades.count }, (_, i) => {
    const side = trades.side[i] > 0 ? "long" : "short";
    return (
      `${side} ${trades.quantity[i]} at ${trades.entryPrice[i]} on ${trades.entry[i]} to ` +
      `${trades.exitPrice[i]} on ${trades.exit[i]} by ${exitReasons[trades.reason[i]]}`
    );
  });
  return { ...result, lines, equity: [...result.equity] };
}

/** Opens 100, 101, 104, 106, 102, 99; closes 101, 104, 105, 102, 99, 96. */
const six = barsOf(
  [100, 102, 99, 101],
  [101, 105, 100, 104],
  [104, 106, 103, 105],
  [106, 107, 101, 102],
  [102, 103, 98, 99],
  [99, 100, 95, 96],
);

describe("fills", () => {
  test("a decision at a close is filled at the next open, in whole units", () => {
    // 1000 buys 9 units at 101 (909); 9 · (106 - 101) = 45.
    const { lines, equity, barsHeld } = run(six, "B.S...");
    expect(lines).toEqual(["long 9 at 101 on 1 to 106 on 3 by signal"]);
    expect(equity).toEqual([1000, 91 + 9 * 104, 91 + 9 * 105, 1045, 1045, 1045]);
    expect(barsHeld, "bars 1 and 2").toBe(2);
  });

  test("with the rule `close` it is filled at that close", () => {
    const { lines, equity, barsHeld } = run(six, "B.S...", { fill: "close" });
    expect(lines).toEqual(["long 9 at 101 on 0 to 105 on 2 by signal"]);
    expect(equity).toEqual([1000, 1027, 1036, 1036, 1036, 1036]);
    expect(barsHeld, "bars 1 and 2").toBe(2);
  });

  test("costs: the buyer pays price · (1 + slippage) and commission on that, the seller likewise less", () => {
    // A unit costs 101 · 1.01 · 1.02 = 104.0502, so 1000 buys 9; it brings 106 · 0.99 · 0.98 = 102.8412.
    const { equity, trades, costs } = run(six, "B.S...", { commission: 0.02, slippage: 0.01 });
    expect(equity[3]).toBeCloseTo(1000 - 9 * 104.0502 + 9 * 102.8412, 9);
    expect(grossOf(trades, 0), "at the market's prices").toBe(45);
    expect(costs).toBeCloseTo(9 * (3.0502 + 3.1588), 9);
    expect(netOf(trades, 0)).toBeCloseTo(45 - costs, 9);
  });

  test("parts of units are held where that is allowed, and a share of the equity where it is asked for", () => {
    expect(run(six, "B.S...", { fractional: true, size: 0.5 }).equity[3]).toBeCloseTo(
      500 + (500 * 106) / 101,
      9,
    );
    expect(run(six, "B.S...", { size: 0.5 }).lines).toEqual(["long 4 at 101 on 1 to 106 on 3 by signal"]);
  });

  test("an amount that buys exactly so many units buys them", () => {
    // 0.1 · 3 is a hair above 0.3: a price of 0.3 must still give 10 units for 3.
    const bars = barsOf([0.3, 0.3, 0.3, 0.3], [0.1 * 3, 0.4, 0.3, 0.3], [0.3, 0.3, 0.3, 0.3]);
    expect(run(bars, "B..", { capital: 3 }).trades.quantity[0]).toBe(10);
  });

  test("what cannot buy one unit buys none, and is counted", () => {
    expect(run(six, "B.B...", { capital: 100 })).toMatchObject({ unaffordable: 2, lines: [] });
  });

  test("BUY while long, SELL while flat and HOLD do nothing", () => {
    expect(run(six, "SB.BS.").lines).toEqual(["long 9 at 104 on 2 to 99 on 5 by signal"]);
  });

  test("the cash and the position of each bar add up to its equity", () => {
    const result = run(six, "B.S...");
    const { cash, position } = accountColumns(
      { equity: Float64Array.from(result.equity), holdings: result.holdings },
      six.close,
      1000,
    );
    expect([...cash]).toEqual([1000, 91, 91, 1045, 1045, 1045]);
    expect([...position]).toEqual([0, 936, 945, 0, 0, 0]);
  });
});

describe("shorts", () => {
  test("SELL opens a short position only where shorts are allowed", () => {
    expect(run(six, "..S...").lines).toEqual([]);
    // 9 units sold at 106, bought back at the last close of 96.
    const { lines, equity } = run(six, "..S...", { shorts: true });
    expect(lines).toEqual(["short 9 at 106 on 3 to 96 on 5 by end_of_data"]);
    expect(equity).toEqual([1000, 1000, 1000, 1954 - 9 * 102, 1954 - 9 * 99, 1090]);
  });

  test("BUY while short closes and reverses at the same fill", () => {
    const { lines, equity } = run(six, "S.B.S.", { shorts: true });
    // Short 9 at 101, bought back at 106: 955 are left, which buy 9 at 106; those are sold at 99, and 892 sell 9 short.
    expect(lines).toEqual([
      "short 9 at 101 on 1 to 106 on 3 by signal",
      "long 9 at 106 on 3 to 99 on 5 by signal",
      "short 9 at 99 on 5 to 96 on 5 by end_of_data",
    ]);
    expect(equity.at(-1)).toBe(1000 - 45 - 63 + 27);
  });

  test("a short position is closed at the latest where it has used up the account, and nothing is traded afterwards", () => {
    // 10 units short at 100 and 2000 in cash: at 200 nothing is left.
    const bars = barsOf(
      [100, 100, 100, 100],
      [100, 150, 100, 150],
      [190, 260, 180, 250],
      [250, 260, 240, 250],
    );
    const result = run(bars, "S.B.", { shorts: true });
    expect(result.lines).toEqual(["short 10 at 100 on 1 to 200 on 2 by margin_call"]);
    expect(result).toMatchObject({ equity: [1000, 500, 0, 0], ruinedAt: 2, unaffordable: 1 });
  });

  test("an account that a gap takes below nothing stays there", () => {
    const bars = barsOf(
      [100, 100, 100, 100],
      [100, 150, 100, 150],
      [230, 260, 180, 250],
      [250, 260, 240, 250],
    );
    const result = run(bars, "S.B.", { shorts: true });
    expect(result.lines).toEqual(["short 10 at 100 on 1 to 230 on 2 by margin_call"]);
    expect(result.equity).toEqual([1000, 500, -300, -300]);
  });
});

describe("stop and target", () => {
  const flat: readonly [number, number, number, number] = [100, 100, 100, 100];
  const long = (bar: readonly [number, number, number, number], settings: Partial<BacktestSettings>) =>
    run(barsOf(flat, flat, bar, [50, 200, 50, 60]), "B...", settings);
  const levels = { stopLoss: 0.05, takeProfit: 0.1 };

  test("a stop is filled at its level", () => {
    const { lines, ambiguousBars } = long([99, 101, 94, 97], levels);
    expect(lines).toEqual(["long 10 at 100 on 1 to 95 on 2 by stop_loss"]);
    expect(ambiguousBars).toBe(0);
  });

  test("a target is filled at its level", () => {
    expect(long([99, 112, 98, 97], levels).lines[0]).toMatch(/to 110\.\d* on 2 by take_profit/);
  });

  test("a level is touched by a price that equals it", () => {
    expect(long([99, 101, 95, 97], levels).lines).toEqual(["long 10 at 100 on 1 to 95 on 2 by stop_loss"]);
    expect(long([99, 101, 95.01, 97], levels).lines[0]).toMatch(/on 3 by stop_loss/);
  });

  test("a bar that touches both counts as the stop, and is counted", () => {
    const { lines, ambiguousBars } = long([99, 120, 90, 115], levels);
    expect(lines).toEqual(["long 10 at 100 on 1 to 95 on 2 by stop_loss"]);
    expect(ambiguousBars).toBe(1);
  });

  test("a bar that opens beyond a level fills at its open, and the order is known then", () => {
    expect(long([90, 120, 85, 115], levels)).toMatchObject({
      lines: ["long 10 at 100 on 1 to 90 on 2 by stop_loss"],
      ambiguousBars: 0,
    });
    expect(long([115, 120, 85, 90], levels)).toMatchObject({
      lines: ["long 10 at 100 on 1 to 115 on 2 by take_profit"],
      ambiguousBars: 0,
    });
  });

  test("the bar of the entry counts from its open on", () => {
    const bars = barsOf(flat, [100, 101, 90, 100], flat);
    expect(run(bars, "B..", levels)).toMatchObject({
      lines: ["long 10 at 100 on 1 to 95 on 1 by stop_loss"],
      barsHeld: 1,
    });
  });

  test("a bar whose close was the entry does not count", () => {
    const bars = barsOf([100, 120, 80, 100], flat, flat);
    expect(run(bars, "B..", { ...levels, fill: "close" }).lines).toEqual([
      "long 10 at 100 on 0 to 100 on 2 by end_of_data",
    ]);
  });

  test("shorts are mirrored: the stop lies above, and a bar that touches both counts as the stop", () => {
    const bars = barsOf(flat, flat, [100, 106, 85, 90], flat);
    expect(run(bars, "S...", { shorts: true, ...levels })).toMatchObject({
      lines: ["short 10 at 100 on 1 to 105 on 2 by stop_loss"],
      ambiguousBars: 1,
    });
    const target = barsOf(flat, flat, [100, 104, 85, 90], flat);
    expect(run(target, "S...", { shorts: true, ...levels }).lines).toEqual([
      "short 10 at 100 on 1 to 90 on 2 by take_profit",
    ]);
    const gap = barsOf(flat, flat, [85, 104, 80, 90], flat);
    expect(run(gap, "S...", { shorts: true, ...levels }).lines).toEqual([
      "short 10 at 100 on 1 to 85 on 2 by take_profit",
    ]);
  });

  test("after a stop a new BUY enters again", () => {
    const bars = barsOf(flat, flat, [99, 101, 94, 97], [98, 100, 97, 99], flat);
    expect(run(bars, "B.B..", levels).lines).toEqual([
      "long 10 at 100 on 1 to 95 on 2 by stop_loss",
      "long 9 at 98 on 3 to 100 on 4 by end_of_data",
    ]);
  });

  test("a decision for the open comes before the levels of that bar", () => {
    const bars = barsOf(flat, flat, [90, 120, 85, 115], flat);
    expect(run(bars, "BS..", levels).lines).toEqual(["long 10 at 100 on 1 to 90 on 2 by signal"]);
  });
});

describe("the end of the data", () => {
  test("`close` leaves at the last close, `keep` values there and has no trade", () => {
    expect(run(six, "...B..").lines).toEqual(["long 9 at 102 on 4 to 96 on 5 by end_of_data"]);
    const kept = run(six, "...B..", { endOfData: "keep", commission: 0.01 });
    expect(kept.lines).toEqual([]);
    expect(kept.open).toEqual({
      side: 1,
      entry: 4,
      entryPrice: 102,
      quantity: 9,
      costs: expect.closeTo(9.18, 9),
    });
    expect(kept.equity.at(-1)).toBeCloseTo(1000 - 9 * (102 - 96) - 9.18, 9);
  });

  test("a signal on the last bar is not filled", () => {
    expect(run(six, ".....B")).toMatchObject({ lines: [], unfilledAtEnd: 1 });
    expect(run(six, ".....B", { fill: "close" })).toMatchObject({ lines: [], unfilledAtEnd: 1 });
    expect(run(six, "....BS", { fill: "close" }).lines).toEqual(["long 10 at 99 on 4 to 96 on 5 by signal"]);
  });

  test("without bars nothing happens", () => {
    expect(run(barsOf(), "")).toMatchObject({ lines: [], equity: [], open: null });
  });
});

describe("separation and position awareness", () => {
  test("a signal that comes too soon after the one before is not followed", () => {
    // BUY at 0, SELL at 1 and 2 too soon, SELL at 3 followed.
    expect(run(six, "BSSS..", { minSeparation: 3 })).toMatchObject({
      lines: ["long 9 at 101 on 1 to 102 on 4 by signal"],
      tooSoon: 2,
    });
  });

  test("with position awareness a BUY while long is no signal; without, the separation begins anew with it", () => {
    expect(run(six, "B.BS..", { minSeparation: 2 }).lines).toEqual([
      "long 9 at 101 on 1 to 102 on 4 by signal",
    ]);
    expect(run(six, "B.BSS.", { minSeparation: 2, positionAwareness: false }).lines).toEqual([
      "long 9 at 101 on 1 to 99 on 5 by signal",
    ]);
  });
});
