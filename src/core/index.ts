export * from "./atomic-file.js";
export * from "./cancellation.js";
export * from "./errors.js";
export * from "./hash.js";
export * from "./math.js";
export * from "./progress.js";
export * from "./random.js";
export * from "./text.js";
