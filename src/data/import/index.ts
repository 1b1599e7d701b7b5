export * from "./errors.js";
export { readBarsFile, readBarsText, type ImportedFile, type ImportOptions } from "./import-bars.js";
export type { RefusedRow, RepairedRow } from "./raw-rows.js";
