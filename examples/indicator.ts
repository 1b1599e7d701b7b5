// One indicator over bars of a file: npx tsx examples/indicator.ts [FILE.csv]   (without a file: the sample bars of AAPL)
import {
  computeIndicators,
  makeIndicatorSpec,
  neverCancelled,
  readBarsFile,
  sampleBars,
} from "../src/index.js";

const file = process.argv[2];
const bars =
  file === undefined
    ? await sampleBars({ symbol: "AAPL", timeframe: "1d", seed: 0 })
    : (await readBarsFile(file, { infer: true })).bars;

const spec = makeIndicatorSpec("rsi_14", "rsi", { period: 14 });
const rsi = computeIndicators(bars, [spec], neverCancelled).column("rsi_14");
if (rsi === undefined) throw new Error("an indicator's main output has its feature id");

for (let t = Math.max(0, rsi.length - 5); t < rsi.length; t++) {
  console.log(new Date(bars.time[t]).toISOString(), `close ${bars.close[t]}`, `RSI ${rsi[t].toFixed(2)}`);
}
