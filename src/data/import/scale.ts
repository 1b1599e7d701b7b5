import { inBlocks, log, type CancellationToken } from "../../core/index.js";
import type { MissingOption } from "./errors.js";
import type { Layout } from "./layout.js";
import { hasTimeOfDay, type RawRows } from "./raw-rows.js";

/** Units of a currency (or ounces of a metal) that one US dollar buys, within a factor of five over the last decades. */
const perDollar: Record<string, number> = {
  USD: 1, EUR: 0.9, GBP: 0.75, CHF: 1, AUD: 1.4, CAD: 1.3, NZD: 1.5, SGD: 1.4, BRL: 4, PLN: 4, ILS: 3.6,
  DKK: 6.5, CNY: 7, CNH: 7, HKD: 7.8, SEK: 9, NOK: 9, MXN: 16, ZAR: 14, TRY: 8, CZK: 23, TWD: 31, THB: 33, INR: 65, RUB: 60,
  PHP: 50, JPY: 120, HUF: 280, ISK: 120, CLP: 700, KRW: 1200, COP: 3000, IDR: 13000, VND: 23000,
  XAU: 1 / 1300, XAG: 1 / 20, XPT: 1 / 1000,
}; // prettier-ignore

/** A pair's price may leave its usual value by this factor; a wrong scale of a hundred or more leaves it further. */
const usualRange = 30;

/** Quote currencies in which prices of many digits are usual. */
const smallUnits = /(JPY|KRW|IDR|VND|CLP|COP|HUF|ISK|PHP|RUB|INR|TWD)(=X)?$/i;
const bitcoin = /^(BTC|XBT|WBTC)/i;

/** The price without the noise of float64 arithmetic where it is a whole number but for that: 130583.99999999999. */
export function withoutNoise(price: number): number {
  const whole = Math.round(price);
  return Math.abs(price - whole) <= Math.min(1e-12 * price, 1e-3) ? whole : price;
}

function usualPrice(symbol: string): number | null {
  const match = /^([A-Z]{3})[-_/.]?([A-Z]{3})(=X)?$/i.exec(symbol);
  if (match === null) return null;
  const base = perDollar[match[1].toUpperCase()];
  const quote = perDollar[match[2].toUpperCase()];
  return base === undefined || quote === undefined ? null : quote / base;
}

/**
 * Signs that prices are multiplied by a power of ten, as the option to ask for; null where there is none.
 *
 * 1. The symbol is a pair of currencies and the median close is 30 times off what the pair has cost.
 * 2. No header, `YYYYMMDD HH:MM` and whole prices of 100 and above only: QuantConnect's files of shares, times 10,000.
 * 3. All prices are whole but for float noise (`130583.99999999999`), which multiplying leaves and no exchange writes, and
 *    the median is 1000 or above.
 * 4. The median is 100,000 or above and all prices are whole, or it is 1,000,000 or above; not for bitcoin, nor for prices in a
 *    currency of small unit such as yen or won.
 *
 * `--price-scale 1` confirms prices as they are.
 */
export function findScale(
  rows: RawRows,
  layout: Layout,
  symbol: string | null,
  token: CancellationToken,
): MissingOption | null {
  const { count, open, high, low, close } = rows;
  if (count === 0) return null;
  let allWhole = true;
  let noise = -1;
  let least = Infinity;
  inBlocks(count, token, (from, to) => {
    for (let i = from; i < to && (allWhole || i < 1000); i++) {
      if (low[i] < least) least = low[i];
      for (const column of [open, high, low, close]) {
        const price = column[i];
        if (Number.isInteger(price)) continue;
        if (Number.isInteger(withoutNoise(price))) noise = i;
        else allWhole = false;
      }
    }
  });
  // A thousand closes tell the usual price as well as a million.
  const every = Math.ceil(count / 1001);
  const sample = Float64Array.from({ length: Math.ceil(count / every) }, (_, k) => close[k * every]).sort();
  const median = sample[sample.length >>> 1];
  const shown = `closes are around ${Number(median.toPrecision(6))} (row ${rows.row[0]}: ${close[0]})`;
  const ask = (why: string, scale: number | null): MissingOption => ({
    flag: `--price-scale ${scale ?? "N"}`,
    why: `${why}; prices look multiplied by a power of ten${scale === null ? "" : ` (probably ${scale})`}, and --price-scale N divides them by N; 1 keeps them`,
  });
  const usual = symbol === null ? null : usualPrice(symbol);
  if (usual !== null) {
    if (median < usual * usualRange && median > usual / usualRange) return null;
    const exponent = Math.round(log(median / usual) / Math.LN10);
    return ask(
      `${symbol} costs about ${Number(usual.toPrecision(2))}, but ${shown}`,
      Number(`1e${exponent}`),
    );
  }
  const leanTime =
    layout.header.length === 0 && layout.separator === "," && (rows.flags[0] & hasTimeOfDay) !== 0;
  if (leanTime && layout.columns.clock < 0 && allWhole && least >= 100) {
    return ask(`the file has no header and only whole prices, ${shown}`, 10_000);
  }
  if (allWhole && noise >= 0 && median >= 1000) {
    return ask(
      `prices are whole but for the noise of a multiplication (row ${rows.row[noise]}: ${close[noise]}), ${shown}`,
      null,
    );
  }
  const small = symbol !== null && (smallUnits.test(symbol) || bitcoin.test(symbol));
  if (!small && (median >= 1e6 || (median >= 1e5 && allWhole))) return ask(shown, null);
  return null;
}
