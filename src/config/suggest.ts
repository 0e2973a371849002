/** "Did you mean": the nearest known word. Pure. */

/** Edit distance with transposition of neighbours, given up beyond `limit`. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, (before[j - 2] ?? 0) + 1);
      row.push(d);
    }
    before = above;
    above = row;
  }
  return above[b.length] ?? limit + 1;
}

/** The known word nearest to `word`, when it is near enough to be a slip: case and dashes never count, then one edit per
 *  three letters, or a known word that begins with it. */
export function suggest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 40) return undefined;
  const plain = (w: string): string => w.toLowerCase().replace(/[-_ ]/g, '');
  const wanted = plain(word);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of known) {
    const d = distance(wanted, plain(candidate), limit);
    if (d < least) {
      least = d;
      best = candidate;
    }
  }
  return best ?? known.find((k) => wanted.length >= 2 && plain(k).startsWith(wanted));
}
