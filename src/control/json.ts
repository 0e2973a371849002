/** Views as JSON: one envelope for all. Pure. Lists are lists, enums are words, times RFC 3339 UTC, absent is omitted;
 *  additive only inside v1. */

export const API_VERSION = 'gingham.dev/v1';

interface Told {
  /** Set where several nodes were asked. */
  readonly node?: string;
  readonly view: object;
}

/** `reportedBy` and not `node`: a route's and a block's node is whose it is. */
const item = ({ node, view }: Told): object => (node === undefined ? view : { reportedBy: node, ...view });

/** `kind` is PeerList, RouteList, ...; `node` the one asked, absent where several were. */
export function toListJson(kind: string, items: readonly Told[], now: number, node?: string): string {
  const metadata = { generatedAt: new Date(now).toISOString(), ...(node !== undefined && { node }) };
  return JSON.stringify({ apiVersion: API_VERSION, kind, metadata, items: items.map(item) }, null, 2);
}

/** The same text, in pieces: items come as they are read, and a million of them are never one string. */
export function listJsonPieces(kind: string, now: number, node?: string) {
  const empty = toListJson(kind, [], now, node);
  const open = empty.slice(0, empty.lastIndexOf(']'));
  let first = true;
  return {
    items(items: readonly Told[]): string {
      let text = '';
      for (const told of items) {
        text += `${first ? `${open}\n` : ',\n'}${JSON.stringify(item(told), null, 2).replace(/^/gm, '    ')}`;
        first = false;
      }
      return text;
    },
    end: (): string => (first ? empty : '\n  ]\n}'),
  };
}

/** A single object: the view's fields stand beside the envelope's. */
export function toObjectJson(kind: string, view: object, now: number, node?: string): string {
  const metadata = { generatedAt: new Date(now).toISOString(), ...(node !== undefined && { node }) };
  return JSON.stringify({ apiVersion: API_VERSION, kind, metadata, ...view }, null, 2);
}
