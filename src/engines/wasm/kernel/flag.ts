/** The stop flag of a control block (src/core/control-block.ts), for kernels to call without leaving WebAssembly. */
export function isStopped(): i32 {
  return atomic.load<i32>(0);
}
