import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The little of onnxruntime-node that is used here; its own types come only with its 290 MB. */
interface OnnxRuntimeModule {
  readonly Tensor: new (type: "float64", data: Float64Array, dims: readonly number[]) => unknown;
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<OnnxSession>;
  };
}

interface OnnxSession {
  run(
    feeds: Readonly<Record<string, unknown>>,
  ): Promise<Readonly<Record<string, { readonly data: Float32Array }>>>;
  release(): Promise<void>;
}

/** onnxruntime, loaded. */
export interface OnnxRuntime {
  readonly version: string;
  /** Brings a model into the runtime; throws the runtime's own errors. */
  open(bytes: Uint8Array): Promise<OpenedOnnx>;
}

/** A model inside onnxruntime. */
export interface OpenedOnnx {
  /** The model's output for inputs by name, [rows] each: float32, row-major. */
  run(inputs: Readonly<Record<string, Float64Array>>, output: string): Promise<Float32Array>;
  close(): Promise<void>;
}

const packageName = "onnxruntime-node";

/** Where `npm run setup:onnx` puts it, seen from src/ as from dist/. */
const ownFolder = fileURLToPath(
  new URL("../../optional/onnx/node_modules/onnxruntime-node", import.meta.url),
);

/** What to type where onnxruntime is missing. */
export const howToInstall = `npm run setup:onnx (in a copy of the project), or npm install --ignore-scripts ${packageName}`;

/**
 * onnxruntime where it is installed, beside this package or by `npm run setup:onnx`; null where it is not. Loading takes
 * some 15 ms.
 *
 * @throws Error where it is installed and does not load, such as on a platform that it was not built for
 */
export function findOnnxRuntime(): OnnxRuntime | null {
  const find = createRequire(import.meta.url);
  let path = ownFolder;
  try {
    path = find.resolve(packageName);
  } catch {
    if (!existsSync(ownFolder)) return null;
  }
  const { InferenceSession, Tensor } = find(path) as OnnxRuntimeModule;
  const { version } = createRequire(path)(`${packageName}/package.json`) as { version: string };
  return {
    version,
    async open(bytes) {
      // One thread: with its default of one per core it starts and stops them for a few rows. Errors only, on its log.
      const options = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 };
      const session = await InferenceSession.create(bytes, options);
      return {
        async run(inputs, output) {
          const feeds = Object.fromEntries(
            Object.entries(inputs).map(([name, column]) => [
              name,
              new Tensor("float64", column, [column.length, 1]),
            ]),
          );
          return (await session.run(feeds))[output].data;
        },
        close: () => session.release(),
      };
    },
  };
}
