import { readFileSync, statSync } from "node:fs";
import { codeOf, messageOf } from "../core/index.js";
import { StrategyFileError } from "./issues.js";

/** A strategy is a page of text; a larger file is something else. */
const largestFile = 1 << 20;

/** The text of a strategy file. @throws StrategyFileError for whatever is no readable text of a strategy's size */
export function readText(path: string): string {
  const refuse = (message: string, allowed: string | null = null): never => {
    throw new StrategyFileError(path, path, [
      { line: null, column: null, path: "", message, found: null, allowed, nearest: null },
    ]);
  };
  let bytes: Buffer;
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) return refuse("this is a folder", "a strategy file in it");
    if (!stats.isFile() && !stats.isFIFO()) return refuse("this is no file");
    const { size } = stats;
    if (size > largestFile) {
      return refuse(`the file has ${size} bytes, which no strategy needs`, `up to ${largestFile} bytes`);
    }
    bytes = readFileSync(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return refuse("there is no such file");
    if (code === "EACCES" || code === "EPERM") return refuse("the file may not be read");
    if (error instanceof StrategyFileError || code === undefined) throw error;
    return refuse(`the file cannot be read: ${messageOf(error)}`);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (!text.includes("\0")) return text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return refuse("this is no text file", "YAML in UTF-8");
}
