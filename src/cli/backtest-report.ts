import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { exitReasons, netOf, returnPctOf, type BacktestMetrics } from "../backtest/index.js";
import { dateText, isIntraday, type Bars } from "../data/index.js";
import type { BacktestOutcome } from "../orchestration/index.js";
import { pageScript } from "./backtest-report-script.js";
import { pageStyle } from "./backtest-report-style.js";
import { rulesText } from "./backtest-text.js";
import { membershipCurves } from "./membership-plot.js";
import { monthlyReturns } from "./monthly-returns.js";
import { timestampText } from "./io.js";

/** Candles that a page draws; with more bars a candle stands for several. Zooming stays smooth up to here. */
const mostCandles = 100_000;
/** Trades that a page holds; all of them are in --trades-csv. */
const mostTrades = 20_000;

const escapes: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => escapes[character]);

/**
 * A back-test as one HTML page that needs no network: candles with trades, equity beside buy and hold, drawdown, monthly
 * returns, the model's membership functions, all trades. Light or dark as the reader's system, narrow or wide.
 */
export function reportPage(title: string, outcome: BacktestOutcome, warnings: readonly string[]): string {
  const { bars, backtest } = outcome;
  const n = bars.time.length;
  const day = (t: number): string => dateText(bars.time[t], bars.timeframe);
  const name = `${title} on ${bars.symbol} ${bars.timeframe}`;
  const grouped = Math.max(1, Math.ceil(n / mostCandles));
  const { trades } = backtest.simulation;
  const notes = [
    ...(grouped > 1 ? [`Each candle stands for ${grouped} bars.`] : []),
    ...(trades.count > mostTrades ? [`The first ${mostTrades} of ${trades.count} trades are shown.`] : []),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(`Back-test: ${name}`)}</title>
<link rel="icon" href="data:,">
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escaped(name)}</h1>
<p class="quiet">${day(0)} to ${day(n - 1)}, ${n.toLocaleString("en-US")} bars. ${escaped(rulesText(outcome))}.</p>
</header>
<main>
<section class="verdict ${backtest.verdict.significant ? "skill" : ""}">
<h2>${backtest.verdict.significant ? "Evidence of skill" : "No evidence of skill"}</h2>
<p>${escaped(backtest.verdict.statement)}</p>
${warnings.length === 0 ? "" : `<ul class="warnings">${warnings.map((text) => `<li>${escaped(text)}</li>`).join("")}</ul>`}
</section>
<section class="figures">${tiles(backtest.metrics, backtest.baselines.buy_and_hold)}</section>
<section>
<div class="heading"><h2>Price and trades, equity, drawdown</h2><div class="buttons" id="zoom"></div></div>
<div id="legend" class="legend"></div>
<div id="chart" role="img" aria-label="Candles with trades, equity of the back-test and of buy and hold, drawdown"></div>
<p class="quiet" id="chart-note">${notes.map(escaped).join(" ")}</p>
</section>
<div class="columns">
<section><h2>Beside doing nothing clever</h2>${comparison(outcome)}</section>
<section><h2>Monthly returns</h2>${monthly(bars, backtest.simulation.equity, outcome.settings.capital)}</section>
</div>
${memberships(outcome)}
<section>
<h2>Trades</h2>
${trades.count === 0 ? "<p>Nothing was traded.</p>" : tradeTable}
</section>
</main>
<footer class="quiet">
<p>Made by ktrdr. Charts: <a href="https://www.tradingview.com/">TradingView Lightweight Charts™</a>, Copyright (с) 2025 TradingView, Inc., Apache License 2.0. Past results say little about future ones.</p>
</footer>
<script>${chartLibrary()}</script>
<script>const data = ${scriptData(outcome, grouped)};
${pageScript}</script>
</body>
</html>
`;
}

function chartLibrary(): string {
  const home = dirname(createRequire(import.meta.url).resolve("lightweight-charts/package.json"));
  const source = readFileSync(join(home, "dist", "lightweight-charts.standalone.production.js"), "utf8");
  return source.replaceAll("</script", "<\\/script");
}

const percent = (value: number | null, digits = 1): string =>
  value === null ? "–" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(digits)} %`;
const plain = (value: number | null): string =>
  value === null ? "–" : `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`;
const share = (value: number | null): string => (value === null ? "–" : `${value.toFixed(1)} %`);
const money = (value: number): string => value.toLocaleString("en-US", { maximumFractionDigits: 2 });

function tiles(metrics: BacktestMetrics, hold: BacktestMetrics): string {
  const tile = (name: string, value: string, beside: string, tone = ""): string =>
    `<div class="tile"><div class="name">${name}</div><div class="value ${tone}">${value}</div><div class="quiet">${beside}</div></div>`;
  const tone = (value: number): string => (value > 0 ? "up" : value < 0 ? "down" : "");
  const versus = (text: string): string => `buy and hold ${text}`;
  return [
    tile(
      "Total return",
      percent(metrics.total_return_pct),
      versus(percent(hold.total_return_pct)),
      tone(metrics.total_return_pct),
    ),
    tile("Deepest drawdown", percent(metrics.max_drawdown_pct), versus(percent(hold.max_drawdown_pct))),
    tile("Sharpe", plain(metrics.sharpe), versus(plain(hold.sharpe))),
    tile("Trades", String(metrics.trades), `${share(metrics.win_rate_pct)} won`),
    tile("Time in the market", share(metrics.exposure_pct), `profit factor ${plain(metrics.profit_factor)}`),
    tile("Costs", money(metrics.costs), `final equity ${money(metrics.final_equity)}`),
  ].join("");
}

function comparison({ backtest: { metrics, baselines } }: BacktestOutcome): string {
  const rows: readonly (readonly [string, (metrics: BacktestMetrics) => string])[] = [
    ["Final equity", ({ final_equity }) => money(final_equity)],
    ["Total return", ({ total_return_pct }) => percent(total_return_pct)],
    ["Return a year", ({ annual_return_pct }) => percent(annual_return_pct)],
    ["Volatility a year", ({ annual_volatility_pct }) => share(annual_volatility_pct)],
    ["Deepest drawdown", ({ max_drawdown_pct }) => percent(max_drawdown_pct)],
    ["Sharpe", ({ sharpe }) => plain(sharpe)],
    ["Sortino", ({ sortino }) => plain(sortino)],
    ["Calmar", ({ calmar }) => plain(calmar)],
    ["Time in the market", ({ exposure_pct }) => share(exposure_pct)],
    ["Costs", ({ costs }) => money(costs)],
  ];
  const columns = [metrics, baselines.buy_and_hold, baselines.majority_class];
  const body = rows
    .map(
      ([name, show]) =>
        `<tr><th scope="row">${name}</th>${columns.map((column) => `<td>${show(column)}</td>`).join("")}</tr>`,
    )
    .join("");
  const random = baselines.random_entries;
  const randomText =
    random === null
      ? ""
      : `<p class="quiet">Random entries with the same holding times: ${percent(random.mean_return_pct)} on average, ` +
        `95 % from ${percent(random.interval[0])} to ${percent(random.interval[1])}; ` +
        `${share(100 * random.share_at_least_as_good)} of ${random.runs} did at least as well.</p>`;
  return (
    `<div class="scroll"><table><thead><tr><th></th><th>Back-test</th><th>Buy and hold</th>` +
    `<th>Always ${baselines.majority_class.class}</th></tr></thead><tbody>${body}</tbody></table></div>${randomText}`
  );
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function monthly(bars: Bars, equity: Float64Array, capital: number): string {
  const years = monthlyReturns(bars.time, equity, capital);
  const highest = Math.max(
    1e-9,
    ...years.flatMap(({ months: all }) => all.map((value) => Math.abs(value ?? 0))),
  );
  const cell = (value: number | null): string => {
    if (value === null) return "<td></td>";
    const strength = Math.round((70 * Math.abs(value)) / highest);
    const tone = value >= 0 ? "var(--up)" : "var(--down)";
    return `<td style="background:color-mix(in srgb, ${tone} ${strength}%, transparent)">${plainPercent(value)}</td>`;
  };
  const body = years
    .map(
      ({ year, months: all, total }) =>
        `<tr><th scope="row">${year}</th>${all.map(cell).join("")}<td class="total">${plainPercent(total)}</td></tr>`,
    )
    .join("");
  const head = months.map((name) => `<th>${name}</th>`).join("");
  return `<div class="scroll"><table class="months"><thead><tr><th></th>${head}<th>Year</th></tr></thead><tbody>${body}</tbody></table></div><p class="quiet">In percent, after costs.</p>`;
}

const plainPercent = (value: number): string => `${value < 0 ? "−" : ""}${Math.abs(value).toFixed(1)}`;

/** The model's fuzzy sets, a small chart for each feature. */
function memberships({ fuzzy }: BacktestOutcome): string {
  if (fuzzy.length === 0) return "";
  const charts = fuzzy.map((spec) => {
    const { axis, x, sets } = membershipCurves(spec, null, 161);
    const [from, to] = [x[0], x[x.length - 1]];
    const across = (value: number): string => ((300 * (value - from)) / (to - from)).toFixed(1);
    const paths = sets.map(({ name, degrees }, k) => {
      const points = [...degrees].map((degree, i) => `${across(x[i])},${(92 - 84 * degree).toFixed(1)}`);
      return `<polyline class="set s${k % 6}" points="${points.join(" ")}"><title>${escaped(name)}</title></polyline>`;
    });
    const legend = sets.map(
      ({ name, formula }, k) => `<li class="s${k % 6}" title="${escaped(formula)}">${escaped(name)}</li>`,
    );
    const label = (value: number): string => escaped(String(Number(value.toPrecision(4))));
    return (
      `<figure><figcaption>${escaped(axis)}</figcaption>` +
      `<svg viewBox="0 0 300 108" role="img" aria-label="${escaped(`Membership functions of ${axis}`)}">` +
      `<path class="axis" d="M0 8.5H300M0 50.5H300M0 92.5H300"/>${paths.join("")}` +
      `<text x="1" y="105">${label(from)}</text><text x="150" y="105" text-anchor="middle">${label((from + to) / 2)}</text><text x="299" y="105" text-anchor="end">${label(to)}</text></svg>` +
      `<ul class="sets">${legend.join("")}</ul></figure>`
    );
  });
  return `<section><h2>Membership functions</h2><p class="quiet">Degree 0 to 1 over the crisp value.</p><div class="memberships">${charts.join("")}</div></section>`;
}

const tradeTable = `<div class="scroll tall"><table id="trades"><thead><tr><th>#</th><th>Side</th><th>Entry</th><th>Exit</th><th>Entry price</th><th>Exit price</th><th>Quantity</th><th>Net profit</th><th>Return</th><th>Left by</th></tr></thead><tbody></tbody></table></div><div class="buttons"><button id="more" type="button" hidden>Show more</button></div>`;

const shortened = (value: number, digits: number): number => Number(value.toPrecision(digits));

/** What the page's script draws, as columns. */
function scriptData({ bars, backtest, settings }: BacktestOutcome, grouped: number): string {
  const n = bars.time.length;
  const count = Math.ceil(n / grouped);
  const column = (value: (from: number, to: number) => number, digits = 8): number[] =>
    Array.from({ length: count }, (_, k) =>
      shortened(value(k * grouped, Math.min(n, (k + 1) * grouped)), digits),
    );
  const extreme =
    (values: Float64Array, better: (a: number, b: number) => number) => (from: number, to: number) => {
      let found = values[from];
      for (let t = from + 1; t < to; t++) found = better(found, values[t]);
      return found;
    };
  const { equity, trades } = backtest.simulation;
  let peak = settings.capital;
  const drawdown = equity.map((value) => {
    peak = Math.max(peak, value);
    return 100 * (value / peak - 1);
  });
  const shown = Math.min(trades.count, mostTrades);
  const rows = Array.from({ length: shown }, (_, i) => [
    trades.side[i],
    Math.floor(trades.entry[i] / grouped),
    Math.floor(trades.exit[i] / grouped),
    shortened(trades.entryPrice[i], 8),
    shortened(trades.exitPrice[i], 8),
    shortened(trades.quantity[i], 8),
    shortened(netOf(trades, i), 8),
    shortened(returnPctOf(trades, i), 6),
    trades.reason[i],
    timestampText(bars.time[trades.entry[i]]),
    timestampText(bars.time[trades.exit[i]]),
  ]);
  const data = {
    intraday: isIntraday(bars.timeframe),
    reasons: exitReasons.map((name) => name.replaceAll("_", " ")),
    time: Array.from({ length: count }, (_, k) => bars.time[k * grouped] / 1000),
    open: column((from) => bars.open[from]),
    high: column(extreme(bars.high, Math.max)),
    low: column(extreme(bars.low, Math.min)),
    close: column((_, to) => bars.close[to - 1]),
    equity: column((_, to) => equity[to - 1]),
    hold: column((_, to) => backtest.buyAndHoldEquity[to - 1]),
    drawdown: column(extreme(drawdown, Math.min), 5),
    trades: rows,
  };
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}
