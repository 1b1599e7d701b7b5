import { KnownError } from "../core/index.js";

/** No model of this name is stored. */
export class ModelNotFoundError extends KnownError {
  readonly code = "MODEL_NOT_FOUND";
  readonly model: string;
  /** The stored name most like the one that was asked for. */
  readonly nearest: string | null;

  constructor(model: string, root: string, nearest: string | undefined, stored: number) {
    const hint =
      stored === 0
        ? "No model is stored there yet: `ktrdr models train` makes one."
        : `${nearest === undefined ? "" : `The nearest is "${nearest}". `}\`ktrdr models list\` shows all ${stored}.`;
    super(
      `No model "${model}" in "${root}". A model is named <strategy>/<timeframe>_v<N>, or <strategy> for its newest version. ${hint}`,
    );
    this.model = model;
    this.nearest = nearest ?? null;
  }
}

/** A model's folder does not hold what was published: changed, incomplete, or not made by this software. */
export class ModelDamagedError extends KnownError {
  readonly code = "MODEL_DAMAGED";
  readonly model: string;
  readonly path: string;
  readonly problem: string;

  constructor(model: string, path: string, problem: string) {
    super(
      `Model "${model}" is damaged: ${problem}. Restore the folder "${path}" from a copy, or remove it with ` +
        `\`ktrdr models delete ${model}\` and train again.`,
    );
    this.model = model;
    this.path = path;
    this.problem = problem;
  }
}

/** Weights that no model may have; nothing was saved. */
export class UnusableWeightsError extends KnownError {
  readonly code = "UNUSABLE_WEIGHTS";
  readonly tensor: string;
  readonly index: number;

  constructor(tensor: string, index: number, value: number) {
    super(
      `The model was not saved: ${tensor}[${index}] is ${value}. Training diverged; use a lower learning rate or gradient clipping.`,
    );
    this.tensor = tensor;
    this.index = index;
  }
}

/** A strategy name that cannot name a folder. */
export class StrategyNameError extends KnownError {
  readonly code = "STRATEGY_NAME";
  readonly strategy: string;

  constructor(strategy: string) {
    super(
      `Strategy name "${strategy}" cannot name a folder of models. Allowed: up to 100 letters (a-z, A-Z), digits, "_", "-" ` +
        `and ".", with no "." at either end.`,
    );
    this.strategy = strategy;
  }
}

/** The folder of models cannot be used as it is: no permission, read-only, a file in its place, a link in it. */
export class ModelsFolderError extends KnownError {
  readonly code = "MODELS_FOLDER";
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`"${path}" cannot be used: ${problem}. Mend that, or name another folder with --models-dir.`);
    this.path = path;
    this.cause = cause;
  }
}
