/**
 * The known name that was probably meant.
 *
 * @module
 */

/**
 * Returns the one of `names` nearest to `word`: the shortest that begins with it, else the one with the
 * fewest edits, at most two or a third of the word's letters. `undefined` when none is near.
 */
export async function nearest(word: string, names: readonly string[]): Promise<string | undefined> {
  const wanted = word.toLowerCase();
  if (wanted.length < 2) return undefined;
  const [shortest] = names.filter((name) => name.startsWith(wanted)).sort((a, b) => a.length - b.length);
  if (shortest !== undefined) return shortest;
  // Loaded here because only mistakes need it.
  const { levenshteinDistance } = await import("@std/text/levenshtein-distance");
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const name of names) {
    const edits = levenshteinDistance(wanted, name);
    if (edits < fewest && edits < wanted.length) [best, fewest] = [name, edits];
  }
  return best;
}
