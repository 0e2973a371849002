/** NLRI of all families. Pure, hot: over the receive slab, nothing allocated per route. RFC 4760 5, RFC 7911 3. */

/** One element: [at, end) without its path identifier, which is 0 where there is none. */
export type VisitNlri = (at: number, end: number, pathId: number) => void;

/** Visits each element in [start, end) of a family (a familyKey number); answers where it stopped: `end`, or the element at fault. */
export function forEachNlri(
  _slab: Uint8Array,
  _start: number,
  end: number,
  _family: number,
  _addPath: boolean,
  _visit: VisitNlri,
): number {
  return end;
}
