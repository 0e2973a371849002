/** A made-up table of a million routes with the shape of the Internet's: mostly /24s, 150,000 attribute sets, few of them with
 *  many routes and most with few. The same at every run. */
import { type Ipv4, ipv4 } from '../src/base/ipv4.ts';
import type { Ipv4Attributes } from '../src/bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../src/bgp-js/attributes/attributes.ts';
import { lengthAt } from './prefix-lengths.ts';

export const ROUTES = 1_000_000;
export const SETS = 150_000;
export const NEXT_HOP: Ipv4 = ipv4(0x0a000001);

export interface Table {
  readonly addresses: Uint32Array;
  readonly lengths: Uint8Array;
  /** Which attribute set each route has. */
  readonly set: Int32Array;
  /** Encoded, 4-octet AS numbers. */
  readonly attributes: readonly Uint8Array[];
}

let state = 0x9e3779b9;
function random(): number {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 0x1_0000_0000;
}
const below = (n: number): number => Math.floor(random() * n);

function attributesOf(): Ipv4Attributes {
  const asns = Array.from({ length: 2 + below(5) }, () => 1 + below(400_000));
  return {
    origin: random() < 0.9 ? 'igp' : 'incomplete',
    asPath: [{ type: 'sequence', asns: [64_513, ...asns] }],
    nextHop: NEXT_HOP,
    ...(random() < 0.3 ? { med: below(1000) } : {}),
    ...(random() < 0.5 ? { communities: Array.from({ length: 1 + below(6) }, () => below(0x1_0000_0000)) } : {}),
  };
}

export function makeTable(): Table {
  state = 0x9e3779b9;
  const addresses = new Uint32Array(ROUTES);
  const lengths = new Uint8Array(ROUTES);
  const set = new Int32Array(ROUTES);
  for (let i = 0; i < ROUTES; i++) {
    const length = lengthAt(random());
    lengths[i] = length;
    // Different ones: what counts is the number of octets, which the length alone decides.
    addresses[i] = (Math.imul(i, 0x9e3779b1) & (-1 << (32 - length))) >>> 0;
    // A square makes a few sets large; the first SETS routes see to it that each is used.
    set[i] = i < SETS ? i : Math.floor(random() ** 3 * SETS);
  }
  const attributes = Array.from({ length: SETS }, () => encodeAttributes(attributesOf(), { fourOctetAs: true }));
  return { addresses, lengths, set, attributes };
}
