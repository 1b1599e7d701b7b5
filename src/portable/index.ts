export { barRows } from "./bar-rows.js";
export { createPortable, type OnnxCheck, type PortableSource } from "./create.js";
export { PortableModelError } from "./errors.js";
export { checkGolden, type GoldenRow } from "./golden.js";
export {
  portableLayout,
  type CrispInput,
  type PortableInput,
  type PortableLayout,
  type PortableRecipe,
} from "./inputs.js";
export { PortableFileError, readOnnxMetadata, type PortableMetadata } from "./onnx-file.js";
export { roundingTolerance } from "./rounding.js";
export { exportedFiles, portableReadme, type ReadmeSource } from "./readme.js";
