import { KnownError } from "../../core/index.js";

/** Why a whole file, as opposed to one of its rows, cannot be read. */
export type BarsFileProblem =
  "FILE_UNREADABLE" | "NOT_A_BARS_FILE" | "TIMEFRAME_MISMATCH" | "DATES_CONTRADICT";

/** A file that holds no bars, or not those that it is said to hold; says what it holds. */
export class BarsFileError extends KnownError {
  readonly code: BarsFileProblem;
  readonly file: string;

  constructor(code: BarsFileProblem, file: string, reason: string, cause?: unknown) {
    super(`"${file}" ${reason}`);
    this.code = code;
    this.file = file;
    this.cause = cause;
  }
}

/** Something that a file leaves open and a flag can tell. */
export interface MissingOption {
  /** As it is typed: `--timezone Area/City`. */
  readonly flag: string;
  /** What the file shows, with row and value where there are any. */
  readonly why: string;
}

/** A file that can be read once more is known about it; lists every missing flag at once. */
export class ImportOptionsNeededError extends KnownError {
  readonly code = "IMPORT_OPTIONS_NEEDED";
  readonly file: string;
  readonly needed: readonly MissingOption[];

  constructor(file: string, needed: readonly MissingOption[]) {
    const list = needed.map(({ flag, why }) => `\n  ${flag}: ${why}`).join("");
    super(`"${file}" does not tell enough to be read right; add${list}`);
    this.file = file;
    this.needed = needed;
  }
}
