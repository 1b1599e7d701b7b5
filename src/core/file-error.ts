import { codeOf, KnownError } from "./errors.js";

const problems: Record<string, string> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOTDIR: "there is a file where a folder is needed",
  EEXIST: "there is a file where a folder is needed",
  EISDIR: "there is a folder where a file is needed",
  ENAMETOOLONG: "the path is too long",
  ELOOP: "its links lead in a circle",
  EMFILE: "too many files are open",
  EIO: "the disk reports an input/output error",
};

/** What a system error says that a user can mend, such as "permission denied (EACCES)"; undefined for other errors. */
export function fileProblem(error: unknown): string | undefined {
  const code = codeOf(error) ?? "";
  return Object.hasOwn(problems, code) ? `${problems[code]} (${code})` : undefined;
}

/** A file or folder that cannot be used as it is: no permission, read-only, a file in place of a folder. */
export class FileError extends KnownError {
  readonly code = "FILE_UNUSABLE";
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`"${path}" cannot be used: ${problem}. Mend that, or name another place.`);
    this.path = path;
    this.cause = cause;
  }
}

/** System errors about a path as `FileError`; every other value as it is. */
export function asFileError(error: unknown): unknown {
  const problem = fileProblem(error);
  const path = (error as { path?: unknown } | null)?.path;
  return problem === undefined || typeof path !== "string" ? error : new FileError(path, problem, error);
}
