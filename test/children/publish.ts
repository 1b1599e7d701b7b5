// A process that publishes models: <folder of models> <how many> <name of its operations>. It starts on a line on stdin
// and prints each model's name.
import { once } from "node:events";
import { neverCancelled } from "../../src/core/index.js";
import { ModelStorage } from "../../src/models/index.js";
import { sampleModel } from "../sample-model.js";

const [root, count, name] = process.argv.slice(2);
const storage = new ModelStorage(root);
process.stdout.write("ready\n");
await once(process.stdin, "data");
for (let i = 0; i < Number(count); i++) {
  const operationId = `${name}_${i}`;
  process.stdout.write(
    `${storage.publish(sampleModel({}, i), { operationId, token: neverCancelled }).name}\n`,
  );
}
process.stdin.destroy();
