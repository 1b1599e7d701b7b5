/**
 * Class weights inversely proportional to class frequencies: n / (classes that occur × count), so that their mean over
 * the samples is 1 (King & Zeng 2001; scikit-learn's "balanced"). A class that never occurs has weight 1; nothing reads it.
 *
 * @param labels [n], 0..classes-1
 */
export function balancedClassWeights(labels: Uint8Array, classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) counts[labels[i]]++;
  const occurring = counts.filter((count) => count > 0).length;
  return Float32Array.from(counts, (count) => (count === 0 ? 1 : labels.length / (occurring * count)));
}
