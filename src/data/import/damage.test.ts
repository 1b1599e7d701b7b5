import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CancelledError, createRandom } from "../../core/index.js";
import { readBarsText, type ImportedFile, type ImportOptions } from "./index.js";

const daily = { symbol: "X", timeframe: "1d" } as const;

function read(
  rows: readonly string[],
  options: ImportOptions = daily,
  header = "date,open,high,low,close,volume",
): ImportedFile {
  return readBarsText([header, ...rows].join("\n"), "x.csv", options);
}

const good = [
  "2024-01-16,10,12,9,11,100",
  "2024-01-17,11,13,10,12,200",
  "2024-01-18,12,14,11,13,300",
  "2024-01-19,13,15,12,14,400",
];

function withRow(k: number, row: string): string[] {
  return good.map((text, j) => (j === k ? row : text));
}

test.each([
  ["2024-01-17,11,10,13,12,200", "high 10 is below low 13"],
  ["2024-01-17,9,13,10,12,200", "open 9 is outside low 10 to high 13"],
  ["2024-01-17,11,13,10,13.01,200", "close 13.01 is outside low 10 to high 13"],
  ["2024-01-17,-11,13,10,12,200", "open -11 is not above 0"],
  [
    "2024-01-17,0,0,0,0,200",
    "open 0 is not above 0; high 0 is not above 0; low 0 is not above 0; close 0 is not above 0",
  ],
  ["2024-01-17,11,abc,10,12,200", 'high "abc" is no number'],
  ["2024-01-17,11,13,,12,200", "low is empty"],
  ["2024-01-17,11,13,10,NaN,200", 'close "NaN" is no number'],
  ["2024-01-17,11,Infinity,10,12,200", 'high "Infinity" is no number'],
  ["2024-01-17,11,1e999,10,12,200", 'high "1e999" is not finite'],
  ["2024-01-17,0xB,13,10,12,200", 'open "0xB" is no number'],
  ["2024-01-17,11,13,10,12,many", 'volume "many" is no number'],
  ["2024-01-17,11,13,10,12,-200", 'volume "-200" is not 0 or above'],
  [",11,13,10,12,200", "the date is empty"],
  ["soon,11,13,10,12,200", '"soon" is no date'],
  ["2024-02-30,11,13,10,12,200", '"2024-02-30" is no date'],
  ["2024-01-17 11:34,11,13,10,12,200", "time of day 11:34 in a file of 1d bars, whose other rows have 00:00"],
  ["2024-01-17,11,13,10,12", "5 cells where the header has 6"],
  ["2024-01-17,11,13,10,12,1,000", "7 cells where the header has 6"],
  ['2024-01-17,11,"13,10,12,200', "a quote is not closed"],
])("refused: %s", (row, reason) => {
  const { refused, bars, rowsRead } = read(withRow(1, row));
  expect(refused).toEqual([{ row: 3, reason }]);
  expect([rowsRead, bars.time.length]).toEqual([4, 3]);
});

test("two rows of one time with different prices are both refused, naming each other", () => {
  const { refused, bars } = read([...good, "2024-01-17,11,13,10,12.5,200"]);
  const values = (a: number, b: number): string =>
    `same time as row ${a === 12 ? 6 : 3} (2024-01-17T00:00:00Z) with other values: close ${a} and ${b}`;
  expect(refused).toEqual([
    { row: 3, reason: values(12, 12.5) },
    { row: 6, reason: values(12.5, 12) },
  ]);
  expect(bars.time).toHaveLength(3);
});

test("the same row twice is one bar, and listed", () => {
  const { refused, repaired, bars } = read([good[0], good[1], good[1], good[2]]);
  expect([refused, bars.time.length]).toEqual([[], 3]);
  expect(repaired).toEqual([{ row: 4, what: "the same bar as row 3 (2024-01-17T00:00:00Z); left out" }]);
});

test("a blank volume and the sentinel -1 become 0, and are listed", () => {
  const { repaired, refused, bars } = read([
    "2024-01-16,10,12,9,11,",
    "2024-01-17,11,13,10,12,-1",
    "2024-01-18,12,14,11,13,7.25",
  ]);
  expect(refused).toEqual([]);
  expect(Array.from(bars.volume)).toEqual([0, 0, 7.25]);
  expect(repaired.map(({ row }) => row)).toEqual([2, 3]);
});

test("a currency sign that not all prices of a row have is left out, and listed", () => {
  const { repaired, refused, bars } = read([
    "2024-01-16,$10,$12,$9,$11,100",
    "2024-01-17,11,13,$10,12,$200",
    "2024-01-18,12,14,11,13,300",
  ]);
  expect([refused, Array.from(bars.low), Array.from(bars.volume)]).toEqual([
    [],
    [9, 10, 11],
    [100, 200, 300],
  ]);
  const what =
    'low "$10", volume "$200": the currency sign, which not all prices of the row have, is left out';
  expect(repaired).toEqual([{ row: 3, what }]);
  const otherSign = read(["2024-01-16,$10,$12,$9,$11,100", "2024-01-17,$11,$13,\u20AC10,$12,200"]);
  expect(otherSign.repaired.map(({ row }) => row)).toEqual([3]);
  const column = read(["2024-01-16,10,12,9,$11,$100", "2024-01-17,11,13,10,$12,$200"]);
  expect([column.repaired, Array.from(column.bars.close)]).toEqual([[], [11, 12]]);
});

test("prices that contradict each other by the rounding of doubles only are repaired, and listed", () => {
  const { repaired, bars } = read(withRow(1, "2024-01-17,11,11.999999999999998,10,12,200"));
  expect([bars.high[1], bars.close[1]]).toEqual([12, 12]);
  expect(repaired).toEqual([
    { row: 3, what: "high 11.999999999999998 moved up to 12 (rounding of the last digits)" },
  ]);
});

/** Bars of a quiet random walk, so that no damage hides in the spread. */
function walk(n: number): string[][] {
  const random = createRandom(5, "walk");
  let close = 100;
  return Array.from({ length: n }, (_, t) => {
    const open = close;
    close = Math.round(open * (100 + random.normal())) / 100;
    const [high, low] = [Math.max(open, close) + 0.5, Math.min(open, close) - 0.5];
    const when = new Date(Date.UTC(2024, 0, 1 + t)).toISOString().slice(0, 10);
    return [when, ...[open, high, low, close].map((price) => price.toFixed(2)), String(1000 + t)];
  });
}

test("no damaged cell passes in silence", () => {
  const rows = walk(40);
  const damage = fc.oneof(
    fc.constantFrom(
      "",
      " ",
      "abc",
      "-",
      "null",
      "NaN",
      "inf",
      "Infinity",
      "1e999",
      "0x10",
      "0",
      "-5",
      "12..3",
      "1,5",
      "--3",
      "1e",
      "#REF!",
      "$1",
      "2024-13-01",
      "11:34",
    ),
    fc
      .string({ maxLength: 8 })
      .filter((text) => !/[",\n\r]/.test(text) && Number.isNaN(Number(text.trim() || "x"))),
  );
  fc.assert(
    fc.property(fc.nat(39), fc.nat(5), damage, (k, j, text) => {
      const lines = rows.map((row, i) => row.map((cell, c) => (i === k && c === j ? text : cell)).join(","));
      // A volume of 0 is a volume, and so is one in other words (1K).
      fc.pre(!(j === 5 && /^(0|\d+[kmb])$/i.test(text.trim())));
      let result: ImportedFile;
      try {
        result = read(lines);
      } catch (error) {
        expect(error).toMatchObject({ code: "NOT_A_BARS_FILE" });
        return;
      }
      const listed = [...result.refused, ...result.repaired].map(({ row }) => row);
      expect(listed, `cell ${j} of row ${k + 2}: "${text}"`).toContain(k + 2);
      // A price with the sign of a currency is a price in other words.
      if (j < 5 && !/^[+-]?[$\u20AC\u00A3\u00A5]/.test(text.trim())) expect(result.bars.time.length).toBe(39);
    }),
    { numRuns: 500 },
  );
});

describe("dates", () => {
  const header = "time,open,high,low,close,volume";
  const row = (stamp: string): string => `${stamp},10,12,9,11,100`;

  test("day or month first is decided by the whole file, or asked for", () => {
    const days = (list: string[], options: ImportOptions = daily) => {
      const { bars } = read(list.map(row), options, header);
      return Array.from(bars.time, (time) => new Date(time).toISOString().slice(5, 10));
    };
    expect(days(["11/01/2024", "12/01/2024", "13/01/2024"])).toEqual(["01-11", "01-12", "01-13"]);
    expect(days(["01/11/2024", "01/12/2024", "01/13/2024"])).toEqual(["01-11", "01-12", "01-13"]);
    const open = ["09.01.2024", "10.01.2024", "11.01.2024"];
    expect(() => days(open)).toThrow(
      /--date-format DD\/MM\/YYYY or MM\/DD\/YYYY: .*row 2 is 2024-09-01 or 2024-01-09/,
    );
    for (const dateFormat of ["DD.MM.YYYY", "%d.%m.%Y", "dmy", "D.M.YYYY HH:mm"]) {
      expect(days(open, { ...daily, dateFormat })).toEqual(["01-09", "01-10", "01-11"]);
    }
    expect(() => days(["13/01/2024", "01/14/2024"])).toThrow(/row 2 has the day first, row 3 the month/);
    expect(() => days(["13/01/2024"], { ...daily, dateFormat: "MM/DD/YYYY" })).not.toThrow();
    expect(() => days(["2024-01-13"], { ...daily, dateFormat: "MM/DD/YYYY" })).toThrow(
      /order ymd \(row 2\), not mdy/,
    );
    expect(() => days(open, { ...daily, dateFormat: "MM/YYYY" })).toThrow(/--date-format: "MM\/YYYY"/);
  });

  test("a date that the stated order makes impossible is refused with its row", () => {
    const { refused } = read(
      ["01/12/2024", "01/13/2024"].map(row),
      { ...daily, dateFormat: "DD/MM/YYYY" },
      header,
    );
    expect(refused).toEqual([{ row: 3, reason: '"01/13/2024" is no date in the order dmy' }]);
  });

  const hourly = { symbol: "X", timeframe: "1h", timezone: "America/New_York" } as const;
  const instants = (list: string[], options: ImportOptions = hourly) => {
    const { bars, refused } = read(list.map(row), options, header);
    return [
      Array.from(bars.time, (time) => new Date(time).toISOString().slice(5, 16)),
      refused.map((r) => r.row),
    ];
  };

  test("intraday times need a zone, and follow its summer time", () => {
    const list = ["2024-03-08 15:00", "2024-03-11 09:00", "2024-03-11 10:00"];
    expect(() => instants(list, { ...hourly, timezone: undefined })).toThrow(
      /--timezone Area\/City: .*row 2: 2024-03-08 15:00/,
    );
    expect(instants(list)).toEqual([["03-08T20:00", "03-11T13:00", "03-11T14:00"], []]);
    expect(() => instants(list, { ...hourly, timezone: "Mars/Base" })).toThrow(/--timezone: "Mars\/Base"/);
  });

  test("a line that says UTC serves for a zone, and is not overruled by another one", () => {
    const stamped = (preamble: string, options: ImportOptions): string => {
      const text = [preamble, header, row("2024-03-08 15:00"), row("2024-03-08 16:00")].join("\n");
      return new Date(readBarsText(text, "x.csv", options).bars.time[0]).toISOString().slice(11, 16);
    };
    const none = { ...hourly, timezone: undefined };
    expect(stamped("Timestamps are UTC", none)).toBe("15:00");
    expect(stamped("Timestamps are UTC", { ...hourly, timezone: "UTC" })).toBe("15:00");
    expect(() => stamped("Timestamps are UTC", hourly)).toThrow(
      /"Timestamps are UTC".*--timezone says America\/New_York/,
    );
    expect(() => stamped("Exported 2024-03-09 11:00 UTC", none)).toThrow(/--timezone Area\/City/);
    expect(stamped("Exported 2024-03-09 11:00 UTC", hourly)).toBe("20:00");
  });

  test("an hour that the clocks skip is refused", () => {
    const list = ["2024-03-10 01:00", "2024-03-10 02:00", "2024-03-10 03:00"];
    expect(instants(list)).toEqual([["03-10T06:00", "03-10T07:00"], [3]]);
  });

  test("an hour that occurs twice is told apart where the file has it twice, and refused where it has it once", () => {
    const both = ["00:00", "00:30", "01:00", "01:30", "01:00", "01:30", "02:00"].map(
      (clock) => `2024-11-03 ${clock}`,
    );
    const half = { ...hourly, timeframe: "30m" } as const;
    const expected = ["04:00", "04:30", "05:00", "05:30", "06:00", "06:30", "07:00"].map(
      (clock) => `11-03T${clock}`,
    );
    expect(instants(both, half)).toEqual([expected, []]);
    expect(instants(both.toReversed(), half)).toEqual([expected, []]);
    const once = ["2024-11-03 00:00", "2024-11-03 01:00", "2024-11-03 02:00"];
    expect(instants(once)).toEqual([["11-03T04:00", "11-03T07:00"], [3]]);
  });

  test("days are dates whatever the offset or the time of day they carry", () => {
    const days = (list: string[], options: ImportOptions = daily) => {
      const { bars, refused } = read(list.map(row), options, header);
      expect(refused).toEqual([]);
      return Array.from(bars.time, (time) => new Date(time).toISOString().slice(0, 16));
    };
    const expected = ["2024-03-08T00:00", "2024-03-11T00:00"];
    expect(days(["2024-03-08 00:00:00-05:00", "2024-03-11 00:00:00-04:00"])).toEqual(expected);
    expect(days(["2024-03-08 00:00:00+09:00", "2024-03-11 00:00:00+09:00"])).toEqual(expected);
    expect(days(["2024-03-08 16:00", "2024-03-11 16:00"])).toEqual(expected);
    expect(days(["2024-03-08T05:00:00Z", "2024-03-11T04:00:00Z"])).toEqual(expected);
    const tokyo = ["2024-03-07T15:00:00Z", "2024-03-10T15:00:00Z"];
    expect(() => days(tokyo)).toThrow(/--timezone Area\/City: days are written as instants at 15:00 UTC/);
    expect(days(tokyo, { ...daily, timezone: "Asia/Tokyo" })).toEqual(expected);
  });

  test("the zone of days is recorded", () => {
    expect(read(good, { ...daily, timezone: "America/New_York" }).bars.meta.dayTimezone).toBe(
      "America/New_York",
    );
    expect(read(good).bars.meta.dayTimezone).toBeNull();
  });
});

describe("scales", () => {
  const scaled = (prices: readonly string[], symbol: string) =>
    read(
      prices.map((price, t) => `2024-01-${16 + t},${price},${price},${price},${price},1`),
      { symbol, timeframe: "1d" },
    ).bars.close;

  test("a currency pair off by powers of ten is refused, naming the scale", () => {
    expect(() => scaled(["108950.5", "109020.5"], "EURUSD")).toThrow(/--price-scale 100000: /);
    expect(() => scaled(["10895", "10902"], "EUR-USD")).toThrow(/--price-scale 10000: /);
    expect(() => scaled(["15012300", "15023400"], "USDJPY")).toThrow(/--price-scale 100000: /);
    expect(Array.from(scaled(["150.123", "151"], "USDJPY"))).toEqual([150.123, 151]);
    expect(Array.from(scaled(["1.0895", "1.09"], "EURUSD=X"))).toEqual([1.0895, 1.09]);
    expect(Array.from(scaled(["25400", "25410"], "USDVND"))).toEqual([25400, 25410]);
  });

  test("other prices are refused only where they are out of every market's range", () => {
    expect(() => scaled(["5556800", "5570700"], "AAPL")).toThrow(/--price-scale N: .*1 keeps them/);
    expect(() => scaled(["1893443.817", "1893000.25"], "AAPL")).toThrow(/--price-scale N/);
    expect(() => scaled(["555680.0", "557070"], "AAPL")).toThrow(/--price-scale N/);
    for (const [symbol, price] of [
      ["BTCUSD", "108472"],
      ["BTCUSD", "98472.47"],
      ["BTCJPY", "15800000"],
      ["BRK.A", "712345.5"],
      ["NKY", "38915"],
      ["SHIB", "0.00001"],
    ]) {
      expect(Array.from(scaled([price, price], symbol)), symbol).toEqual([Number(price), Number(price)]);
    }
  });

  test("--price-scale divides prices, not volumes; 1 confirms them", () => {
    const row = ["2024-01-16,5556800,5570700,5520300,5531300,7947737"];
    const of = (priceScale: number) => read(row, { ...daily, priceScale }).bars;
    expect([of(10_000).open[0], of(10_000).close[0], of(10_000).volume[0]]).toEqual([
      555.68, 553.13, 7947737,
    ]);
    expect(of(1).open[0]).toBe(5556800);
    for (const wrong of [0, -10, NaN, Infinity]) expect(() => of(wrong)).toThrow(/--price-scale/);
  });
});

describe("files without a header", () => {
  const lines = walk(30).map((row) => row.join(","));
  const columns = (order: readonly number[]) =>
    readBarsText(
      lines.map((line) => order.map((j) => line.split(",")[j]).join(",")).join("\n"),
      "X_1d.csv",
      {},
    );

  test("open, high, low, close is the order that is taken", () => {
    expect(columns([0, 1, 2, 3, 4, 5]).bars.open[3]).toBe(Number(lines[3].split(",")[1]));
    expect(columns([0, 1, 2, 3, 4]).notices).toEqual([expect.stringContaining("no volume column")]);
  });

  test.each([
    ["open, close, high, low", [0, 1, 4, 2, 3, 5]],
    ["open, low, high, close", [0, 1, 3, 2, 4, 5]],
    ["close, high, low, open", [0, 4, 2, 3, 1, 5]],
  ])("%s is refused", (_, order) => {
    expect(() => columns(order)).toThrow(/no header.*Add a header line/);
  });
});

describe("no files of bars", () => {
  const refuse =
    (text: string, options: ImportOptions = daily) =>
    () =>
      readBarsText(text, "x.csv", options);

  test.each([
    ["", /is empty/],
    ["\n\n  \n", /is empty/],
    ["date,open,high,low,close\n", /header \(line 1\) and no rows/],
    ["date,close\n2024-01-02,5\n", /no header with open, high, low and close/],
    ["date,open,high,low\n2024-01-02,5,6,4\n", /line 1 names the columns .*; missing: close/],
    ["a,open,high,low,close\n1,5,6,4,5\n", /none is a date or time/],
    [
      "Datum;Hoch;Tief;Start;Ende\n2024-01-15;2;1;1;2",
      /line 1 names the columns "Datum", .*"Ende", and open/,
    ],
    ["hello world", /begins with "hello world"/],
    ['{"time": [1, 2]}', /no file of bars/],
    ["PK\u0003\u0004 and more", /ZIP archive/],
    ["date,open\u0000", /no text: byte 10 is zero/],
    ["date,open,high,low,close,close\n2024-01-02,1,1,1,1,1", /more than one column "close"/],
    [
      "Date,Open,High,Low,Close\n,AAPL,AAPL,AAPL,MSFT\n2024-01-02,1,1,1,1",
      /"AAPL" and "MSFT": one file holds one symbol/,
    ],
    [
      "date;open;high;low;close\n2024-01-02;1,5;2;1;2\n2024-01-03;1.5;2;1;2",
      /decimal point and .* decimal comma/,
    ],
    [
      "symbol,date,open,high,low,close\nA,2024-01-02,1,1,1,1\nB,2024-01-03,1,1,1,1",
      /more than one symbol: "A", "B"/,
    ],
  ])("%j", (text, message) => {
    expect(refuse(text)).toThrow(message);
  });

  test("a line of any length is no row", () => {
    expect(refuse(`date,open,high,low,close\n${"9".repeat(100_000)}`)).toThrow(/line 2 is 98 KiB long/);
  });

  test("missing files and folders are named", async () => {
    const { readBarsFile } = await import("./index.js");
    await expect(readBarsFile("/nowhere/x.csv", daily)).rejects.toThrow('"/nowhere/x.csv" does not exist');
    await expect(readBarsFile(import.meta.dirname, daily)).rejects.toThrow(/is a folder/);
  });
});

test("every missing option is named at once", () => {
  const rows = ["01.02.2024 09:00,1,2,1,2", "01.02.2024 10:00,1,2,1,2"];
  expect(() => read(rows, {}, "date,open,high,low,close")).toThrow(
    /--symbol S[^]*--timeframe T[^]*--date-format[^]*--timezone/,
  );
});

test("symbol and timeframe come from options, then columns, then the name", () => {
  const rows = "symbol,interval,date,open,high,low,close\nETH/USD,1d,2024-01-02,1,2,1,2";
  const of = (name: string, options: ImportOptions = {}) => {
    const { bars } = readBarsText(rows, name, options);
    return `${bars.symbol} ${bars.timeframe}`;
  };
  expect(of("BTCUSD_1h.csv")).toBe("ETHUSD 1d");
  expect(of("BTCUSD_1h.csv", { symbol: "E", timeframe: "1w" })).toBe("E 1w");
  const plain = "date,open,high,low,close\n2024-01-02,1,2,1,2";
  const ofPlain = (name: string) => {
    const { bars } = readBarsText(plain, name, {});
    return `${bars.symbol} ${bars.timeframe}`;
  };
  expect([ofPlain("/a_b/BRK.B_1w.csv"), ofPlain("^GSPC_1d.txt")]).toEqual(["BRK.B 1w", "^GSPC 1d"]);
  for (const name of ["my_AAPL_1d.csv", "AAPL_1day.csv", "AAPL.csv", "_1d.csv"])
    expect(() => ofPlain(name), name).toThrow(/--symbol S|--timeframe T/);
});

test("for bars that are not stored the timeframe is inferred from the distances between rows", () => {
  const inferred = (stamps: readonly string[], options: ImportOptions = {}): string => {
    const rows = stamps.map((stamp) => `${stamp},1,2,1,2`);
    const { bars, notices } = read(
      rows,
      { timezone: "UTC", infer: true, ...options },
      "date,open,high,low,close",
    );
    expect(bars.symbol).toBe("INPUT");
    expect(notices.some((notice) => notice.includes(`read as ${bars.timeframe} bars`))).toBe(
      !options.timeframe,
    );
    return bars.timeframe;
  };
  expect(inferred(["2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"])).toBe("1d");
  expect(inferred(["2024-01-05", "2024-01-12", "2024-01-19"])).toBe("1w");
  expect(inferred(["2024-01-05 15:30", "2024-01-08 09:30", "2024-01-08 10:00", "2024-01-08 11:00"])).toBe(
    "30m",
  );
  expect(inferred(["2024-01-08 09:31", "2024-01-08 09:32", "2024-01-08 09:40"])).toBe("1m");
  expect(inferred(["2024-01-08T04:00Z", "2024-01-08T08:00Z", "2024-01-08T12:00Z"])).toBe("4h");
  expect(inferred(["2024-01-08"])).toBe("1d");
  expect(inferred(["2024-01-08", "2024-01-09"], { timeframe: "1d" })).toBe("1d");
  expect(() => inferred(["01/02/2024", "02/02/2024"])).toThrow(/add\n {2}--date-format/);
  const { refused } = read(
    ["2024-01-08,1,2,1,2", "2024-01-09,1,0.5,1,2"],
    { infer: true },
    "date,open,high,low,close",
  );
  expect(refused.map(({ row }) => row)).toEqual([3]);
});

describe("two volumes", () => {
  const header = "date,open,high,low,close,volume,volume_usd";
  const day = (t: number, ...volumes: (number | string)[]): string =>
    `2024-01-${16 + t},100,110,90,105,${volumes.join(",")}`;

  test("the quantity is used, rows that have them exchanged are listed", () => {
    const { bars, repaired, refused } = read(
      [day(0, 10, 1020), day(1, 2060, 20), day(2, 30, 3100), day(3, 0, 0)],
      daily,
      header,
    );
    expect(Array.from(bars.volume)).toEqual([10, 20, 30, 0]);
    expect([repaired.map(({ row }) => row), refused]).toEqual([[3], []]);
  });

  test("a row whose volumes do not fit its price is refused", () => {
    const { refused } = read([day(0, 10, 1020), day(1, 20, 2060), day(2, 30, 31)], daily, header);
    expect(refused.map(({ row, reason }) => [row, /do not fit the price 105/.test(reason)])).toEqual([
      [4, true],
    ]);
  });

  test("columns that are no such pair are taken by name, and said", () => {
    const { bars, notices } = read(
      [day(0, 500, 20), day(1, 600, 30)],
      daily,
      "date,open,high,low,close,real_volume,volume",
    );
    expect(Array.from(bars.volume)).toEqual([20, 30]);
    expect(notices).toEqual(['There are 2 volumes, "real_volume" and "volume"; "volume" is used.']);
  });
});

test("a stop ends the reading within a few hundred rows", () => {
  const text = [
    "timestamp,open,high,low,close,volume",
    ...Array.from(
      { length: 20_000 },
      (_, t) => `${new Date(t * 60_000).toISOString().slice(0, 19)}Z,1,2,1,2,3`,
    ),
  ].join("\n");
  for (const file of [text, text.replace("timestamp", "date")]) {
    for (let allowed = 0; allowed < 80; allowed += 13) {
      let looks = 0;
      const token = {
        get isCancelled() {
          return ++looks > allowed;
        },
      };
      expect(() => readBarsText(file, "X_1m.csv", {}, token)).toThrow(CancelledError);
      expect(looks).toBe(allowed + 1);
    }
    let looks = 0;
    readBarsText(
      file,
      "X_1m.csv",
      {},
      {
        get isCancelled() {
          looks++;
          return false;
        },
      },
    );
    expect(looks, "at least one look each 256 rows").toBeGreaterThan(20_000 / 256);
  }
});
