/**
 * The report's script; it finds the chart library as `LightweightCharts` and the columns to draw as `data`. Written for
 * browsers: it is text here, and the report's test runs it in one.
 */
export const pageScript = String.raw`
"use strict";
const { createChart, CandlestickSeries, LineSeries, AreaSeries, createSeriesMarkers, CrosshairMode } = LightweightCharts;
const n = data.time.length;
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
const faded = (hex, alpha) => hex + Math.round(255 * alpha).toString(16).padStart(2, "0");
const number = (value) => value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 10 ? 4 : 2 });
// Prices of any size: enough decimals for their changes.
const digits = (value) => Math.max(2, Math.min(8, 5 - Math.floor(Math.log10(Math.max(1e-9, Math.abs(value))))- 1));
const price = digits(data.close[n - 1] || 1);

const chart = createChart(byId("chart"), {
  autoSize: true,
  crosshair: { mode: CrosshairMode.Normal },
  timeScale: { timeVisible: data.intraday, secondsVisible: false, minBarSpacing: 0.001 },
  localization: { locale: "en-GB", dateFormat: "yyyy-MM-dd" },
});
const priceFormat = { type: "price", precision: price, minMove: 1 / 10 ** price };
const candles = chart.addSeries(CandlestickSeries, { priceFormat, priceLineVisible: false, lastValueVisible: false });
const moneyFormat = { type: "custom", minMove: 0.01, formatter: (value) => value.toLocaleString("en-US", { maximumFractionDigits: Math.abs(data.equity[0]) < 1000 ? 2 : 0 }) };
const hold = chart.addSeries(LineSeries, { priceFormat: moneyFormat, lineWidth: 1, priceLineVisible: false, lastValueVisible: false, title: "buy and hold" }, 1);
const equity = chart.addSeries(LineSeries, { priceFormat: moneyFormat, lineWidth: 2, priceLineVisible: false, lastValueVisible: true, title: "equity" }, 1);
const drawdown = chart.addSeries(AreaSeries, { lineWidth: 1, priceLineVisible: false, lastValueVisible: false, title: "drawdown", priceFormat: { type: "percent" }, autoscaleInfoProvider: (original) => { const info = original(); if (info) info.priceRange.maxValue = 0; return info; } }, 2);
const markers = createSeriesMarkers(candles, []);
chart.panes()[0].setStretchFactor(5);
chart.panes()[1].setStretchFactor(3);
chart.panes()[2].setStretchFactor(1.6);

const line = (values) => values.map((value, i) => ({ time: data.time[i], value }));
candles.setData(data.time.map((time, i) => ({ time, open: data.open[i], high: data.high[i], low: data.low[i], close: data.close[i] })));
equity.setData(line(data.equity));
hold.setData(line(data.hold));
drawdown.setData(line(data.drawdown));

function paint() {
  const [text, grid, up, down] = [colour("text"), colour("line"), colour("up"), colour("down")];
  chart.applyOptions({
    layout: { background: { color: colour("card") }, textColor: text, panes: { separatorColor: grid } },
    grid: { vertLines: { color: grid }, horzLines: { color: grid } },
    rightPriceScale: { borderColor: grid }, timeScale: { borderColor: grid },
  });
  candles.applyOptions({ upColor: up, downColor: down, wickUpColor: up, wickDownColor: down, borderVisible: false });
  equity.applyOptions({ color: colour("own") });
  hold.applyOptions({ color: colour("hold") });
  drawdown.applyOptions({ lineColor: down, topColor: faded(down, 0.05), bottomColor: faded(down, 0.45), invertFilledArea: true });
}

// Markers of trades are drawn for what is in sight, and only while they can be told apart.
const mostMarkers = 400;
// Beside so many trades (by the chart's width) there is no room for words.
const mostWords = () => byId("chart").clientWidth / 60;
const entries = data.trades.map((trade) => trade[1]);
function firstFrom(bar) {
  let [low, high] = [0, entries.length];
  while (low < high) { const middle = (low + high) >>> 1; if (entries[middle] < bar) low = middle + 1; else high = middle; }
  return low;
}
const note = byId("chart-note");
const fixedNote = note.textContent;
let drawn = "";
function showMarkers() {
  const range = chart.timeScale().getVisibleLogicalRange();
  if (range === null) return;
  // Trades do not overlap, so at most one of them began before the first bar in sight.
  const from = Math.max(0, firstFrom(Math.floor(range.from)) - 1);
  const to = firstFrom(Math.ceil(range.to) + 1);
  const many = to - from > mostMarkers;
  const words = to - from <= mostWords();
  const key = many ? "many" : from + "-" + to + dark.matches + words;
  if (key === drawn) return;
  drawn = key;
  note.textContent = (fixedNote + (many ? " Zoom in to see the trades." : "")).trim();
  const list = [];
  for (let i = from; !many && i < to; i++) {
    const [side, entry, exit, , , , net] = data.trades[i];
    const [above, below] = ["aboveBar", "belowBar"];
    list.push({ time: data.time[entry], position: side > 0 ? below : above, shape: side > 0 ? "arrowUp" : "arrowDown", color: colour("text"), size: words ? 1 : 0.5, text: !words ? "" : side > 0 ? "long" : "short" });
    list.push({ time: data.time[exit], position: side > 0 ? above : below, shape: "circle", color: net > 0 ? colour("up") : colour("down"), size: words ? 1 : 0.4, text: !words ? "" : (net > 0 ? "+" : "") + number(net) });
  }
  list.sort((a, b) => a.time - b.time);
  markers.setMarkers(list);
}

const legend = byId("legend");
function showLegend(i) {
  const at = Math.max(0, Math.min(n - 1, i));
  const text = new Date(data.time[at] * 1000).toISOString();
  const parts = [["", data.intraday ? text.slice(0, 16).replace("T", " ") : text.slice(0, 10)], ["open", number(data.open[at])], ["high", number(data.high[at])], ["low", number(data.low[at])], ["close", number(data.close[at])], ["equity", number(data.equity[at])], ["buy and hold", number(data.hold[at])], ["drawdown", data.drawdown[at].toFixed(2) + " %"]];
  legend.replaceChildren(...parts.map(([name, value]) => {
    const span = document.createElement("span");
    const strong = document.createElement("b");
    strong.textContent = value;
    span.append(name === "" ? "" : name + " ", strong);
    return span;
  }));
}

const zoom = byId("zoom");
const button = (text, action) => { const made = document.createElement("button"); made.type = "button"; made.textContent = text; made.onclick = action; zoom.append(made); };
button("All", () => chart.timeScale().fitContent());
for (const bars of [1000, 250, 60]) if (bars < n) button("Last " + bars + " bars", () => chart.timeScale().setVisibleLogicalRange({ from: n - bars, to: n + 2 }));

// The table of trades grows by pieces: ten thousand rows at once would make the page slow.
const body = document.querySelector("#trades tbody");
const more = byId("more");
let shown = 0;
function showTrades() {
  const rows = [];
  for (const end = Math.min(data.trades.length, shown + 200); shown < end; shown++) {
    const [side, entry, exit, bought, sold, quantity, net, pct, reason, entered, left] = data.trades[shown];
    const row = document.createElement("tr");
    const time = (text) => data.intraday ? text.slice(0, 16).replace("T", " ") : text.slice(0, 10);
    const cells = [shown + 1, side > 0 ? "long" : "short", time(entered), time(left), number(bought), number(sold), number(quantity), number(net), pct.toFixed(2) + " %", data.reasons[reason]];
    cells.forEach((text, j) => { const cell = document.createElement("td"); cell.textContent = text; if (j === 7 || j === 8) cell.className = net > 0 ? "up" : net < 0 ? "down" : ""; row.append(cell); });
    row.onclick = () => {
      const margin = Math.max(10, exit - entry);
      chart.timeScale().setVisibleLogicalRange({ from: entry - margin, to: exit + margin });
      byId("chart").scrollIntoView({ behavior: "smooth", block: "center" });
    };
    rows.push(row);
  }
  body.append(...rows);
  more.hidden = shown >= data.trades.length;
  more.textContent = "Show more (" + (data.trades.length - shown) + " left)";
}

paint();
chart.timeScale().fitContent();
showLegend(n - 1);
chart.timeScale().subscribeVisibleLogicalRangeChange(showMarkers);
chart.subscribeCrosshairMove((event) => showLegend(event.logical === undefined || event.logical === null ? n - 1 : Math.round(event.logical)));
dark.addEventListener("change", () => { paint(); showMarkers(); });
showMarkers();
if (body !== null) { more.onclick = showTrades; showTrades(); }
document.documentElement.dataset.drawn = "yes";
`;
