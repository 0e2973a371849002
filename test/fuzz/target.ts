/** What is fuzzed: everything between the octets of one message and the values that the session and the library's users see.
 *  This file and all below it carry the coverage counters (instrument.ts); the judge stands outside, in judge.ts. */
import { encodeAttributes } from '../../src/bgp-js/attributes/attributes.ts';
import { type DecodedMessage, decodeMessage, encodeMessage } from '../../src/bgp-js/message.ts';
import { forEachNlri } from '../../src/bgp-js/update/nlri.ts';
import { endOfRibFamily, forEachPrefix, ReusableUpdate } from '../../src/bgp-js/update/update.ts';
import type { UpdateContext } from '../../src/bgp-js/update/update-context.ts';
import type { DecodedUpdate, Nlri } from '../../src/bgp-js/update/update-types.ts';
import { frameLength } from '../../src/bgp-js/wire/framer.ts';

const IPV4 = 1 * 256 + 1;
const IPV6 = 2 * 256 + 1;
/** Unicast, multicast, labelled, VPN and FlowSpec of both, EVPN, VPLS, BGP-LS. */
const ALL = [
  257,
  258,
  260,
  384,
  389,
  390,
  513,
  514,
  516,
  640,
  645,
  646,
  6470,
  6465,
  16388 * 256 + 71,
  16388 * 256 + 72,
];

const context = (more: Partial<UpdateContext>): UpdateContext => ({
  fourOctetAs: true,
  ibgp: false,
  families: new Set(ALL),
  addPath: new Set(),
  extendedNextHop: new Set([257, 260, 384]),
  maxMessageLength: 4096,
  ...more,
});

/** How the two sides may have agreed: the first octet of an input picks one. */
const CONTEXTS: readonly UpdateContext[] = [
  context({ families: new Set([IPV4]) }),
  context({ ibgp: true, localAsn: 65000, peerAsn: 65000 }),
  context({ fourOctetAs: false, allowAsSets: true }),
  context({ addPath: new Set([IPV4, IPV6]), maxMessageLength: 65535 }),
  context({ maxMessageLength: 65535, ibgp: true, allowAsSets: true, aigp: true }),
  context({ addPath: new Set(ALL), ibgp: true, allowAsSets: true, aigp: true, fourOctetAs: false }),
  context({ confederation: true, localAsn: 65001, peerAsn: 65002, allowAsSets: true, role: 'customer' }),
];
export const contexts: number = CONTEXTS.length;
const contextOf = (which: number): UpdateContext => CONTEXTS[which % CONTEXTS.length] as UpdateContext;

const frame = new ReusableUpdate();

/** A value, whatever the octets are; a BgpError is one too. Of a stream's first message if there are several. */
export function decode(slab: Uint8Array, start: number, end: number, which: number): unknown {
  const agreed = contextOf(which);
  const length = frameLength(slab, start, end, agreed.maxMessageLength);
  const whole = length > 0 ? start + length : end;
  const hot = length > 0 && slab[start + 18] === 2 ? readHot(slab, start, whole, agreed) : undefined;
  const result = decodeMessage(slab, start, whole, agreed);
  return result.ok ? { hot, message: result.value } : { error: result.error };
}

/** As a session reads it: over the slab, without an object for a route. */
function readHot(slab: Uint8Array, start: number, end: number, agreed: UpdateContext): unknown {
  const error = frame.read(slab, start, end, agreed);
  if (error !== undefined) return { error };
  let digest = 0;
  let routes = 0;
  const prefix = (address: number, bits: number): void => {
    routes++;
    digest = (Math.imul(digest, 31) + address + bits) | 0;
  };
  const nlri = (at: number, until: number, pathId: number): void => {
    routes++;
    digest = (Math.imul(digest, 31) + pathId + (until - at)) | 0;
    for (let i = at; i < until; i++) digest = Math.imul(digest ^ (slab[i] as number), 31);
  };
  if (frame.addPath) {
    forEachNlri(slab, frame.withdrawnStart, frame.withdrawnEnd, IPV4, true, nlri);
    forEachNlri(slab, frame.nlriStart, frame.nlriEnd, IPV4, true, nlri);
  } else {
    forEachPrefix(slab, frame.withdrawnStart, frame.withdrawnEnd, prefix);
    forEachPrefix(slab, frame.nlriStart, frame.nlriEnd, prefix);
  }
  if (frame.reachFamily !== 0)
    forEachNlri(slab, frame.reachStart, frame.reachEnd, frame.reachFamily, frame.reachAddPath, nlri);
  if (frame.unreachFamily !== 0)
    forEachNlri(slab, frame.unreachStart, frame.unreachEnd, frame.unreachFamily, frame.unreachAddPath, nlri);
  return { digest, routes, endOfRib: endOfRibFamily(frame), ignored: frame.ignoredFamily };
}

const keyOf = (nlri: Nlri): string =>
  `${nlri.family.afi}/${nlri.family.safi} ${nlri.pathId ?? ''} ${Buffer.from(nlri.bytes).toString('hex')}`;

/** What is known afterwards, whichever and however many messages said it: a set of routes, each with its next hop (NEXT_HOP is
 *  that of IPv4 unicast, where both are there), and one set of all other attributes. */
function routesOf(updates: readonly DecodedUpdate[]): unknown {
  const announced = new Set<string>();
  const others = new Set<string>();
  for (const { announced: list, attributes } of updates) {
    if (list.length === 0 || attributes === undefined) continue;
    const { nextHop, mpNextHop, unknown = [], partial = [], ...rest } = attributes;
    // They are sent in the order of their types, in whatever order they came. RFC 4271 5
    const inOrder = { unknown: [...unknown].sort((a, b) => a.type - b.type), partial: [...partial].sort() };
    others.add(textOf({ ...rest, ...inOrder }));
    for (const nlri of list) {
      const old = nlri.family.afi === 1 && nlri.family.safi === 1 && nextHop !== undefined;
      announced.add(`${keyOf(nlri)} ${old ? nextHop : textOf(mpNextHop)}`);
    }
  }
  return {
    withdrawn: [...new Set(updates.flatMap((u) => u.withdrawn.map(keyOf)))].sort(),
    announced: [...announced].sort(),
    others: [...others],
    endOfRib: updates.map((u) => u.endOfRib).filter((f) => f !== undefined),
    faults: updates.flatMap((u) => u.faults),
  };
}
/** Fields in one order, octets as hex. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) => {
    if (typeof v === 'bigint') return `${v}n`;
    if (v instanceof Uint8Array) return Buffer.from(v).toString('hex');
    if (typeof v !== 'object' || v === null || Array.isArray(v)) return v;
    return Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)));
  }) ?? '';

/** What came as long as it may be can be longer on its way out, by AS4_PATH for example; then its routes are withdrawn. RFC 4271 9.2 */
const ROUTE_AND_HEADERS = 400;
const tooLong = ({ attributes }: DecodedUpdate, agreed: UpdateContext): boolean =>
  attributes !== undefined && encodeAttributes(attributes, agreed).length > agreed.maxMessageLength - ROUTE_AND_HEADERS;

/** A message without faults, encoded and decoded again: what was and what is must be the same. */
export function recode(value: unknown, which: number): { readonly was: unknown; readonly is: unknown } | undefined {
  const { message } = value as { readonly message?: DecodedMessage };
  if (message === undefined) return undefined;
  if (message.type === 'update' && message.update.faults.length > 0) return undefined;
  const agreed = contextOf(which);
  if (message.type === 'update' && tooLong(message.update, agreed)) return undefined;
  const bytes = encodeMessage(message, agreed);
  const back: DecodedMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = frameLength(bytes, at, bytes.length, agreed.maxMessageLength);
    if (length <= 0) return { was: message, is: `no frame at octet ${at} of ${Buffer.from(bytes).toString('hex')}` };
    const decoded = decodeMessage(bytes, at, at + length, agreed);
    if (!decoded.ok) return { was: message, is: decoded.error };
    back.push(decoded.value);
    at += length;
  }
  if (message.type !== 'update') return { was: [message], is: back };
  return {
    was: routesOf([message.update]),
    is: routesOf(back.map((m) => (m.type === 'update' ? m.update : undefined)).filter((u) => u !== undefined)),
  };
}
