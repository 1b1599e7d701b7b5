/** Index of each column that matters, -1 where a file has none. */
export interface BarColumns {
  readonly time: number;
  /** Time of day in a column of its own, or -1. */
  readonly clock: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Columns of traded volume, in the file's order. */
  readonly volumes: readonly number[];
  /** Column of tick counts, or -1. */
  readonly ticks: number;
  readonly adjustedClose: number;
  readonly splits: number;
  readonly symbol: number;
  readonly timeframe: number;
}

/** A header's name without case, brackets, signs and numbering: `<OPEN>` and `1. open` are `open`. */
export function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^\d+[a-z]?\.\s*/, "")
    .replaceAll(/[^a-z0-9]/g, "");
}

const timeNames = [
  "unix",
  "unixtime",
  "unixtimestamp",
  "epoch",
  "timestamp",
  "datetime",
  "opentime",
  "windowstart",
  "bartime",
  "gmttime",
  "localtime",
  "date",
  "time",
  "day",
  "ts",
  "t",
];
const priceNames = {
  open: ["open", "o", "openprice", "openusd"],
  high: ["high", "h", "highprice", "highusd"],
  low: ["low", "l", "lowprice", "lowusd"],
  close: ["close", "c", "closeprice", "closelast", "closeusd", "last"],
} as const;
const symbolNames = ["symbol", "ticker", "pair"];
const timeframeNames = ["timeframe", "interval"];
/** Columns that may hold the time when none is named: what an index is called when a table is saved with it. */
const indexName = /^(|unnamed.*|index|price)$/;

/** What is known of a header line. */
export interface HeaderMatch {
  readonly columns: BarColumns;
  /** Prices that no column is named for. */
  readonly missing: readonly string[];
  /** Names that two columns share, though only one can be meant. */
  readonly doubled: readonly string[];
  /** True where the time's own name says UTC. */
  readonly utc: boolean;
}

/** Recognises columns by their names, in any order; `time` is -1 where no column is named for it. */
export function matchHeader(header: readonly string[]): HeaderMatch {
  const names = header.map((name) => plainName(name));
  const doubled: string[] = [];
  const find = (wanted: readonly string[]): number => {
    const name = wanted.find((candidate) => names.includes(candidate));
    if (name === undefined) return -1;
    const first = names.indexOf(name);
    if (names.includes(name, first + 1)) doubled.push(header[first]);
    return first;
  };
  const open = find(priceNames.open);
  const high = find(priceNames.high);
  const low = find(priceNames.low);
  let close = find(priceNames.close);
  // Some exports call the close "Price"; in others "Price" heads the index, and there is a close as well.
  if (close < 0 && open >= 0) close = names.indexOf("price");
  const missing = Object.entries({ open, high, low, close }).flatMap(([name, j]) => (j < 0 ? [name] : []));
  const utcName = names.findIndex((name) =>
    /^(unix|time|timestamp|date|datetime|gmt|utc).*(utc|gmt)$|^(gmt|utc)(time)?$/.test(name),
  );
  const byName = timeNames.map((name) => names.indexOf(name)).filter((j) => j >= 0);
  let time = utcName >= 0 ? utcName : (byName[0] ?? -1);
  let clock = -1;
  const date = names.indexOf("date");
  const better = timeNames.slice(0, timeNames.indexOf("date"));
  if (date >= 0 && names.includes("time") && !names.some((name) => better.includes(name))) {
    time = date;
    clock = names.indexOf("time");
  }
  const volumes = names.flatMap((name, j) =>
    /^(v|(real|base)?vol(ume)?([a-z]{3,5}|currency)?)$/.test(name) && !/(avg|sma|ema|chg)$/.test(name)
      ? [j]
      : [],
  );
  return {
    columns: {
      time,
      clock,
      open,
      high,
      low,
      close,
      volumes,
      ticks: names.findIndex((name) => /^(ticks?|tickcount|tickvol(ume)?)$/.test(name)),
      adjustedClose: names.findIndex((name) => /^adj(usted)?close/.test(name)),
      splits: names.indexOf("stocksplits"),
      symbol: names.findIndex((name) => symbolNames.includes(name)),
      timeframe: names.findIndex((name) => timeframeNames.includes(name)),
    },
    missing,
    doubled,
    utc: utcName >= 0,
  };
}

/** Columns that could be an unnamed index of times. */
export function indexColumns(header: readonly string[], { close }: BarColumns): number[] {
  return header.flatMap((name, j) => (j !== close && indexName.test(plainName(name)) ? [j] : []));
}
