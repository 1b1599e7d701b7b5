// Starts the worker from TypeScript sources in development; Node 20 cannot load a .ts worker by itself. Not compiled into the package.
import { register } from "tsx/esm/api";

register();
await import("./task-worker.ts");
