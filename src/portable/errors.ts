import { KnownError } from "../core/index.js";

/** The ONNX file of a model does not do what the model does; nothing was saved. */
export class PortableModelError extends KnownError {
  readonly code = "PORTABLE_MODEL_DIFFERS";
  readonly problem: string;

  constructor(runtime: string, problem: string, cause?: unknown) {
    super(
      `The model was not saved: ${runtime} says otherwise than ktrdr about its ONNX file: ${problem}. Please report this with ` +
        `the strategy file. Without ${runtime.split(" ")[0]} installed the file is saved unchecked.`,
    );
    this.problem = problem;
    this.cause = cause;
  }
}
