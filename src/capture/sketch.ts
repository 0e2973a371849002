/** What an UPDATE gives away about its session before it is read. Pure, and lenient: a decoder with a context follows.
 *  AS_PATH as 2-octet numbers is hardly ever valid as 4-octet ones, nor the other way round. */

import { eachAttribute } from '../bgp-js/json/walk.ts';

const HEADER = 19;
const UPDATE = 2;
const AS_PATH = 2;
const LOCAL_PREF = 5;
const AGGREGATOR = 7;
const ORIGINATOR_ID = 9;
const CLUSTER_LIST = 10;
const MP_REACH = 14;
const MP_UNREACH = 15;
const AS4_PATH = 17;
const AS4_AGGREGATOR = 18;

export interface Sketch {
  /** Width of AS numbers; undefined when nothing tells. RFC 6793 */
  readonly fourOctetAs: boolean | undefined;
  /** It has what only iBGP carries. RFC 4271 5.1.5, RFC 4456 8 */
  readonly internal: boolean;
  /** AS_PATH has a segment of a confederation. RFC 5065 3 */
  readonly confederation: boolean;
  /** familyKey of MP_REACH_NLRI and MP_UNREACH_NLRI. */
  readonly families: readonly number[];
}

const u16 = (b: Uint8Array, at: number): number => ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0);

export function sketchUpdate(b: Uint8Array): Sketch {
  let fourOctetAs: boolean | undefined;
  let internal = false;
  let confederation = false;
  const families: number[] = [];
  if (b[HEADER - 1] === UPDATE) {
    const attributes = HEADER + 2 + u16(b, HEADER) + 2;
    const end = Math.min(b.length, attributes + u16(b, attributes - 2));
    eachAttribute(b, attributes, end, ({ type, from, to }) => {
      if (type === AS_PATH) {
        const [two, four] = [isPath(b, from, to, 2), isPath(b, from, to, 4)];
        if (two !== four) fourOctetAs ??= four;
        confederation ||= to > from && (b[from] === 3 || b[from] === 4);
      } else if (type === AGGREGATOR && to - from !== 0) fourOctetAs ??= to - from === 8 ? true : undefined;
      else if (type === AS4_PATH || type === AS4_AGGREGATOR) fourOctetAs ??= false;
      else if (type === LOCAL_PREF || type === ORIGINATOR_ID || type === CLUSTER_LIST) internal = true;
      else if ((type === MP_REACH || type === MP_UNREACH) && to - from >= 3)
        families.push(u16(b, from) * 256 + (b[from + 2] as number));
    });
  }
  return { fourOctetAs, internal, confederation, families };
}

/** Whether [from, to) is segments of AS numbers of this width, none of them 0. */
function isPath(b: Uint8Array, from: number, to: number, width: 2 | 4): boolean {
  let at = from;
  while (at < to) {
    const type = b[at] as number;
    const count = b[at + 1] ?? 0;
    const next = at + 2 + count * width;
    if (type < 1 || type > 4 || count === 0 || next > to) return false;
    for (let i = at + 2; i < next; i += width)
      if (u16(b, i) === 0 && (width === 2 || u16(b, i + 2) === 0)) return false;
    at = next;
  }
  return true;
}
