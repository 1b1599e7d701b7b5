import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { chooseEngine, DeviceManager, isTrainable } from "../src/engines/index.js";
import { builtCommand, checkBuilt } from "./built.js";
import { describeWithComponent } from "./components.js";
import { missingGpu } from "./gpu.js";

/** What the command prints, as data. */
async function devicesCommand(): Promise<{
  devices: { type: string; name: string; engines: string[] }[];
  hint: unknown;
}> {
  checkBuilt();
  const { stdout } = await promisify(execFile)(process.execPath, [builtCommand, "devices", "--json"]);
  return JSON.parse(stdout) as Awaited<ReturnType<typeof devicesCommand>>;
}

test("the processor is always listed first, with its cores and engines", async () => {
  const { devices } = await devicesCommand();
  expect(devices[0]).toMatchObject({ type: "processor", cores: expect.any(Number) as number });
  expect(devices[0].engines).toContain("wasm");
});

test("auto takes wasm for a small network and asks no driver", () => {
  const { engine, reason } = chooseEngine("auto", 1, { parameters: 1000, batchSize: 32 });
  expect(engine.name).toBe("wasm");
  expect(reason).toMatch(/small|not? .*installed/);
});

describeWithComponent("on a software device", missingGpu, () => {
  test("it is listed with its limits and its engine, and is no GPU", async () => {
    const { devices, hint } = await devicesCommand();
    expect(hint).toBeNull();
    expect(devices[1]).toMatchObject({
      type: "software",
      engines: ["webgpu"],
      limits: { maxComputeInvocationsPerWorkgroup: expect.any(Number) as number },
    });
    const manager = new DeviceManager();
    expect((await manager.gpus()).filter(isTrainable)).toEqual([]);
  });

  test("auto never takes it; asked for, it is used and said to be no GPU", () => {
    const work = { parameters: 300_000, batchSize: 1024 };
    expect(chooseEngine("auto", 1, work)).toMatchObject({
      engine: { name: "wasm" },
      reason: expect.stringContaining("no GPU") as string,
    });
    const small = { parameters: 1000, batchSize: 32 };
    expect(chooseEngine("auto", 1, small).reason).toContain("small");
    expect(chooseEngine("auto", 1, { ...small, networks: 2000 }).reason, "2000 of them are much").toContain(
      "no GPU",
    );
    const { engine, reason } = chooseEngine("webgpu", 1, work);
    expect(engine.device).toMatchObject({ type: "cpu" });
    expect(reason).toMatch(/^asked for; .* is a software device and no GPU$/);
  });
});
