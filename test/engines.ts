import { engines, type Engine } from "../src/engines/index.js";
import { tiledWebGpuEngine } from "../src/engines/webgpu/webgpu.js";
import { describeWithComponent } from "./components.js";
import { missingGpu } from "./gpu.js";

/** A block of tests for every engine there is; skipped for those that need a component which is missing. */
export function describeEachEngine(title: string, tests: (engine: Engine) => void): void {
  for (const [name, make] of Object.entries(engines)) {
    describeWithComponent(`${name} ${title}`, name === "webgpu" ? missingGpu : null, () => tests(make(1)));
  }
  describeWithComponent(`webgpu by tiled products ${title}`, missingGpu, () => tests(tiledWebGpuEngine));
}
