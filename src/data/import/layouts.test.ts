import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../test/temporary-folder.js";
import { timeframeMs, type Timeframe } from "../timeframes.js";
import { readBarsFile, readBarsText, type ImportOptions } from "./index.js";

interface Row {
  readonly time: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

const price = fc.oneof(
  fc.double({ min: 0.5, max: 5000, noNaN: true }),
  fc.integer({ min: 50, max: 500_000 }).map((cents) => cents / 100),
);

/** Bars of a timeframe, with gaps, from a Monday on. */
function barsOf(timeframe: Timeframe): fc.Arbitrary<Row[]> {
  const row = fc.record({
    prices: fc.tuple(price, price, price, price),
    closeFirst: fc.boolean(),
    volume: fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true })),
    gap: fc.constantFrom(1, 1, 1, 1, 3),
  });
  return fc.array(row, { minLength: 12, maxLength: 30 }).map((rows) => {
    let time = Date.UTC(2024, 0, 15);
    return rows.map(({ prices, closeFirst, volume, gap }, t) => {
      const [low, a, b, high] = [...prices].sort((x, y) => x - y);
      // The first two rows follow each other, so that the timeframe shows.
      time += timeframeMs[timeframe] * (t < 2 ? 1 : gap);
      return { time, open: closeFirst ? b : a, high, low, close: closeFirst ? a : b, volume };
    });
  });
}

const pad = (value: number): string => String(value).padStart(2, "0");

function parts(time: number) {
  const date = new Date(time);
  const [y, m, d] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
  const [h, min, s] = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()];
  return { y, m, d, h, min, s, clock: `${pad(h)}:${pad(min)}` };
}

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

interface TimeForm {
  readonly write: (time: number) => string;
  readonly options?: ImportOptions;
  readonly intraday?: boolean;
}

const utc = { timezone: "UTC" };

/** Ways to write a time; those without a time of day serve daily bars. */
const timeForms: Record<string, TimeForm> = {
  isoZ: { write: (t) => new Date(t).toISOString() },
  isoSpaceOffset: {
    write: (t) => `${new Date(t + 19_800_000).toISOString().slice(0, 19).replace("T", " ")}+05:30`,
    intraday: true,
  },
  isoWest: { write: (t) => `${new Date(t - 14_400_000).toISOString().slice(0, 19)}-0400`, intraday: true },
  isoDate: { write: (t) => new Date(t).toISOString().slice(0, 10), intraday: false },
  slashYmd: { write: (t) => new Date(t).toISOString().slice(0, 10).replaceAll("-", "/"), intraday: false },
  compact: { write: (t) => new Date(t).toISOString().slice(0, 10).replaceAll("-", ""), intraday: false },
  compactClock: {
    write: (t) => `${new Date(t).toISOString().slice(0, 10).replaceAll("-", "")} ${parts(t).clock}`,
    options: utc,
  },
  compactBoth: {
    write: (t) => new Date(t).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", " "),
    options: utc,
  },
  digits: { write: (t) => new Date(t).toISOString().slice(0, 16).replaceAll(/[-:T]/g, ""), options: utc },
  monthFirst: { write: (t) => `${parts(t).m}/${parts(t).d}/${parts(t).y}`, intraday: false },
  dayFirst: { write: (t) => `${pad(parts(t).d)}/${pad(parts(t).m)}/${parts(t).y}`, intraday: false },
  dotted: {
    write: (t) => `${pad(parts(t).d)}.${pad(parts(t).m)}.${parts(t).y} ${parts(t).clock}:00.000`,
    options: utc,
  },
  dottedGmt: {
    write: (t) => `${pad(parts(t).d)}.${pad(parts(t).m)}.${parts(t).y} ${parts(t).clock}:00.000 GMT+0000`,
  },
  twoDigits: {
    write: (t) => `${parts(t).m}/${parts(t).d}/${parts(t).y % 100}`,
    options: { dateFormat: "%m/%d/%y" },
    intraday: false,
  },
  amPm: {
    write: (t) =>
      `${new Date(t).toISOString().slice(0, 10)} ${pad(parts(t).h % 12 || 12)}:${pad(parts(t).min)} ${parts(t).h < 12 ? "AM" : "PM"}`,
    options: utc,
  },
  monthName: {
    write: (t) => `${monthNames[parts(t).m - 1]} ${pad(parts(t).d)}, ${parts(t).y}`,
    intraday: false,
  },
  dayMonthName: {
    write: (t) => `${parts(t).d}-${monthNames[parts(t).m - 1]}-${parts(t).y}`,
    intraday: false,
  },
  seconds: { write: (t) => String(t / 1000) },
  secondsAsFloat: { write: (t) => `${t / 1000}.0` },
  milliseconds: { write: (t) => String(t) },
  microseconds: { write: (t) => `${t}000` },
};

const headers = [
  { time: "timestamp", open: "open", high: "high", low: "low", close: "close", volume: "volume" },
  { time: "Date", open: "Open", high: "High", low: "Low", close: "Close", volume: "Volume" },
  { time: "DATETIME", open: "OPEN", high: "HIGH", low: "LOW", close: "CLOSE", volume: "VOL" },
  { time: "<DATE>", open: "<OPEN>", high: "<HIGH>", low: "<LOW>", close: "<CLOSE>", volume: "<VOL>" },
  { time: "time", open: "o", high: "h", low: "l", close: "c", volume: "tick_volume" },
  { time: "t", open: "o", high: "h", low: "l", close: "c", volume: "v" },
  { time: "window_start", open: "open", high: "high", low: "low", close: "close", volume: "volume" },
  { time: "", open: "Open", high: "High", low: "Low", close: "Close/Last", volume: "Vol." },
] as const;

type Field = keyof (typeof headers)[number];

test.each(Object.entries(timeForms))("bars written with %s read back exactly, in any layout", (_, form) => {
  const timeframes: Timeframe[] =
    form.intraday === false ? ["1d"] : form.intraday === true ? ["15m", "1h"] : ["15m", "1d"];
  const layout = fc.record({
    order: fc.shuffledSubarray<Field | "extra">(["time", "open", "high", "low", "close", "volume", "extra"], {
      minLength: 7,
    }),
    header: fc.constantFrom(...headers),
    separator: fc.constantFrom(",", ";", "\t", "|"),
    decimalComma: fc.boolean(),
    quoted: fc.boolean(),
    newestFirst: fc.boolean(),
    crlf: fc.boolean(),
    bom: fc.boolean(),
    blankLines: fc.boolean(),
    preamble: fc.constantFrom("", "Downloaded from a place", "sep=,"),
  });
  fc.assert(
    fc.property(
      fc
        .constantFrom(...timeframes)
        .chain((timeframe) => fc.tuple(fc.constant(timeframe), barsOf(timeframe))),
      layout,
      ([timeframe, rows], l) => {
        const comma = l.decimalComma && l.separator === ";";
        const number = (value: number): string => (comma ? String(value).replace(".", ",") : String(value));
        const written = { time: form.write, extra: () => "7" };
        const cell = (row: Row, field: Field | "extra"): string => {
          const text = field === "time" || field === "extra" ? written[field](row.time) : number(row[field]);
          return l.quoted || text.includes(l.separator) ? `"${text}"` : text;
        };
        const lines = (l.newestFirst ? rows.toReversed() : rows).map((row) =>
          l.order.map((field) => cell(row, field)).join(l.separator),
        );
        const head = l.order
          .map((field) => (field === "extra" ? "Dividends" : l.header[field]))
          .join(l.separator);
        const text = [
          ...(l.preamble === "" ? [] : [l.preamble]),
          head,
          ...lines,
          ...(l.blankLines ? ["", ""] : []),
        ];
        const file = (l.bom ? "\uFEFF" : "") + text.join(l.crlf ? "\r\n" : "\n");
        const { bars, refused, repaired, rowsRead } = readBarsText(file, "X.csv", {
          symbol: "X",
          timeframe,
          // Whatever is drawn, these prices are not scaled; that is a question of its own.
          priceScale: 1,
          ...form.options,
        });
        expect(refused).toEqual([]);
        expect(repaired).toHaveLength(l.newestFirst ? 1 : 0);
        expect(rowsRead).toBe(rows.length);
        for (const name of ["time", "open", "high", "low", "close", "volume"] as const) {
          expect(Array.from(bars[name]), name).toEqual(rows.map((row) => row[name]));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test("the fast reader of the plain layout gives the bits of the general one", () => {
  const anyPrice = fc.oneof(price, fc.double({ min: 1e-8, max: 1e5, noNaN: true, noDefaultInfinity: true }));
  const row = fc.tuple(
    fc.tuple(anyPrice, anyPrice, anyPrice, anyPrice),
    fc.double({ min: 0, max: 1e15, noNaN: true }),
  );
  fc.assert(
    fc.property(fc.array(row, { minLength: 3, maxLength: 40 }), (rows) => {
      const lines = rows.map(([prices, volume], t) => {
        const [low, open, close, high] = [...prices].sort((a, b) => a - b);
        const when = new Date(Date.UTC(2024, 1, 28, 0, t * 30)).toISOString().replace(".000", "");
        return [when, open, high, low, close, volume].join(",");
      });
      const read = (time: string) =>
        readBarsText([`${time},open,high,low,close,volume`, ...lines].join("\n"), "X_30m.csv", {
          priceScale: 1,
        });
      expect(read("timestamp")).toEqual(read("datetime"));
    }),
    { numRuns: 200 },
  );
});

const values = ["1.5,2,1,1.8,10", "1.8,2.2,1.7,2,11", "2,2.1,1.9,1.95,12"];

test.each([
  [
    "date and time in two columns",
    "Date,Time,Open,High,Low,Close,Volume",
    (t: number) => `2024.01.${pad(t + 1)},0${t}:30,`,
  ],
  [
    "a terminal's export",
    "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
    (t: number) => `X,60,2024010${t + 1},0${t}3000,`,
  ],
  ["no header, date and time apart", null, (t: number) => `2024.01.${pad(t + 1)},0${t}:30,`],
  ["no header, date and time together", null, (t: number) => `2024010${t + 1} 0${t}3000,`],
])("%s", (_, header, stamp) => {
  const text = [...(header === null ? [] : [header]), ...values.map((row, t) => stamp(t) + row)].join("\n");
  const { bars, refused } = readBarsText(text, "x", { symbol: "X", timeframe: "1h", timezone: "UTC" });
  expect(refused).toEqual([]);
  expect(Array.from(bars.time)).toEqual([0, 1, 2].map((t) => Date.UTC(2024, 0, t + 1, t, 30)));
  expect([bars.open[0], bars.high[1], bars.low[2], bars.close[2], bars.volume[2]]).toEqual([
    1.5, 2.2, 1.9, 1.95, 12,
  ]);
});

test.each(["", "000"])(
  "Binance's public bars, which have no header and twelve columns (precision %j)",
  (more) => {
    const opening = Date.UTC(2024, 0, 1);
    const rows = values.map((row, t) => {
      const [from, to] = [opening + t * 60_000, opening + (t + 1) * 60_000 - 1];
      return `${from}${more},${row},${to}${more},17.5,120,4.5,7.9,0`;
    });
    const { bars, refused } = readBarsText(rows.join("\n"), "BTCUSDT-1m-2024-01.csv", {
      symbol: "BTCUSDT",
      timeframe: "1m",
    });
    expect(refused).toEqual([]);
    expect([...bars.time, ...bars.volume]).toEqual(
      [0, 1, 2].map((t) => opening + t * 60_000).concat(10, 11, 12),
    );
    // Twelve columns alone do not make it one: the seventh must be the closing time.
    const other = rows.map((row) => row.replace(/,\d{13,16},17/, ",1,17"));
    expect(() => readBarsText(other.join("\n"), "x.csv", { symbol: "X", timeframe: "1m" })).toThrow(
      /without a header/,
    );
  },
);

test("a table saved with a row of tickers and a row for its index is read", () => {
  const text = [
    "Price,Close,High,Low,Open,Volume",
    "Ticker,AAPL,AAPL,AAPL,AAPL,AAPL",
    "Date,,,,,",
    "2024-01-02,3,4,1,2,100",
    "2024-01-03,4,5,3,3,90",
  ];
  const { bars, rowsRead } = readBarsText(text.join("\n"), "download.csv", { timeframe: "1d" });
  expect([bars.symbol, rowsRead, bars.open[0], bars.high[0], bars.low[0], bars.close[0]]).toEqual([
    "AAPL",
    2,
    2,
    4,
    1,
    3,
  ]);
});

test("dollar signs, shortened volumes and a column Price for the close", () => {
  const text = [
    '"Date","Price","Open","High","Low","Vol.","Change %"',
    '"01/16/2024","$3.50","$3.00","$4.00","$1.00","1.25M","1%"',
    '"01/17/2024","$1,003.50","$3.00","$1,004.00","$1.00","870K","1%"',
  ];
  const { bars } = readBarsText(text.join("\n"), "X_1d.csv", {});
  expect([...bars.close, ...bars.high, ...bars.volume]).toEqual([3.5, 1003.5, 4, 1004, 1_250_000, 870_000]);
});

test("UTF-16 and old line endings are read", async () => {
  const lines = ["date,open,high,low,close", "2024-01-02,1,2,1,2", "2024-01-03,1,2,1,2"];
  const path = join(temporaryFolder(), "X_1d.csv");
  const little = Buffer.from(`\uFEFF${lines.join("\r\n")}`, "utf16le");
  const files = [little, Buffer.from(little).swap16(), Buffer.from(lines.join("\r"))];
  for (const bytes of files) {
    writeFileSync(path, bytes);
    expect(Array.from((await readBarsFile(path, {})).bars.close)).toEqual([2, 2]);
  }
});
