import type { CancellationToken } from "../core/index.js";
import {
  parameterCount,
  type Engine,
  type Network,
  type NetworkSpec,
  type Weights,
} from "../engines/index.js";
import type { Architecture, TrainingOptions } from "./schema.js";

/** BUY, HOLD, SELL. */
const outputs = 3;

/**
 * The network that turns membership degrees into three logits (BUY, HOLD, SELL): per hidden layer linear, activation,
 * dropout; then linear. It sees features only: no symbol, no time.
 */
export class MLPTradingModel {
  readonly inputs: number;
  readonly architecture: Architecture;
  /** Null until the model is trained. */
  readonly weights: Weights | null;

  constructor(inputs: number, architecture: Architecture, weights: Weights | null = null) {
    this.inputs = inputs;
    this.architecture = architecture;
    this.weights = weights;
  }

  /** Number of weights and biases. */
  get parameterCount(): number {
    return parameterCount({ inputs: this.inputs, hidden: this.architecture.hidden, outputs });
  }

  /** The layers in one line: `12-[32,16]-3 relu, dropout 0.2`. */
  get description(): string {
    const { hidden, activation, dropout } = this.architecture;
    return `${this.inputs}-[${hidden.join(",")}]-${outputs} ${activation}, dropout ${dropout}`;
  }

  /** The same model with other weights. */
  withWeights(weights: Weights): MLPTradingModel {
    return new MLPTradingModel(this.inputs, this.architecture, weights);
  }

  /**
   * A fresh network to be trained, initialised from the options' seed.
   *
   * @param classWeights [3] or null
   * @throws CancelledError
   */
  createNetwork(
    engine: Engine,
    options: TrainingOptions,
    classWeights: Float32Array | null,
    token?: CancellationToken,
  ): Network {
    return engine.createNetwork(this.trainingSpec(options, classWeights), options.seed, token);
  }

  /** What fixes a training's arithmetic besides seed and data. @param classWeights [3] or null */
  trainingSpec(options: TrainingOptions, classWeights: Float32Array | null): NetworkSpec {
    const { optimizer, loss, gradientClip } = options;
    return { ...this.#shape(), optimizer, loss, gradientClip, classWeights };
  }

  /**
   * The trained network, to evaluate and predict; dispose of it afterwards.
   *
   * @throws WeightShapesError when the weights are those of another network
   * @throws CancelledError
   */
  open(engine: Engine, token?: CancellationToken): Network {
    if (this.weights === null) throw new Error("a model without weights cannot be opened");
    const network = engine.createNetwork(
      {
        ...this.#shape(),
        optimizer: { type: "sgd", weightDecay: 0, momentum: 0 },
        loss: { type: "cross_entropy" },
        gradientClip: 0,
        classWeights: null,
      },
      0,
      token,
    );
    network.importWeights(this.weights, token);
    return network;
  }

  #shape(): Pick<NetworkSpec, "inputs" | "hidden" | "outputs" | "activation" | "dropout"> {
    const { hidden, activation, dropout } = this.architecture;
    return { inputs: this.inputs, hidden, outputs, activation, dropout };
  }
}
