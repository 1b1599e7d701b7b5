// What the network sees of one bar: npx tsx examples/memberships.ts
import { loadStrategy, sampleBars, TrainingPipeline } from "../src/index.js";

const strategy = loadStrategy("config/strategies/example.yaml");
const bars = await sampleBars({ symbol: "AAPL", timeframe: "1d", seed: 0 });

const indicators = TrainingPipeline.calculateIndicators(strategy, [bars]);
const memberships = TrainingPipeline.generateFuzzyMemberships(strategy, indicators);
const { names, columns } = TrainingPipeline.createFeatures(strategy, memberships);

const t = bars.time.length - 1;
console.log(`AAPL on ${new Date(bars.time[t]).toISOString().slice(0, 10)}, close ${bars.close[t]}`);
names.forEach((name, j) => console.log(`  ${name.padEnd(20)} ${columns[j][t].toFixed(3)}`));
