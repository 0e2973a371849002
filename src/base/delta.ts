/** Desired against actual. Pure. The two sides are keyed alike; `same` decides whether a kept key needs a rewrite. */

export interface Delta<K, V> {
  readonly add: ReadonlyMap<K, V>;
  readonly change: ReadonlyMap<K, { readonly from: V; readonly to: V }>;
  readonly remove: ReadonlyMap<K, V>;
}

export function delta<K, V>(
  desired: ReadonlyMap<K, V>,
  actual: ReadonlyMap<K, V>,
  same: (a: V, b: V) => boolean,
): Delta<K, V> {
  const add = new Map<K, V>();
  const change = new Map<K, { from: V; to: V }>();
  const remove = new Map<K, V>();
  for (const [key, to] of desired) {
    const from = actual.get(key);
    if (from === undefined) add.set(key, to);
    else if (!same(from, to)) change.set(key, { from, to });
  }
  for (const [key, value] of actual) if (!desired.has(key)) remove.set(key, value);
  return { add, change, remove };
}
