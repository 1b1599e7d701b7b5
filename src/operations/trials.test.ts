import { expect, test } from "vitest";
import type { OperationRecord } from "./record.js";
import { countTrials } from "./trials.js";

const data = { symbols: ["AAPL"], from: Date.parse("2024-01-01"), to: Date.parse("2024-12-31") };
const present = { source: "model:a/1d_v1", settings: "{}" };

function record(
  id: string,
  type: string,
  metadata: object,
  status: OperationRecord["status"] = "completed",
): OperationRecord {
  const none = {
    created_at: "",
    started_at: null,
    completed_at: null,
    cancel_requested_at: null,
    error_message: null,
    error: null,
  };
  return { operation_id: id, operation_type: type, status, metadata: { ...metadata }, ...none };
}
const training = (
  id: string,
  symbols: string[] | null,
  more: object = {},
  status?: OperationRecord["status"],
) => record(id, "training", { strategy: "s", symbols, start_date: null, end_date: null, ...more }, status);
const tested = (source: string, settings: string, symbol = "AAPL") =>
  record(`op_${source}${settings}`, "backtest", {
    source,
    settings,
    symbol,
    start_date: null,
    end_date: null,
  });

const count = (
  operations: OperationRecord[],
  models: Parameters<typeof countTrials>[1] = [],
  symbolsOf = () => null as string[] | null,
) => countTrials(operations, models, data, present, symbolsOf);

test("the present back-test alone is one trial", () => {
  expect(count([])).toBe(1);
});

test("trainings on the same data count, failed and stopped ones too; those on others do not", () => {
  const runs = [
    training("1", ["AAPL"]),
    training("2", ["AAPL", "MSFT"], {}, "failed"),
    record("3", "walk_forward", { strategy: "s", symbols: ["AAPL"] }, "cancelled"),
    training("4", ["MSFT"]),
    training("5", ["AAPL"], { start_date: "2019-01-01", end_date: "2023-12-31" }),
    training("6", ["AAPL"], { start_date: "2024-12-31" }),
    record("7", "data_load", { symbols: ["AAPL"] }),
  ];
  expect(count(runs)).toBe(4);
});

test("an end date covers its whole day", () => {
  const noon = { ...data, from: Date.parse("2023-12-31T12:00Z") };
  const runs = [training("1", ["AAPL"], { end_date: "2023-12-31" }), training("2", ["AAPL"])];
  expect(countTrials(runs, [], noon, present, () => null)).toBe(2);
});

test("symbols that the command left to the strategy file are looked up; unknown ones are taken to be the same", () => {
  const runs = [training("1", null), training("2", null)];
  expect(count(runs, [], () => ["MSFT"])).toBe(1);
  expect(count(runs, [], () => ["AAPL"])).toBe(2);
  expect(count(runs, [], () => null)).toBe(2);
});

test("a stored model says what its training used, and one of another registry counts as well", () => {
  const model = (operationId: string | null, symbols: string[]) => ({
    operationId,
    symbols,
    startDate: null,
    endDate: null,
  });
  expect(count([training("1", null), training("2", ["AAPL"])], [model("1", ["MSFT"])])).toBe(1);
  expect(
    count([training("2", ["AAPL"])], [model("2", ["AAPL"]), model("far", ["AAPL"]), model(null, ["AAPL"])]),
  ).toBe(3);
});

test("a model's first back-test looks at a training that is counted; other choices count, the same again does not", () => {
  const runs = [training("1", ["AAPL"]), tested(present.source, "{}"), tested(present.source, "{}")];
  expect(count(runs)).toBe(1);
  expect(
    count([
      ...runs,
      tested(present.source, "{1}"),
      tested(present.source, "{2}"),
      tested(present.source, "{1}"),
    ]),
  ).toBe(3);
  expect(count([...runs, tested(present.source, "{1}", "MSFT")])).toBe(1);
});

test("each choice for a file of signals counts, as nothing else of it is known", () => {
  const source = "signals:a.csv:1";
  expect(count([tested(source, "1"), tested(source, "2"), tested(source, "2")])).toBe(2);
  expect(countTrials([tested(source, "1")], [], data, { source, settings: "2" }, () => null)).toBe(2);
});
