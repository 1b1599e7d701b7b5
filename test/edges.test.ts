import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BarStore } from "../src/index.js";
import { makeBars } from "./bars.js";
import { runCommand, startCommand, type CommandResult } from "./command.js";
import { runHere } from "./in-process.js";
import { strategyText } from "./journey-strategies.js";
import { temporaryFolder } from "./temporary-folder.js";

async function homeWith(strategy: string): Promise<string> {
  const home = temporaryFolder();
  mkdirSync(join(home, "config", "strategies"), { recursive: true });
  writeFileSync(join(home, "config", "strategies", "journey.yaml"), strategy);
  await new BarStore(join(home, "data")).save(makeBars());
  return home;
}

const model = (training: string): string => `
  architecture: { hidden_layers: [8] }
  training: { ${training} }`;

interface Trained {
  notices: string[];
  training_metrics: Record<string, number | string | null>;
  test_metrics: { per_class: Record<string, Record<string, number | null>>; confusion_matrix: number[][] };
  data_summary: { label_distribution: Record<string, number> };
}

async function train(strategy: string): Promise<Trained> {
  const home = await homeWith(strategy);
  const { status, out, err } = await runHere(home, ["models", "train", "--strategy", "journey", "--json"]);
  expect(status, err).toBe(0);
  expect(out).not.toMatch(/NaN|Infinity/);
  return JSON.parse(out) as Trained;
}

describe("what is unusual and right", () => {
  test("a class that never occurs: the model trains, and a notice says so", async () => {
    // A horizon beyond every swing of 600 bars: one of the barriers is always reached, HOLD never is.
    const never = `
  labels: { source: triple_barrier, horizon: 300, target: 1, stop: 1, atr_period: 14 }`;
    const { notices, data_summary, test_metrics } = await train(strategyText({ training: never }));
    expect(data_summary.label_distribution["HOLD"]).toBe(0);
    expect(test_metrics.per_class["HOLD"]["support"]).toBe(0);
    expect(test_metrics.confusion_matrix[1]).toEqual([0, 0, 0]);
    expect(notices).toContainEqual(expect.stringContaining("No training sample is HOLD"));
  });

  test("no validation part: the last epoch is saved, and nothing is called best", async () => {
    const none = `
  labels: { source: forward_return, horizon: 3, threshold: 0.01 }
  data_split: { train: 0.8, validation: 0, test: 0.2 }`;
    const { training_metrics } = await train(strategyText({ training: none }));
    expect(training_metrics).toMatchObject({
      selected_by: "last_epoch",
      best_val_loss: null,
      final_val_loss: null,
      epochs_trained: 5,
    });
  });

  test("a batch larger than all samples, and a single epoch", async () => {
    const { training_metrics } = await train(strategyText({ model: model("epochs: 1, batch_size: 100000") }));
    expect(training_metrics).toMatchObject({ epochs_trained: 1, best_epoch: 1 });
  });

  test("a short range of dates: every bar of it is a sample or counted as dropped", async () => {
    const home = await homeWith(strategyText());
    const argv = ["models", "train", "--strategy", "journey", "--json"];
    const dates = ["--start-date", "2020-06-01", "--end-date", "2020-09-15"];
    const { status, out, err } = await runHere(home, [...argv, ...dates]);
    expect(status, err).toBe(0);
    const { per_symbol } = (JSON.parse(out) as { data_summary: { per_symbol: Record<string, Counts> } })
      .data_summary;
    const { bars, train: first, validation, test: last, dropped } = per_symbol["SYN1"];
    expect(bars).toBe(107);
    expect(first + validation + last + Object.values(dropped).reduce((a, b) => a + b)).toBe(107);
  });
});

interface Counts {
  bars: number;
  train: number;
  validation: number;
  test: number;
  dropped: Record<string, number>;
}

describe("stopping a run", { timeout: 60_000 }, () => {
  const long = strategyText({ model: model("epochs: 100000") });

  /** Starts a run that would last for minutes, and waits until it trains; what to do then, and how it ended. */
  async function stopWhileTraining(
    stop: (run: { home: string; id: string; kill: () => void }) => Promise<void> | void,
  ) {
    const home = await homeWith(long);
    const run = startCommand(home, ["models", "train", "--strategy", "journey"]);
    await new Promise<void>((resolve, reject) => {
      run.child.stderr?.on("data", () => /^Epoch \d/m.test(run.stderr()) && resolve());
      run.child.on("close", () => reject(new Error(`It ended early.\n${run.stderr()}`)));
    });
    const id = /^Operation (\S+)/.exec(run.stderr())?.[1] ?? "";
    await stop({ home, id, kill: () => run.child.kill("SIGINT") });
    return { home, id, result: await run.done };
  }

  const stateOf = async (home: string, id: string): Promise<unknown> =>
    (JSON.parse((await runCommand(home, ["operations", "show", id, "--json"])).stdout) as { status: string })
      .status;

  function expectNothingLeft(home: string, { stdout, stderr }: CommandResult): void {
    expect(stdout).toBe("");
    expect(stderr).not.toMatch(/\n +at |bug in ktrdr/);
    const models = join(home, "models");
    expect(existsSync(models) ? readdirSync(models, { recursive: true }) : []).toEqual([]);
  }

  test("Ctrl-C ends it as cancelled, with exit status 130", async () => {
    const { home, id, result } = await stopWhileTraining(({ kill }) => kill());
    expect([result.status, result.signal]).toEqual([130, null]);
    expect(result.stderr).toMatch(
      /Stopping\. Press Ctrl-C again to stop at once\.\n[^]*Cancelled: no model was saved/,
    );
    expectNothingLeft(home, result);
    expect(await stateOf(home, id)).toBe("cancelled");
  });

  test("a second Ctrl-C ends it at once, with the same status", async () => {
    const { home, id, result } = await stopWhileTraining(({ kill }) => {
      kill();
      kill();
    });
    expect([result.status, result.signal]).toEqual([130, null]);
    expectNothingLeft(home, result);
    expect(["cancelled", "failed"]).toContain(await stateOf(home, id));
  });

  test("`operations cancel` in another process: exit status 0 there, 130 here", async () => {
    let cancel: CommandResult | undefined;
    const { home, id, result } = await stopWhileTraining(async (run) => {
      cancel = await runCommand(run.home, ["operations", "cancel", run.id, "--json"]);
    });
    expect(cancel?.status, cancel?.stderr).toBe(0);
    expect(JSON.parse(cancel?.stdout ?? "")).toMatchObject({ operation_id: id, status: "cancelled" });
    expect([result.status, result.signal]).toEqual([130, null]);
    expectNothingLeft(home, result);
    const again = await runCommand(home, ["operations", "cancel", id]);
    expect([again.status, again.stderr.startsWith(`error: Operation ${id} is over: cancelled`)]).toEqual([
      1,
      true,
    ]);
  });
});
