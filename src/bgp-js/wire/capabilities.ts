/** Capabilities of an OPEN, bytes <-> values. Pure. RFC 5492; one row of CAPABILITIES each, and a new one is a new row.
 *  Unknown capabilities are no fault and are kept for showing; a known one of wrong length is 2/0. A capability may come in
 *  several instances: each row says what that means. Everything kept is bounded. */
import { Reader, ShortRead, Writer } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { AddPathFamily, Capabilities, ExtendedNextHop, LongLivedFamily } from './capability-types.ts';
import { type BgpError, bgpError } from './error.ts';
import { type Family, sameFamily } from './family.ts';
import { printable, utf8 } from './utf8.ts';

export type * from './capability-types.ts';

export type Collected = { -readonly [K in keyof Capabilities]: Capabilities[K] };
type Instance = (body: (w: Writer) => void) => void;

interface CapabilityRow {
  readonly code: number;
  readonly name: string;
  /** Reads one instance into what was collected; answers a fault's text, or a fault of its own. Leftover bytes are the
   *  walk's to find. */
  readonly decode: (r: Reader, into: Collected) => string | BgpError | undefined;
  /** Writes all instances, each by `instance`. */
  readonly encode: (capabilities: Capabilities, instance: Instance) => void;
}

/** A peer repeats itself at will; remembering more than there can be is not needed. */
const MAX_FAMILIES = 64;
const MAX_UNKNOWN = 64;

/** A capability without a value: that it is there says all. */
const flag = (
  code: number,
  name: string,
  key: 'routeRefresh' | 'extendedMessages' | 'enhancedRouteRefresh',
): CapabilityRow => ({
  code,
  name,
  decode: (_r, into) => {
    into[key] = true;
    return undefined;
  },
  encode: (c, instance) => {
    if (c[key] === true) instance(() => {});
  },
});

/** A list of items of `octets` each; instances add up, and an empty list is one. */
const list = <T>(
  code: number,
  name: string,
  octets: number,
  get: (c: Capabilities) => readonly T[] | undefined,
  set: (into: Collected, items: readonly T[]) => void,
  read: (r: Reader) => T | undefined,
  write: (w: Writer, item: T) => void,
): CapabilityRow => ({
  code,
  name,
  decode: (r, into) => {
    if (r.left % octets !== 0) return `its list has ${r.left} octets, not a multiple of ${octets}`;
    const items = [...(get(into) ?? [])];
    while (r.left > 0) {
      const item = read(r);
      if (item !== undefined && items.length < MAX_FAMILIES) items.push(item);
    }
    set(into, items);
    return undefined;
  },
  encode: (c, instance) => {
    const items = get(c);
    if (items !== undefined)
      instance((w) => {
        for (const item of items) write(w, item);
      });
  },
});

const writeFamily = (w: Writer, family: Family): void => {
  w.u16(family.afi);
  w.u8(family.safi);
};

/** In the order we send them. */
export const CAPABILITIES: readonly CapabilityRow[] = [
  { code: 1, name: 'multiprotocol', decode: readMultiprotocol, encode: writeMultiprotocol },
  flag(2, 'route refresh', 'routeRefresh'), // RFC 2918 2
  flag(6, 'extended message', 'extendedMessages'), // RFC 8654 3
  list<ExtendedNextHop>(
    5, // RFC 8950 4: AFI (2), SAFI (2), next hop AFI (2)
    'extended next hop encoding',
    6,
    (c) => c.extendedNextHop,
    (into, items) => {
      into.extendedNextHop = items;
    },
    (r) => {
      const [afi, safi, nextHopAfi] = [r.u16(), r.u16(), r.u16()];
      return safi <= 0xff ? { afi, safi, nextHopAfi } : undefined; // no SAFI is that large
    },
    (w, { afi, safi, nextHopAfi }) => {
      w.u16(afi);
      w.u16(safi);
      w.u16(nextHopAfi);
    },
  ),
  { code: 64, name: 'graceful restart', decode: readGracefulRestart, encode: writeGracefulRestart },
  {
    code: 65,
    name: '4-octet AS', // RFC 6793 3
    decode: (r, into) => {
      const asn = r.u32();
      if (into.fourOctetAsn !== undefined && into.fourOctetAsn !== asn)
        return bgpError(2, 2, `two 4-octet AS capabilities differ: ${into.fourOctetAsn} and ${asn} (RFC 6793 4.1)`);
      into.fourOctetAsn = asn;
      return undefined;
    },
    encode: (c, instance) => {
      const asn = c.fourOctetAsn;
      if (asn !== undefined) instance((w) => w.u32(asn));
    },
  },
  list<AddPathFamily>(
    69, // RFC 7911 4: AFI (2), SAFI (1), 1 receive, 2 send, 3 both
    'ADD-PATH',
    4,
    (c) => c.addPath,
    (into, items) => {
      into.addPath = items;
    },
    (r) => {
      const [afi, safi, bits] = [r.u16(), r.u8(), r.u8()];
      // Another value is as if the tuple were not there.
      return bits >= 1 && bits <= 3 ? { afi, safi, receive: (bits & 1) !== 0, send: (bits & 2) !== 0 } : undefined;
    },
    (w, family) => {
      writeFamily(w, family);
      w.u8((family.receive ? 1 : 0) | (family.send ? 2 : 0));
    },
  ),
  flag(70, 'enhanced route refresh', 'enhancedRouteRefresh'), // RFC 7313 3.1
  list<LongLivedFamily>(
    71, // RFC 9494 3.1: AFI (2), SAFI (1), flags (1), seconds (3)
    'long-lived graceful restart',
    7,
    (c) => c.longLivedGracefulRestart,
    (into, items) => {
      into.longLivedGracefulRestart = items;
    },
    (r) => ({
      afi: r.u16(),
      safi: r.u8(),
      forwarding: (r.u8() & 0x80) !== 0,
      staleTimeSec: (r.u8() << 16) | r.u16(),
    }),
    (w, family) => {
      writeFamily(w, family);
      w.u8(family.forwarding ? 0x80 : 0);
      w.u8(family.staleTimeSec >>> 16);
      w.u16(family.staleTimeSec & 0xffff);
    },
  ),
  { code: 9, name: 'BGP role', decode: readRole, encode: writeRoles },
  { code: 73, name: 'host name', decode: readHostName, encode: writeHostName },
];

/** RFC 4760 8: AFI (2), reserved (1), SAFI (1); one instance per family, and the same one twice is one. */
function readMultiprotocol(r: Reader, into: Collected): undefined {
  const afi = r.u16();
  r.u8();
  const family = { afi, safi: r.u8() };
  const known = into.multiprotocol ?? [];
  const repeated = known.some((f) => sameFamily(f, family));
  into.multiprotocol = repeated || known.length >= MAX_FAMILIES ? known : [...known, family];
}

function writeMultiprotocol(c: Capabilities, instance: Instance): void {
  for (const family of c.multiprotocol ?? [])
    instance((w) => {
      w.u16(family.afi);
      w.u8(0);
      w.u8(family.safi);
    });
}

/** RFC 4724 3: R, N (RFC 8538 2), two reserved bits, 12 bits of seconds; then AFI (2), SAFI (1), flags (1) each.
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

function writeGracefulRestart(c: Capabilities, instance: Instance): void {
  const gr = c.gracefulRestart;
  if (gr === undefined) return;
  instance((w) => {
    w.u16((gr.restarting ? 0x8000 : 0) | (gr.notification ? 0x4000 : 0) | (gr.restartTimeSec & 0x0fff));
    for (const family of gr.families) {
      writeFamily(w, family);
      w.u8(family.forwarding ? 0x80 : 0);
    }
  });
}

/** RFC 9234 4.1 and 4.2: equal ones are one; what several mean is negotiate()'s. */
function readRole(r: Reader, into: Collected): undefined {
  const value = r.u8();
  const known = into.roles ?? [];
  into.roles = known.includes(value) ? known : [...known, value];
}

function writeRoles(c: Capabilities, instance: Instance): void {
  for (const value of c.roles ?? []) instance((w) => w.u8(value));
}

/** draft-walton-bgp-hostname-capability 3: length (1), host, length (1), domain. It is for reading only, so it is cleaned of
 *  what moves a terminal's cursor. */
function readHostName(r: Reader, into: Collected): undefined {
  const text = (): string => printable(new TextDecoder().decode(r.view(r.u8())));
  into.hostName = { host: text(), domain: text() };
}

function writeHostName(c: Capabilities, instance: Instance): void {
  const name = c.hostName;
  if (name === undefined) return;
  // Two length octets, and what is left of the 255 of a capability.
  const host = utf8(name.host, 253);
  const domain = utf8(name.domain, 253 - host.length);
  instance((w) => {
    for (const bytes of [host, domain]) {
      w.u8(bytes.length);
      w.bytes(bytes);
    }
  });
}

const BY_CODE = new Map(CAPABILITIES.map((row) => [row.code, row]));

/** "graceful restart", or "capability 130". */
export const capabilityName = (code: number): string => BY_CODE.get(code)?.name ?? `capability ${code}`;

/** Reads the capabilities of one optional parameter into `into`; answers a fault. Throws ShortRead on overrun. */
export function readCapabilities(r: Reader, into: Collected): BgpError | undefined {
  while (r.left > 0) {
    const code = r.u8();
    const body = r.sub(r.u8());
    const row = BY_CODE.get(code);
    if (row === undefined) {
      const known = into.unknown ?? [];
      if (known.length < MAX_UNKNOWN)
        into.unknown = [...known, { code, value: Uint8Array.prototype.slice.call(body.view(body.left)) }];
      continue;
    }
    const length = body.left;
    const fault = row.decode(body, into);
    if (typeof fault === 'string') return malformed(row, fault);
    if (fault !== undefined) return fault;
    if (body.left > 0) return malformed(row, `its length is ${length}, ${body.left} too many`);
  }
  return undefined;
}

/** RFC 4271 6.2: recognised, but malformed. */
const malformed = (row: CapabilityRow, text: string): BgpError =>
  bgpError(2, 0, `capability ${row.code} (${row.name}): ${text} (RFC 5492 4)`);

export function writeCapabilities(w: Writer, capabilities: Capabilities): void {
  const instance = (code: number, body: (w: Writer) => void): void => {
    w.u8(code);
    const lengthAt = w.length;
    w.u8(0);
    body(w);
    const length = w.length - lengthAt - 1;
    invariant(length <= 255, `capability ${code} has ${length} octets; 255 is the most (RFC 5492 4)`);
    w.u8At(lengthAt, length);
  };
  for (const row of CAPABILITIES) row.encode(capabilities, (body) => instance(row.code, body));
  for (const { code, value } of capabilities.unknown ?? []) instance(code, (into) => into.bytes(value));
}

/** Code, length and value, one behind the other: what an OPEN's parameter and the data of 2/7 hold. RFC 5492 4 and 5 */
export function encodeCapabilities(capabilities: Capabilities): Uint8Array {
  const w = new Writer(64);
  writeCapabilities(w, capabilities);
  return w.copy();
}

/** The other way; a fault is the one that an OPEN with them would be answered with. */
export function decodeCapabilities(bytes: Uint8Array, start = 0, end = bytes.length): Result<Capabilities, BgpError> {
  const into: Collected = {};
  try {
    const fault = readCapabilities(new Reader(bytes, start, end), into);
    return fault === undefined ? ok(into) : err(fault);
  } catch (e) {
    if (!(e instanceof ShortRead)) throw e;
    return err(bgpError(2, 0, `${end - start} octets of capabilities are shorter than their lengths say (RFC 5492 4)`));
  }
}
