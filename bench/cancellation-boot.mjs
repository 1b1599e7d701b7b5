// Starts the worker from TypeScript; Node 20 cannot load a .ts worker by itself.
import { register } from "tsx/esm/api";

register();
await import("./cancellation-worker.ts");
