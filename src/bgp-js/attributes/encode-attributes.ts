/** Path attributes, values -> bytes. Pure. RFC 4271 4.3 and 5; each attribute is its row in attribute-table.ts. */
import { Writer } from '../../base/bytes.ts';
import { FLAG_EXTENDED, FLAG_OPTIONAL, FLAG_PARTIAL, FLAG_TRANSITIVE } from './attribute-row.ts';
import { ATTRIBUTES } from './attribute-table.ts';
import type { PathAttributes, RawAttribute } from './attribute-types.ts';

const FLAG_KIND = FLAG_OPTIONAL | FLAG_TRANSITIVE;

/** Encoding runs to its end before another begins, so one does. */
const SCRATCH = new Writer(512);
const NONE: readonly RawAttribute[] = [];

/** The attributes as on the wire, in ascending order of type (RFC 4271 5), but MP_REACH_NLRI, which the packers write. Which of
 *  them a peer may see is the caller's: what is there is written. A 2-octet peer gets AS_TRANS, and AS4_PATH and
 *  AS4_AGGREGATOR beside it. RFC 6793 4.2.2 */
export function encodeAttributes(attributes: PathAttributes, params: { readonly fourOctetAs: boolean }): Uint8Array {
  const w = SCRATCH;
  w.length = 0;
  const unknown = attributes.unknown === undefined ? NONE : [...attributes.unknown].sort((a, b) => a.type - b.type);
  let next = 0;
  const unknownBelow = (type: number): void => {
    for (let raw = unknown[next]; raw !== undefined && raw.type < type; raw = unknown[++next])
      writeAttribute(w, raw.flags | FLAG_PARTIAL, raw.type, raw.value);
  };
  for (const row of ATTRIBUTES) {
    const value = row.toWire(attributes, params.fourOctetAs);
    if (value === undefined) continue;
    unknownBelow(row.type);
    const partial = row.flags === FLAG_KIND && attributes.partial?.includes(row.type) === true;
    const flags = partial ? row.flags | FLAG_PARTIAL : row.flags;
    const at = w.length;
    w.u8(flags);
    w.u8(row.type);
    w.u8(0);
    row.encode(w, value, params.fourOctetAs);
    const length = w.length - at - 3;
    if (length <= 255) {
      w.u8At(at + 2, length);
      continue;
    }
    const long = w.view().slice(at + 3);
    w.length = at;
    writeAttribute(w, flags, row.type, long);
  }
  unknownBelow(256);
  return w.copy();
}

function writeAttribute(w: Writer, flags: number, type: number, value: Uint8Array): void {
  const long = value.length > 255;
  w.u8(long ? flags | FLAG_EXTENDED : flags & ~FLAG_EXTENDED);
  w.u8(type);
  if (long) w.u16(value.length);
  else w.u8(value.length);
  w.bytes(value);
}
