import { describe, expect, test } from "vitest";
import { decisionsOf } from "./decide.js";
import { readSignals } from "./signals-file.js";

const at = (...texts: string[]): Float64Array => Float64Array.from(texts, (text) => Date.parse(text));
const days = {
  time: at("2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"),
  timeframe: "1d",
} as const;
const hours = {
  time: at("2024-01-02T14:30Z", "2024-01-02T15:30Z", "2024-01-02T16:30Z"),
  timeframe: "1h",
} as const;
const read = (text: string, bars: Parameters<typeof readSignals>[2] = days, zone: string | null = null) =>
  readSignals(text, "signals.csv", bars, zone);

describe("what is read", () => {
  test("names in any case, numbers, any order of rows; bars without a row are HOLD", () => {
    const { signals, rows, outside } = read(
      "timestamp,signal\n2024-01-05,-1\n2024-01-02,buy\n2024-01-04,Hold\n2024-01-03,SELL\n",
    );
    expect([...signals]).toEqual([1, -1, 0, -1, 0]);
    expect({ rows, outside }).toEqual({ rows: 4, outside: 0 });
    expect([
      ...read("timestamp,signal\n2024-01-02,1.0\n2024-01-03,+1\n2024-01-04,0\n2024-01-05,-1.0").signals,
    ]).toEqual([1, 1, 0, -1, 0]);
  });

  test("other columns and their order, separators, quotes, a byte-order mark, Windows line ends, blank lines", () => {
    expect([
      ...read('\uFEFFsignal;note;Date\r\n"BUY";x;"2024-01-03"\r\n\r\nSELL;y;2024-01-05\r\n').signals,
    ]).toEqual([0, 1, 0, -1, 0]);
    expect([...read("2024-01-03\tBUY\n").signals], "no header").toEqual([0, 1, 0, 0, 0]);
  });

  test("a day is its date as written, whatever the offset of its midnight", () => {
    expect([
      ...read("timestamp,signal\n2024-01-03T00:00:00-05:00,BUY\n2024-01-04 00:00,SELL").signals,
    ]).toEqual([0, 1, -1, 0, 0]);
  });

  test("instants with offset, in UTC, and in a zone", () => {
    expect([
      ...read("timestamp,signal\n2024-01-02T09:30:00-05:00,BUY\n2024-01-02T15:30:00Z,SELL", hours).signals,
    ]).toEqual([1, -1, 0]);
    expect([...read("timestamp,signal\n2024-01-02 15:30,BUY", hours).signals]).toEqual([0, 1, 0]);
    expect([...read("timestamp,signal\n2024-01-02 10:30,BUY", hours, "America/New_York").signals]).toEqual([
      0, 1, 0,
    ]);
  });

  test("rows before the first and after the last bar are left out and counted", () => {
    expect(read("timestamp,signal\n2023-12-29,BUY\n2024-01-03,SELL\n2024-01-09,BUY")).toMatchObject({
      rows: 3,
      outside: 2,
    });
  });
});

describe("what is refused, with row and reason", () => {
  test.each([
    ["2024-01-03,LONG", /row 2: "LONG" is no signal. Allowed: BUY, SELL, HOLD, or 1, -1, 0/],
    ["2024-01-03,", /row 2: "" is no signal/],
    ["2024-01-03,2", /row 2: "2" is no signal/],
    ["2024-01-03,0.5", /row 2: "0.5" is no signal/],
    ["2024-01-03", /row 2: "" is no signal/],
    ["03.01.2024,BUY", /row 2: "03.01.2024" is no date or ISO time/],
    ["2024-02-30,BUY", /row 2: "2024-02-30" is no date/],
    ["2024-01-06,BUY", /row 2: no 1d bar opens at 2024-01-06; the nearest open at 2024-01-05 and 2024-01-08/],
    ["2024-01-03T10:00:00Z,BUY", /row 2: no 1d bar opens at 2024-01-03T10:00:00Z/],
    ["2024-01-03,BUY\n2024-01-03,BUY", /row 3: it repeats the bar of row 2/],
  ])("%s", (row, message) => {
    expect(() => read(`timestamp,signal\n${row}\n`)).toThrow(message);
  });

  test("all of them at once, ten shown", () => {
    const rows = Array.from({ length: 14 }, () => "soon,BUY").join("\n");
    expect(() => read(`timestamp,signal\n${rows}`)).toThrow(
      /14 of 14 rows of "signals.csv" cannot be followed:\n {2}row 2: [^]*row 11: [^]*and 4 more/,
    );
  });

  test("a header alone says HOLD of every bar", () => {
    const { signals, rows } = read("timestamp,signal\n");
    expect([rows, new Set(signals)]).toEqual([0, new Set([0])]);
  });

  test("an empty file, or one without the columns", () => {
    expect(() => read("")).toThrow(/"signals.csv" is empty/);
    expect(() => read("when,what\n2024-01-03,BUY")).toThrow(/row 1: the header is "when,what"/);
  });
});

describe("decisions of a model", () => {
  const decide = (threshold: number, ...rows: number[][]) => [
    ...decisionsOf(
      Float32Array.from(rows.flat()),
      Uint32Array.from(rows, (_, i) => i + 1),
      rows.length + 2,
      threshold,
    ),
  ];

  test("the most probable class decides; bars without a row are HOLD", () => {
    expect(decide(0, [0.5, 0.3, 0.2], [0.2, 0.5, 0.3], [0.2, 0.3, 0.5])).toEqual([0, 1, 0, -1, 0]);
  });

  test("a probability below the threshold is HOLD; one that equals it counts", () => {
    expect(decide(0.6, [0.6, 0.2, 0.2], [0.59, 0.21, 0.2], [0.1, 0.3, 0.6])).toEqual([0, 1, 0, -1, 0]);
  });

  test("the first class wins a tie, as in the accuracy", () => {
    expect(decide(0, [0.4, 0.4, 0.2], [0.4, 0.2, 0.4], [0.2, 0.4, 0.4])).toEqual([0, 1, 1, 0, 0]);
  });
});
