import { asksBackend } from "./api.js";
import { withCommonOptions, type RegisterCommands } from "./command.js";
import { formatOf, printData, printJson, type CommonOptions } from "./io.js";
import type { Device } from "../engines/index.js";

/** `ktrdr devices`. */
export const registerDevicesCommand: RegisterCommands = (program) => {
  asksBackend(withCommonOptions(program.command("devices")))
    .description("List what networks can be trained on: processors and GPUs, and which engine uses each.")
    .action(listDevices);
};

const kinds: Readonly<Record<Device["type"], string>> = {
  discrete: "GPU with memory of its own",
  integrated: "GPU that shares the processor's memory",
  gpu: "GPU",
  software: "software device, no GPU",
  processor: "processor",
};

async function listDevices(options: CommonOptions): Promise<void> {
  const { deviceManager } = await import("../engines/index.js");
  const { devices, hint } = await deviceManager.list();
  if (formatOf(options) === "json") {
    printJson({ devices: devices.map(toJson), hint });
    return;
  }
  for (const device of devices) printData(lineOf(device));
  if (hint !== null) printData(`\n${hint}`);
}

function toJson({ name, vendor, type, memoryMb, cores, limits, engines }: Device): object {
  return { name, vendor, type, memory_mb: memoryMb, cores, limits, engines };
}

function lineOf({ name, type, memoryMb, cores, limits, engines }: Device): string {
  const facts = [
    kinds[type],
    ...(cores === null ? [] : [`${cores} cores`]),
    ...(memoryMb === null ? [] : [`${memoryMb} MiB`]),
    ...(limits === null ? [] : [`buffers up to ${Math.floor(limits.maxBufferSize / 2 ** 20)} MiB`]),
    engines.length === 0 ? "no engine uses it" : `engine ${engines.join(", ")}`,
  ];
  return `${name}: ${facts.join("; ")}`;
}
