import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startCommand } from "../../test/child.js";
import { sampleModel } from "../../test/sample-model.js";
import { temporaryFolder } from "../../test/temporary-folder.js";
import { neverCancelled } from "../core/index.js";
import { ModelStorage } from "../models/index.js";

const publication = { operationId: "op_1", token: neverCancelled };

async function ktrdr(home: string, ...args: string[]) {
  const command = startCommand(["models", ...args], { KTRDR_HOME: home });
  command.process.stdin?.end();
  const status = await command.ended;
  return { status, stdout: command.lines.join("\n"), stderr: command.errors() };
}

test("list, show and delete", async () => {
  const home = temporaryFolder();
  const storage = new ModelStorage(join(home, "models"));
  const none = await ktrdr(home, "list");
  expect([none.status, none.stdout]).toEqual([0, ""]);
  expect(none.stderr).toMatch(/No model in .* yet/);
  expect(await ktrdr(home, "list", "--json")).toEqual({ status: 0, stdout: "[]", stderr: "" });
  const metadata = {
    created_at: "2024-01-02T03:04:05.678Z",
    symbols: ["AAPL", "MSFT"],
    time_receipt: { training: 1 },
  };
  const { path } = storage.publish(sampleModel({ metadata }), publication);
  mkdirSync(join(storage.root, "broken", "1h_v1"), { recursive: true });

  const list = await ktrdr(home, "list");
  expect(list.status).toBe(0);
  expect(list.stdout).toMatch(/^model .*\nexample\/1d_v1 +50\.0 % +25\.0 % +[\d.]+ k?B +2024-01-02 03:04$/);
  expect(list.stderr).toMatch(/^warning: Model "broken\/1h_v1" is damaged: manifest\.json is missing/);
  const [entry] = JSON.parse((await ktrdr(home, "list", "--json")).stdout) as object[];
  expect(entry).toMatchObject({
    name: "example/1d_v1",
    strategy_name: "example",
    timeframe: "1d",
    version: 1,
    created_at: "2024-01-02T03:04:05.678Z",
    val_accuracy: 0.5,
    test_accuracy: 0.25,
    path,
  });

  const show = await ktrdr(home, "show", "example");
  expect(show.stdout).toMatch(/^model +example\/1d_v1$/m);
  expect(show.stdout).toMatch(/^symbols +AAPL MSFT$/m);
  expect(show.stdout).toMatch(/^ {2}Training +1000 ms$/m);
  expect(show.stdout).toMatch(/^ {2}1d_rsi_oversold\n {2}1d_rsi_overbought$/m);
  const shown = JSON.parse((await ktrdr(home, "show", "example", "--json")).stdout) as object;
  const { metrics, features } = sampleModel();
  expect(shown).toMatchObject({
    name: "example/1d_v1",
    metadata,
    metrics,
    features,
    time_receipt: { training: 1 },
  });

  const unknown = await ktrdr(home, "show", "exmaple", "--json");
  expect(unknown.status).toBe(1);
  expect(JSON.parse(unknown.stdout)).toMatchObject({
    error: { code: "MODEL_NOT_FOUND", details: { nearest: "example" } },
  });
  expect(unknown.stderr).toMatch(/^error: No model "exmaple"/);

  expect((await ktrdr(home, "show", "broken")).stderr).toMatch(/^error: Model "broken\/1h_v1" is damaged/);
  expect(await ktrdr(home, "delete", "broken")).toEqual({
    status: 0,
    stdout: "Deleted broken/1h_v1.",
    stderr: "",
  });
  const deleted = await ktrdr(home, "delete", "example", "--json");
  expect(JSON.parse(deleted.stdout)).toEqual({ deleted: "example/1d_v1" });
  expect(existsSync(path)).toBe(false);
  expect((await ktrdr(home, "delete", "example")).status).toBe(1);
});
