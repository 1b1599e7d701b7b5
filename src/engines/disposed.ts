import type { Network } from "./engine.js";

/**
 * Makes every later use of a network that was disposed of fail clearly, rather than compute on memory that another one may own. The methods themselves
 * are replaced, so that a network in use asks nothing.
 */
export function refuseFurtherUse(network: Network): void {
  const methods: Record<Exclude<keyof Network, "spec" | "dispose">, true> = {
    load: true,
    startEpoch: true,
    trainBatches: true,
    evaluate: true,
    predict: true,
    exportWeights: true,
    keepWeights: true,
    keptWeights: true,
    importWeights: true,
  };
  for (const name of Object.keys(methods)) {
    const value = (): never => {
      throw new Error(`${name} on a network that was disposed of: create another one`);
    };
    Object.defineProperty(network, name, { value, configurable: true });
  }
}
