/**
 * How often a kill, cancel or random test repeats: `KTRDR_ROUNDS`, or `small` where it is not set; at least 1, at most
 * `full`, the count that `npm run test:soak` runs.
 */
export function rounds(full: number, small = 5): number {
  const asked = Number(process.env["KTRDR_ROUNDS"] ?? small);
  if (!Number.isInteger(asked) || asked < 1)
    throw new Error(`KTRDR_ROUNDS is "${process.env["KTRDR_ROUNDS"]}", not a count above 0`);
  return Math.max(1, Math.min(asked, full));
}
