import { existsSync } from "node:fs";
import { openDevice } from "../src/engines/webgpu/device.js";

/** A processor that plays a GPU, as Debian's chromium brings it. */
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";

/**
 * What to install for tests of the webgpu engine; null where it runs. They run on SwiftShader where that is installed, so that they need no
 * GPU and give the same bits everywhere; `VK_DRIVER_FILES` names another driver.
 */
export const missingGpu: string | null = (() => {
  const { env } = process;
  if (env["VK_DRIVER_FILES"] === undefined && env["VK_ICD_FILENAMES"] === undefined && existsSync(software)) {
    env["VK_DRIVER_FILES"] = software;
  }
  try {
    openDevice();
    return null;
  } catch (error) {
    const { message } = error as Error;
    return `${message.split("\n")[0]} Tests take Debian's packages chromium and libvulkan1`;
  }
})();
