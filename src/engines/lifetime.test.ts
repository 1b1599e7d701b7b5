import { expect, test } from "vitest";
import { describeEachEngine } from "../../test/engines.js";
import { hashSamples, inOrder, smallSpec } from "../../test/networks.js";
import { CancelledError, neverCancelled } from "../core/index.js";

describeEachEngine("engine", (engine) => {
  test("a network that was disposed of refuses all further use", () => {
    const network = engine.createNetwork(smallSpec(), 1);
    const samples = hashSamples(10, network.spec.inputs);
    const loaded = network.load(samples);
    network.startEpoch(loaded, inOrder(10), 5);
    network.dispose();
    network.dispose();
    for (const use of [
      () => network.load(samples),
      () => network.startEpoch(loaded, inOrder(10), 5),
      () => network.trainBatches(1, 0.1, neverCancelled),
      () => network.evaluate(loaded, neverCancelled),
      () => network.predict(samples.features, 10, neverCancelled),
      () => network.exportWeights(),
      () => network.keepWeights(),
      () => network.keptWeights(),
      () => network.importWeights([]),
    ]) {
      expect(use).toThrow(/disposed of: create another one/);
    }
  });

  test("a stop is seen while the weights of a large network are drawn and copied", () => {
    const large = smallSpec({ inputs: 200, hidden: [300, 200] });
    let looks = 0;
    const counting = (last: number) => ({
      get isCancelled() {
        return ++looks > last;
      },
    });
    engine.createNetwork(large, 1, counting(Infinity));
    expect(looks, "one in 8192 weights at least").toBeGreaterThan(120_000 / 8192);
    const all = looks;
    for (const last of [0, Math.floor(all / 2), all - 1]) {
      looks = 0;
      expect(() => engine.createNetwork(large, 1, counting(last))).toThrow(CancelledError);
    }
  });
});
