// npm run bench -- [--quick] [--json FILE] [--engine NAME] [name...]: measures hot paths; names are those of `benches`, all by default.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchBacktest } from "./backtest.js";
import { benchCancellation } from "./cancellation.js";
import { benchEngine } from "./engine.js";
import { benchGpu } from "./gpu.js";
import { benchGrowth } from "./growth.js";
import { benchIndicators } from "./indicators.js";
import { benchLabels } from "./labels.js";
import { benchLibraries } from "./libraries.js";
import { resultLines, type Bench, type Measure } from "./measure.js";
import { benchMemberships } from "./memberships.js";
import { benchOrchestration } from "./orchestration.js";
import { benchPipeline } from "./pipeline.js";
import { benchProcesses } from "./processes.js";
import { benchProgress } from "./progress.js";
import { benchSeeds } from "./seeds.js";
import { benchSleeps } from "./sleeps.js";
import { benchSmoke } from "./smoke.js";
import { writeReport } from "./report.js";

const benches: Readonly<Record<string, Bench>> = {
  engine: benchEngine,
  gpu: benchGpu,
  orchestration: benchOrchestration,
  progress: benchProgress,
  indicators: benchIndicators,
  memberships: benchMemberships,
  labels: benchLabels,
  libraries: benchLibraries,
  growth: benchGrowth,
  backtest: benchBacktest,
  processes: benchProcesses,
  pipeline: benchPipeline,
  cancellation: benchCancellation,
  seeds: benchSeeds,
  sleeps: benchSleeps,
  smoke: benchSmoke,
};

/** Names that stand for several. */
const groups: Readonly<Record<string, readonly string[]>> = {
  columns: ["indicators", "memberships", "labels", "libraries", "growth"],
};

const wrongUsage = (message: string): never => {
  console.error(
    `${message}\nUsage: npm run bench -- [--quick] [--json FILE] [--engine NAME] [${[...Object.keys(benches), ...Object.keys(groups)].join("|")}]...`,
  );
  process.exit(2);
};

function readArguments(): { quick: boolean; json: string | undefined; engine: string; names: string[] } {
  try {
    const options = {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      engine: { type: "string", default: "auto" },
    } as const;
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    const asked = [...new Set(positionals.flatMap((name) => groups[name] ?? [name]))];
    const unknown = asked.find((name) => !Object.hasOwn(benches, name));
    if (unknown !== undefined) return wrongUsage(`"${unknown}" is no benchmark.`);
    const names = asked.length === 0 ? Object.keys(benches) : asked;
    return { quick: values.quick, json: values.json, engine: values.engine, names };
  } catch (error) {
    return wrongUsage((error as Error).message);
  }
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    return (
      git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "src") === "" ? "" : " and changes")
    );
  } catch {
    return "unknown";
  }
}

const { quick, json, engine, names } = readArguments();
const lines: string[] = [];
const say = (text: string): void => {
  console.log(text);
  lines.push(text);
};
const processors = cpus();
const gib = (totalmem() / 2 ** 30).toFixed(0);
const machine = `${processors.length} × ${processors[0].model}, ${gib} GiB, Node ${process.versions.node}`;
say(`${machine}, ${process.platform}`);
if (quick)
  console.log(
    "Quick: smaller sizes and fewer repetitions than the full run; good for a look, not for figures.",
  );

const results: (Measure & { readonly bench: string })[] = [];
for (const name of names) {
  say(`\n${name}`);
  const before = performance.now();
  try {
    const found = await benches[name]({ quick, engine, note: (text) => say(`  ${text}`) });
    results.push(...found.map((result) => ({ ...result, bench: name })));
  } catch (error) {
    console.error(`  BROKEN: ${(error as Error).message}`);
    process.exitCode = 1;
  }
  say(`  (${((performance.now() - before) / 1000).toFixed(1)} s)`);
}

say(`\nresults`);
for (const line of results.length === 0 ? ["none"] : resultLines(results)) say(`  ${line}`);
const missed = results.filter(({ pass }) => pass === false).length;
const judged = results.filter(({ pass }) => pass !== null).length;
say(
  `\n${judged - missed} of ${judged} targets met, ${(performance.now() / 1000).toFixed(0)} s since the start`,
);

if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`);
if (!quick && names.length === Object.keys(benches).length && process.exitCode === undefined) {
  const origin = { machine, date: new Date().toISOString(), commit: commit() };
  const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const dated = results.map((result) => ({ ...result, ...origin }));
  writeFileSync(beside("results.json"), `${JSON.stringify(dated, null, 2)}\n`);
  writeFileSync(beside("results.txt"), `${origin.date}, commit ${origin.commit}\n${lines.join("\n")}\n`);
  await writeReport(dated);
}
