import { expect, test, vi } from "vitest";
import { hashSamples, inOrder, smallSpec } from "../../../test/networks.js";
import { startHelper } from "./helpers.js";
import { wasmEngine } from "./wasm.js";

// Starting all of them would take seconds; what they do together is tested in wasm.test.ts.
vi.mock("./helpers.js", () => ({ startHelper: vi.fn(() => ({ terminate: () => undefined })) }));

test("a network on a machine of 128 cores starts as many helpers as its kernel can count", () => {
  const network = wasmEngine(128).createNetwork(smallSpec({ inputs: 100, hidden: [100] }), 1);
  network.startEpoch(network.load(hashSamples(1000, 100)), inOrder(1000), 1000);
  expect(startHelper).toHaveBeenCalledTimes(63);
  network.dispose();
});
