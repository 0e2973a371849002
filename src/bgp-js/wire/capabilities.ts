/** Capabilities of an OPEN, bytes <-> values. Pure. RFC 5492; one row of CAPABILITIES each, and a new one is a new row.
 *  Unknown capabilities are no fault; a known one of wrong length is (2/0). */
import type { Reader, Writer } from '../../base/bytes.ts';
import type { Family } from './family.ts';

export interface GracefulRestartCapability {
  /** 0..4095 */
  readonly restartTimeSec: number;
  /** R: the speaker has restarted and waits for our End-of-RIB to arrive. RFC 4724 3 */
  readonly restarting: boolean;
  /** N: NOTIFICATIONs and hold timer expiry do not flush, only a Hard Reset does. RFC 8538 2 */
  readonly notification: boolean;
  readonly families: readonly (Family & { readonly forwarding: boolean })[];
}

/** RFC 9494 4.1 */
export interface LongLivedFamily extends Family {
  readonly forwarding: boolean;
  /** 24 bits of seconds. */
  readonly staleTimeSec: number;
}

/** RFC 7911 4; from the view of who sends the capability. */
export interface AddPathFamily extends Family {
  readonly receive: boolean;
  readonly send: boolean;
}

/** NLRI of AFI and SAFI may have next hops of AFI `nextHopAfi`. RFC 8950 4 */
export interface ExtendedNextHop extends Family {
  readonly nextHopAfi: number;
}

export interface RawCapability {
  readonly code: number;
  readonly value: Uint8Array;
}

/** What an OPEN says that its speaker can do. Absent: not said. */
export interface Capabilities {
  /** Absent: the peer sent none, which means IPv4 unicast only. RFC 4760 8 */
  readonly multiprotocol?: readonly Family[];
  /** RFC 2918 2 */
  readonly routeRefresh?: true;
  readonly extendedNextHop?: readonly ExtendedNextHop[];
  /** RFC 8654 3 */
  readonly extendedMessages?: true;
  /** Values as on the wire (role.ts), each once: more than one is a Role Mismatch. RFC 9234 4.1 and 4.2 */
  readonly roles?: readonly number[];
  readonly gracefulRestart?: GracefulRestartCapability;
  readonly fourOctetAsn?: number;
  readonly addPath?: readonly AddPathFamily[];
  /** RFC 7313 3.1 */
  readonly enhancedRouteRefresh?: true;
  readonly longLivedGracefulRestart?: readonly LongLivedFamily[];
  /** draft-walton-bgp-hostname-capability */
  readonly hostName?: { readonly host: string; readonly domain: string };
  /** No row here knows them: for showing. */
  readonly unknown?: readonly RawCapability[];
}
type Collected = { -readonly [K in keyof Capabilities]: Capabilities[K] };

interface CapabilityRow {
  readonly code: number;
  readonly name: string;
  /** Reads one instance into what was collected; answers a fault's text. Leftover bytes are the walk's to find. */
  readonly decode: (r: Reader, into: Collected) => string | undefined;
  /** Writes all instances, each by `instance`. */
  readonly encode: (capabilities: Capabilities, instance: (body: (w: Writer) => void) => void) => void;
}

/** A peer repeats a family at will; remembering more than there are is not needed. */
const MAX_FAMILIES = 32;

/** In the order we send them. */
export const CAPABILITIES: readonly CapabilityRow[] = [
  {
    code: 1,
    name: 'multiprotocol', // RFC 4760 8; AFI (2), reserved (1), SAFI (1)
    decode: (r, into) => {
      const afi = r.u16();
      r.u8();
      const safi = r.u8();
      const known = into.multiprotocol ?? [];
      const repeated = known.some((f) => f.afi === afi && f.safi === safi);
      into.multiprotocol = repeated || known.length >= MAX_FAMILIES ? known : [...known, { afi, safi }];
      return undefined;
    },
    encode: (c, instance) => {
      for (const family of c.multiprotocol ?? [])
        instance((w) => {
          w.u16(family.afi);
          w.u8(0);
          w.u8(family.safi);
        });
    },
  },
  {
    code: 2,
    name: 'route refresh', // RFC 2918 2
    decode: (_r, into) => {
      into.routeRefresh = true;
      return undefined;
    },
    encode: (c, instance) => {
      if (c.routeRefresh === true) instance(() => {});
    },
  },
  { code: 64, name: 'graceful restart', decode: readGracefulRestart, encode: writeGracefulRestart },
  {
    code: 65,
    name: '4-octet AS', // RFC 6793 3
    decode: (r, into) => {
      const asn = r.u32();
      if (into.fourOctetAsn !== undefined && into.fourOctetAsn !== asn)
        return `two 4-octet AS capabilities differ: ${into.fourOctetAsn} and ${asn}`;
      into.fourOctetAsn = asn;
      return undefined;
    },
    encode: (c, instance) => {
      const asn = c.fourOctetAsn;
      if (asn !== undefined) instance((w) => w.u32(asn));
    },
  },
];

/** RFC 4724 3: R, N (RFC 8538), two reserved bits, 12 bits of seconds; then AFI (2), SAFI (1), flags (1) each.
 *  Of several instances the last counts. */
function readGracefulRestart(r: Reader, into: Collected): string | undefined {
  const head = r.u16();
  if (r.left % 4 !== 0) return `the family list has ${r.left} octets, not a multiple of 4`;
  const families: (Family & { forwarding: boolean })[] = [];
  while (r.left > 0) {
    const family = { afi: r.u16(), safi: r.u8(), forwarding: (r.u8() & 0x80) !== 0 };
    if (families.length < MAX_FAMILIES) families.push(family);
  }
  into.gracefulRestart = {
    restartTimeSec: head & 0x0fff,
    restarting: (head & 0x8000) !== 0,
    notification: (head & 0x4000) !== 0,
    families,
  };
  return undefined;
}

function writeGracefulRestart(c: Capabilities, instance: (body: (w: Writer) => void) => void): void {
  const gr = c.gracefulRestart;
  if (gr === undefined) return;
  instance((w) => {
    w.u16((gr.restarting ? 0x8000 : 0) | (gr.notification ? 0x4000 : 0) | (gr.restartTimeSec & 0x0fff));
    for (const family of gr.families) {
      w.u16(family.afi);
      w.u8(family.safi);
      w.u8(family.forwarding ? 0x80 : 0);
    }
  });
}

const BY_CODE = new Map(CAPABILITIES.map((row) => [row.code, row]));

/** Reads the capabilities of one optional parameter into `into`; answers a fault's text. Throws ShortRead on overrun. */
export function readCapabilities(r: Reader, into: Collected): string | undefined {
  while (r.left > 0) {
    const code = r.u8();
    const body = r.sub(r.u8());
    const row = BY_CODE.get(code);
    if (row === undefined) continue;
    const length = body.left;
    const fault = row.decode(body, into);
    if (fault !== undefined) return `capability ${code} (${row.name}): ${fault}`;
    if (body.left > 0) return `capability ${code} (${row.name}) has length ${length}, ${body.left} too many`;
  }
  return undefined;
}

export function writeCapabilities(w: Writer, capabilities: Capabilities): void {
  for (const row of CAPABILITIES)
    row.encode(capabilities, (body) => {
      w.u8(row.code);
      const lengthAt = w.length;
      w.u8(0);
      body(w);
      w.u8At(lengthAt, w.length - lengthAt - 1);
    });
}
