const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i;

/** True for an address that only this machine reaches. */
export function isLoopback(address: string): boolean {
  return loopback.test(address);
}
