import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { describeWithSharedData } from "../../../test/shared-data.js";
import type { Bars } from "../bars.js";
import { readBarsFile, type ImportOptions } from "./index.js";

interface RawFile {
  readonly file: string;
  /** What must be added to read it, or to learn which rows are wrong. */
  readonly options: ImportOptions;
  /** Flags that the error names when only `symbol` is given. */
  readonly needs?: readonly string[];
  readonly read: number;
  readonly stored?: number;
  readonly first: readonly [time: string, ...bar: number[]];
  readonly last: readonly [time: string, ...bar: number[]];
  /** First half of the SHA-256 of all columns; like every number here, of an independent program in Python (csv, zoneinfo). */
  readonly sha: string;
  readonly repaired?: readonly (readonly [row: number, what: RegExp])[];
  readonly repairs?: number;
  readonly refused?: readonly (readonly [row: number, reason: RegExp])[];
  readonly notices?: readonly RegExp[];
}

const newestFirst = /newest first; turned round/;
const newYork = "America/New_York";

// prettier-ignore
const rawFiles: readonly RawFile[] = [
  { file: "alphavantage_descending_BTCUSD_1d.csv", options: { symbol: "BTCUSD" }, read: 350,
    first: ["2023-12-10T00:00", 43722.84, 44049.51, 43562.06, 43793.68, 3919.09423649],
    last: ["2024-11-23T00:00", 99024.03, 99044.11, 98450, 98472.47, 1067.16066574],
    sha: "3fa2f38ae2a2b7f9", repaired: [[2, newestFirst]] },
  { file: "bom_mdyyyy_zero_volume_SPX_1d.csv", options: { symbol: "SPX" }, read: 1000,
    first: ["1990-01-02T00:00", 353.4, 359.69, 351.98, 359.69, 0],
    last: ["1993-12-13T00:00", 463.48, 465.71, 462.71, 465.7, 0],
    sha: "015e6055ab41b385" },
  { file: "timestamp_header_unordered_1d.csv", options: { symbol: "SPY" }, read: 502,
    first: ["2016-01-18T00:00", 214.02, 214.27, 213.42, 214.22, 57997156],
    last: ["2018-12-31T00:00", 244.92, 245.54, 242.87, 245.28, 147031456],
    sha: "55a226037b3fd7d2", repaired: [[21, /^4 rows are earlier .*\(21, 41, 454, 475\); sorted/]] },
  { file: "chart_export_unix_no_volume_EURUSD_1h.csv", options: { symbol: "EURUSD" }, read: 2000,
    first: ["2017-07-03T00:00", 1.14234, 1.14248, 1.14157, 1.14172, 0],
    last: ["2017-10-30T10:00", 1.16392, 1.16419, 1.16316, 1.16375, 0],
    sha: "561c368bfea28b7d", notices: [/no volume column/] },
  { file: "cryptodatadownload_ampm_descending_BTCUSD_1h.csv", options: {}, read: 1101,
    first: ["2017-07-01T11:00", 2505.56, 2513.38, 2495.12, 2509.17, 114.6],
    last: ["2019-10-17T09:00", 8051, 8056.83, 8021.23, 8035.88, 61.25],
    sha: "b5de1b97757548c3", repaired: [[3, newestFirst]], notices: [/UTC, as the file says/, /"volume_btc" is used/] },
  { file: "cryptodatadownload_swapped_volumes_BTCUSD_1h.csv", options: {}, read: 802,
    first: ["2018-05-15T06:00", 8733.86, 8796.68, 8707.28, 8740.99, 559.93],
    last: ["2022-03-01T00:00", 43221.71, 43626.49, 43185.48, 43312.27, 52.05632],
    sha: "ca4d0893cad8c4f5", repairs: 402, repaired: [[2, newestFirst], [403, /each other's values; the volume is 705.6$/]],
    notices: [/"BTC\/USD" is called BTCUSD/, /"volume" is used/] },
  { file: "dukascopy_ddmmyyyy_EURUSD_1h.csv", options: { symbol: "EURUSD", timezone: "UTC" }, needs: ["--timezone Area/City"],
    read: 2000,
    first: ["2017-01-01T22:00", 1.05236, 1.05253, 1.05221, 1.05227, 143539993.3],
    last: ["2017-04-27T04:00", 1.0909, 1.09101, 1.09036, 1.09054, 3624379883],
    sha: "ea85ddc6b35bd858" },
  { file: "yfinance_tz_offset_EA_15m.csv", options: { symbol: "EA" }, read: 319,
    first: ["2026-05-26T08:00", 170.0712, 200.8117, 170.0712, 199.85, 0],
    last: ["2026-06-03T18:15", 202.785003662109, 202.889999389648, 202.770004272461, 202.770004272461, 36730],
    sha: "f84579f52b7a6af9", notices: [/dividend-adjusted close is not used/] },
  { file: "yfinance_bad_split_dst_AV-L_1wk.csv", options: { symbol: "AV.L", timeframe: "1w" }, needs: ["--timeframe T"], read: 84,
    first: ["2021-12-13T00:00", 518.4210205078125, 535, 515, 530.1314697265625, 47663221],
    last: ["2023-07-17T00:00", 385, 389.5, 384.2510070800781, 387.1000061035156, 0],
    sha: "deeee1f5a50a17fd", notices: [/not used/, /states 0.76 at row 24, 2022-05-16.* from 537.1\d+ to 412.1/] },
  { file: "yfinance_descending_bad_split_LA-V_1d.csv", options: { symbol: "LA.V" }, read: 41, stored: 40,
    first: ["2020-08-04T00:00", 3.70000004768372, 3.70000004768372, 3.70000004768372, 3.70000004768372, 0],
    last: ["2020-09-30T00:00", 4.40000009536743, 4.44999980926514, 4.01999998092651, 4.44999980926514, 22600],
    sha: "1184afa842775a01", repaired: [[2, newestFirst]], refused: [[26, /split of 0.1 .* to this row only/]], notices: [/not used/] },
  { file: "quoted_thousands_descending_TSLA_1d.csv", options: { symbol: "TSLA" }, read: 757, stored: 756,
    first: ["2015-10-15T00:00", 216.43, 221.73, 213.7, 221.31, 2835920],
    last: ["2018-10-15T00:00", 259.06, 263.28, 254.5367, 259.59, 6189026],
    sha: "52eb409b6052c0a9", repaired: [[3, newestFirst]], refused: [[2, /"11:34" is a time of day without a date/]] },
  { file: "ochl_order_no_offset_SP500_1m.csv", options: { symbol: "SP500", timezone: newYork, dateFormat: "M/D/YYYY" },
    needs: ["--date-format DD/MM/YYYY or MM/DD/YYYY", "--timezone Area/City"], read: 1563,
    first: ["2019-11-05T14:30", 3080.8, 3081.47, 3080.3, 3080.49, 0],
    last: ["2019-11-08T20:59", 3091.16, 3092.91, 3090.96, 3092.91, 0],
    sha: "e3c1e39b4551dad1" },
  { file: "leftover_index_columns_AAPL_1m.csv", options: { symbol: "AAPL" }, read: 2083,
    first: ["2023-05-24T21:16", 171.68, 171.68, 171.65, 171.65, 2031],
    last: ["2023-05-26T23:59", 175.5, 175.5, 175.49, 175.5, 1210],
    sha: "3fabff4f61670879" },
  { file: "lean_unadjusted_splits_AAPL_1d.csv", options: { symbol: "AAPL", priceScale: 10_000 }, needs: ["--price-scale 10000"],
    read: 1763,
    first: ["2014-01-02T00:00", 555.68, 557.07, 552.03, 553.13, 7947737],
    last: ["2020-12-31T00:00", 134, 134.74, 131.72, 132.69, 95781876],
    sha: "7a4e2f28ed3eb152", notices: [/row 109, 2014-06-09, as after a 7:1 split/, /row 1678, 2020-08-31, as after a 4:1 split/] },
  { file: "lean_bad_ticks_AAPL_1h.csv", options: { symbol: "AAPL", timezone: newYork, priceScale: 10_000 },
    needs: ["--timezone Area/City", "--price-scale 10000"], read: 49,
    first: ["2009-09-18T13:00", 185.9, 186.55, 185.46, 186.36, 6534317],
    last: ["2011-01-04T20:00", 330.4, 331.39, 329.87, 331.29, 1732958],
    // The flash crash of 2010-05-06 (row 20) is no such row.
    sha: "b4f7f59b271df411", notices: [/^Row 8: low 10.59 /, /^Row 27: low 25.3 /, /^Row 40: low 32.65 /] },
  { file: "no_volume_VIX_1d.csv", options: { symbol: "VIX" }, read: 1500,
    first: ["2020-09-17T00:00", 28.22, 28.92, 26.26, 26.46, 0],
    last: ["2026-07-23T00:00", 17.67, 20.31, 17.32, 18.7, 0],
    sha: "d3dbd0a40e15fb77", notices: [/no volume column/] },
  { file: "tab_separated_unadjusted_AAPL_1d.csv", options: { symbol: "AAPL" }, read: 1662,
    first: ["2017-02-01T00:00", 127.07, 130.48, 127.06, 128.785, 390],
    last: ["2023-09-08T00:00", 178.336, 180.227, 177.786, 178.147, 846],
    sha: "744acff4230e569e", notices: [/row 903, 2020-08-31, as after a 4:1 split/] },
  { file: "integer_scaled_EURUSD_1d.csv", options: { symbol: "EURUSD", priceScale: 100_000 }, needs: ["--price-scale 100000"],
    read: 1000,
    first: ["2012-12-04T00:00", 1.30584, 1.31073, 1.30453, 1.30935, 55870],
    last: ["2016-10-11T00:00", 1.11346, 1.11419, 1.10486, 1.1053, 147615],
    sha: "8a3dc35aa76b070e", notices: [/"tick_volume": a count/] },
  { file: "yahoo_classic_adj_close_AAPL_1d.csv", options: { symbol: "AAPL" }, read: 1260,
    first: ["2013-05-13T00:00", 64.501427, 65.414284, 64.5, 64.96286, 79237200],
    last: ["2018-05-11T00:00", 189.490005, 190.059998, 187.449997, 188.589996, 25806600],
    sha: "fe689a1052727f6f", notices: [/dividend-adjusted close is not used/] },
  { file: "yfinance_two_header_rows_AAPL_1d.csv", options: {}, read: 1083,
    first: ["2020-09-11T00:00", 111.444265890273, 112.0862631304283, 106.99894632611955, 108.94438171386719, 180860300],
    last: ["2024-12-31T00:00", 251.5470385357527, 252.38406352835983, 248.54767617168994, 249.5341796875, 39480700],
    sha: "ec7933b18fcaca3c" },
];

function bar(bars: Bars, t: number): unknown[] {
  const { time, open, high, low, close, volume } = bars;
  return [new Date(time[t]).toISOString().slice(0, 16), open[t], high[t], low[t], close[t], volume[t]];
}

function digest({ time, open, high, low, close, volume }: Bars): string {
  const hash = createHash("sha256");
  for (const column of [time, open, high, low, close, volume])
    hash.update(new Uint8Array(column.slice().buffer));
  return hash.digest("hex").slice(0, 16);
}

const folderOf = (folder: string): string => join(folder, "raw");

describeWithSharedData("raw files", (shared) => {
  test.each(rawFiles)("$file", async (row) => {
    const path = join(folderOf(shared), row.file);
    if (row.needs !== undefined) {
      const { symbol } = row.options;
      const error: unknown = await readBarsFile(path, { symbol }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({
        code: "IMPORT_OPTIONS_NEEDED",
        needed: row.needs.map((flag) => ({ flag })),
      });
    }
    const { bars, rowsRead, repaired, refused, notices } = await readBarsFile(path, row.options);
    const n = bars.time.length;
    expect([rowsRead, n]).toEqual([row.read, row.stored ?? row.read]);
    expect(bar(bars, 0)).toEqual(row.first);
    expect(bar(bars, n - 1)).toEqual(row.last);
    expect(digest(bars), "all values").toBe(row.sha);
    expect(repaired).toHaveLength(row.repairs ?? row.repaired?.length ?? 0);
    for (const [line, what] of row.repaired ?? []) {
      expect(repaired.find((repair) => repair.row === line)?.what).toMatch(what);
    }
    expect(refused.map((row_) => row_.row)).toEqual((row.refused ?? []).map(([line]) => line));
    for (const [k, [, reason]] of (row.refused ?? []).entries()) expect(refused[k].reason).toMatch(reason);
    expect(notices).toHaveLength(row.notices?.length ?? 0);
    for (const [k, notice] of (row.notices ?? []).entries()) expect(notices[k]).toMatch(notice);
  });

  test("blank_dates_and_cells_mmddyyyy_1d.csv: 165 rows are refused, each with its reason", async () => {
    const path = join(folderOf(shared), "blank_dates_and_cells_mmddyyyy_1d.csv");
    const { rowsRead, bars, refused } = await readBarsFile(path, { symbol: "SPY" });
    expect([rowsRead, bars.time.length, refused.length]).toEqual([502, 337, 165]);
    const count = (reason: RegExp): number => refused.filter((row) => reason.test(row.reason)).length;
    // 101 rows have an empty cell: 50 dates, 51 rows of a date alone. Of the others 63 break low <= open, close <= high or have
    // negative prices, and row 360 a negative volume (counted with awk).
    expect([count(/^the date is empty$/), count(/^open is empty; high is empty/)]).toEqual([50, 51]);
    expect(count(/is outside low|is below low|is not above 0/)).toBe(63);
    expect(refused.find(({ row }) => row === 360)?.reason).toBe('volume "-64874192" is not 0 or above');
  });

  test("lean_factor_file_AAPL.csv is no file of bars, and the error says what it is", async () => {
    const path = join(folderOf(shared), "lean_factor_file_AAPL.csv");
    await expect(readBarsFile(path, { symbol: "AAPL", timeframe: "1d" })).rejects.toMatchObject({
      code: "NOT_A_BARS_FILE",
      message: expect.stringMatching(/row 1 is a date and 3 numbers.*list of adjustment factors/) as string,
    });
  });

  test("names that hold more than SYMBOL_TIMEFRAME do not become symbols", async () => {
    const path = join(folderOf(shared), "no_volume_VIX_1d.csv");
    await expect(readBarsFile(path, {})).rejects.toMatchObject({ needed: [{ flag: "--symbol S" }] });
    expect(existsSync(join(shared, "AAPL_1d.csv"))).toBe(true);
    const { bars } = await readBarsFile(join(shared, "AAPL_1d.csv"), {});
    expect([bars.symbol, bars.timeframe, bars.time.length]).toEqual(["AAPL", "1d", 1083]);
  });

  test("a file of hours is refused as days, weeks and minutes", async () => {
    const path = join(shared, "EURUSD_1h.csv");
    for (const timeframe of ["1d", "1w", "4h", "1m", "5m", "30m"] as const) {
      await expect(readBarsFile(path, { timeframe }), timeframe).rejects.toMatchObject({
        code: "TIMEFRAME_MISMATCH",
      });
    }
    await expect(readBarsFile(join(shared, "AAPL_1d.csv"), { timeframe: "1w" })).rejects.toThrow(/1d apart/);
    await expect(readBarsFile(join(shared, "AAPL_1d.csv"), { timeframe: "1h" })).rejects.toThrow(/1d apart/);
  });

  test.each([
    "AAPL_1d",
    "AMZN_1d",
    "BTCUSD_1d",
    "BTCUSD_1h",
    "EURUSD_1h",
    "GOOGL_1d",
    "INTC_1d",
    "MSFT_1d",
    "SPX_1d",
    "AAPL_1h",
  ])("%s.csv of the checked files needs no option, no repair and no notice", async (name) => {
    const { bars, rowsRead, repaired, refused, notices } = await readBarsFile(
      join(shared, `${name}.csv`),
      {},
    );
    expect(`${bars.symbol}_${bars.timeframe}`).toBe(name);
    expect([bars.time.length, repaired, refused, notices]).toEqual([rowsRead, [], [], []]);
  });
});
