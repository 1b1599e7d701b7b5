import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { runProgram } from "./program.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const example = join(root, "config/strategies/example.yaml");

let folder = "";
let wrong = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ktrdr-cli-"));
  wrong = join(folder, "wrong.yaml");
  writeFileSync(
    wrong,
    readFileSync(example, "utf8").replace("relu", "relo").replace("horizon: 10", "horizn: 10"),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

let out = "";
let err = "";
beforeEach(() => {
  out = "";
  err = "";
  vi.stubEnv("KTRDR_HOME", root);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

describe("strategies validate", () => {
  test("a valid strategy by its name: exit 0", async () => {
    expect(await runProgram(["strategies", "validate", "example"])).toBe(0);
    expect(out).toContain("is valid: strategy example, 8 inputs");
    expect(err).toBe("");
  });

  test("a wrong one: exit 1, every error with its place on stderr, nothing on stdout", async () => {
    expect(await runProgram(["strategies", "validate", wrong])).toBe(1);
    expect(out).toBe("");
    expect(err).toMatch(/^error: .*wrong\.yaml has 2 errors\n/);
    expect(err).toMatch(
      /wrong\.yaml:\d+:\d+: model\.architecture\.activation: unknown value\n.*did you mean "relu"\?/,
    );
    expect(err).toMatch(/training\.labels\.horizn: unknown key/);
    expect(err).not.toMatch(/^\s+at /m);
  });

  test("--json prints validity, errors and notices as one document", async () => {
    expect(await runProgram(["strategies", "validate", wrong, "--json"])).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      valid: false,
      errors: [
        { path: "model.architecture.activation", nearest: "relu" },
        { path: "training.labels.horizn", nearest: "horizon" },
      ],
      notices: [],
      error: { code: "STRATEGY_INVALID" },
    });
  });

  test("--json of a valid file has its notices, which stand on stderr too", async () => {
    const path = join(root, "fixtures/strategies/first-format.yaml");
    expect(await runProgram(["strategies", "validate", path, "--json"])).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      valid: true,
      errors: [],
      notices: [expect.any(String), expect.any(String)],
    });
    expect(err).toContain("label_lookahead has no effect");
  });

  test("a name that is none: exit 1 with the nearest; no name: exit 2", async () => {
    expect(await runProgram(["strategies", "validate", "exampel"])).toBe(1);
    expect(err).toContain('Did you mean "example"?');
    expect(await runProgram(["strategies", "validate"])).toBe(2);
  });
});

test("strategies show prints the inputs in the network's order", async () => {
  expect(await runProgram(["strategies", "show", "two_timeframes", "--json"])).toBe(0);
  const plan = JSON.parse(out) as { inputs: string[]; labels: object; architecture: object };
  expect(plan.inputs.slice(0, 3)).toEqual([
    "1h_rsi_14_oversold",
    "1h_rsi_14_neutral",
    "1h_rsi_14_overbought",
  ]);
  expect(plan).toMatchObject({
    base_timeframe: "1h",
    labels: { source: "zigzag", params: { threshold: 0.02 } },
    architecture: { layers: [28, 32, 16, 3] },
    training: { early_stopping: { patience: 8, min_delta: 0.0001 } },
  });
});

test("strategies show as text names what a person looks for", async () => {
  expect(await runProgram(["strategies", "show", "example"])).toBe(0);
  for (const part of [
    "AAPL",
    "triple_barrier: horizon 10",
    "8-16-8-3, relu",
    "rsi(period 14",
    "warm-up 14",
    "sma_20_near",
  ]) {
    expect(out).toContain(part);
  }
});

test("strategies list shows each file, the wrong ones too", async () => {
  expect(await runProgram(["strategies", "list", "--json"])).toBe(0);
  const entries = JSON.parse(out) as { name: string; valid: boolean }[];
  expect(entries.find(({ name }) => name === "example")).toMatchObject({
    valid: true,
    symbols: ["AAPL"],
    inputs: 8,
  });

  out = "";
  vi.stubEnv("KTRDR_HOME", folder);
  expect(await runProgram(["strategies", "list"])).toBe(0);
  expect(err).toContain("No strategy files");
});
