import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** V8's garbage collector, to be called. @param options `type: "minor"` collects what is young only, and keeps compiled code */
export function garbageCollector(): (options?: { readonly type: "minor" }) => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as ReturnType<typeof garbageCollector>;
}
