import { importBuilt } from "./built.js";
import { training } from "./engine.js";
import { measured, type Bench, type Measure } from "./measure.js";
import { startPyTorchOnGpu } from "./pytorch.js";
import { interleave, median, spread, type Variant } from "./timing.js";
import { w1, w2, w3 } from "./workloads.js";

/**
 * Trainings on this machine's GPU, beside PyTorch on the same one: eager, and with a step captured as a CUDA graph. Without a hardware GPU nothing
 * is timed, unless `--engine webgpu` asks for whatever device there is.
 */
export const benchGpu: Bench = async ({ quick, engine: asked, note }) => {
  const built = await importBuilt();
  const { deviceManager, isTrainable, findEngine } = built;
  const { devices, hint } = await deviceManager.list();
  const device = devices.find(isTrainable);
  if (device === undefined || (device.type === "software" && asked !== "webgpu")) {
    const found = device === undefined ? (hint ?? "") : `Only ${device.name} is there, a software device.`;
    note(`No hardware GPU that the webgpu engine reaches: nothing is timed. ${found}`);
    return [];
  }
  note(`${device.name}${device.type === "software" ? ", a software device and no GPU" : ""}`);
  const pytorch = device.type === "software" ? null : await startPyTorchOnGpu();
  note(
    pytorch === null ? "PyTorch on this device: not found, so not compared" : `PyTorch ${pytorch.version}`,
  );
  const engine = findEngine("webgpu");
  const results: Measure[] = [];
  try {
    for (const whole of [w1, w2, w3]) {
      const workload = quick && whole.epochs === 1 ? { ...whole, rows: whole.rows / 20 } : whole;
      const epochs = quick && whole.epochs > 1 ? Math.ceil(whole.epochs / 50) : whole.epochs;
      const variants: Record<string, Variant> = { webgpu: training(built, engine, workload, epochs) };
      if (pytorch !== null) {
        variants["PyTorch eager"] = () => pytorch.time("eager", workload, epochs);
        variants["PyTorch graphs"] = () => pytorch.time("graphs", workload, epochs);
      }
      const times = await interleave(variants, quick ? 2 : 9);
      for (const [name, ms] of Object.entries(times)) note(`${workload.name} ${name}: ${spread(ms)} ms`);
      for (const name of ["PyTorch eager", "PyTorch graphs"]) {
        const ratio = times[name] === undefined ? null : median(times[name]) / median(times["webgpu"]);
        results.push(measured(`${workload.name} on ${device.name}, against ${name} there`, ratio, "x"));
      }
    }
  } finally {
    pytorch?.close();
  }
  note("256 networks of W1 at once: not timed, as networks do not share submissions yet");
  return results;
};
