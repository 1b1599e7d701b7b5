/**
 * The rounds 0..count-1 of a test, some at a time: most of a round with processes is waiting for them.
 *
 * @param lanes rounds at once; each lane takes the next number when it is done with the last
 */
export async function inLanes(
  lanes: number,
  count: number,
  lane: (rounds: Iterable<number>) => Promise<void>,
): Promise<void> {
  const numbers = Array.from({ length: count }, (_, k) => k).values();
  await Promise.all(Array.from({ length: Math.min(lanes, count) }, () => lane(numbers)));
}
