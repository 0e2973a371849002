/** What an UPDATE gives away about its session before it is read. Pure, and lenient: a decoder with a context follows.
 *  AS_PATH as 2-octet numbers is hardly ever valid as 4-octet ones, nor the other way round; a path identifier, mostly a
 *  small number, is hardly ever a few prefixes. */

import { MP_REACH, MP_UNREACH, mpFamily, reachNlriStart, unreachNlriStart } from '../bgp-js/attributes/mp-reach.ts';
import { eachAttribute, updateParts } from '../bgp-js/json/walk.ts';
import { forEachNlri } from '../bgp-js/update/nlri.ts';
import { IPV4_UNICAST_KEY } from '../bgp-js/wire/family.ts';

const HEADER = 19;
const UPDATE = 2;
const AS_PATH = 2;
const LOCAL_PREF = 5;
const AGGREGATOR = 7;
const ORIGINATOR_ID = 9;
const CLUSTER_LIST = 10;
const AS4_PATH = 17;
const AS4_AGGREGATOR = 18;

export interface Sketch {
  /** Width of AS numbers; undefined when nothing tells. RFC 6793 */
  readonly fourOctetAs: boolean | undefined;
  /** It has what only iBGP carries. RFC 4271 5.1.5, RFC 4456 8 */
  readonly internal: boolean;
  /** AS_PATH has a segment of a confederation. RFC 5065 3 */
  readonly confederation: boolean;
  /** familyKey of what it has routes of. */
  readonly families: ReadonlySet<number>;
  /** Those of them whose octets are routes only with path identifiers. RFC 7911 3 */
  readonly addPath: ReadonlySet<number>;
}

interface Section {
  readonly family: number;
  readonly start: number;
  readonly end: number;
}

const u16 = (b: Uint8Array, at: number): number => ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0);

export function sketchUpdate(b: Uint8Array): Sketch {
  let fourOctetAs: boolean | undefined;
  let internal = false;
  let confederation = false;
  const sections: Section[] = [];
  if (b[HEADER - 1] === UPDATE) {
    const parts = updateParts(b);
    sections.push({ family: IPV4_UNICAST_KEY, start: parts.withdrawnStart, end: parts.withdrawnEnd });
    eachAttribute(b, parts.attributesStart, parts.attributesEnd, ({ type, from, to }) => {
      if (type === AS_PATH) {
        const [two, four] = [isPath(b, from, to, 2), isPath(b, from, to, 4)];
        if (two !== four) fourOctetAs ??= four;
        confederation ||= to > from && (b[from] === 3 || b[from] === 4);
      } else if (type === AGGREGATOR && to - from === 8) fourOctetAs ??= true;
      else if (type === AS4_PATH || type === AS4_AGGREGATOR) fourOctetAs ??= false;
      else if (type === LOCAL_PREF || type === ORIGINATOR_ID || type === CLUSTER_LIST) internal = true;
      else if (type === MP_UNREACH && to - from >= 3)
        sections.push({ family: mpFamily(b, from), start: unreachNlriStart(from), end: to });
      else if (type === MP_REACH && to - from >= 5)
        sections.push({ family: mpFamily(b, from), start: Math.min(reachNlriStart(b, from), to), end: to });
    });
    if (parts.overrunAt === undefined)
      sections.push({ family: IPV4_UNICAST_KEY, start: parts.attributesEnd, end: b.length });
  }
  const whole = (s: Section, addPath: boolean): boolean =>
    forEachNlri(b, s.start, s.end, s.family, addPath, () => {}) === s.end;
  const families = new Set(
    sections.filter((s) => s.end > s.start || s.family !== IPV4_UNICAST_KEY).map((s) => s.family),
  );
  const addPath = new Set(sections.filter((s) => !whole(s, false) && whole(s, true)).map((s) => s.family));
  return { fourOctetAs, internal, confederation, families, addPath };
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
