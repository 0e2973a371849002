/** BMP messages, values -> octets. Pure. RFC 7854 4; the Loc-RIB as a peer of its own RFC 9069. */
import { Writer } from '../base/bytes.ts';
import { type IpAddress, isIpv6 } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import { writeIpv6 } from '../base/ipv6.ts';

const VERSION = 3;
/** RFC 7854 4.1 */
const TYPES = { route: 0, statistics: 1, peerDown: 2, peerUp: 3, initiation: 4, termination: 5 } as const;
const HEADER = 6;

/** Whose routes a message is about. */
export interface MonitoredPeer {
  /** `peer`: its Adj-RIB-In before policy. `loc-rib`: our best paths. RFC 7854 4.2, RFC 9069 4.1 */
  readonly table: 'peer' | 'loc-rib';
  /** Not looked at for the Loc-RIB. */
  readonly address: IpAddress;
  readonly asn: number;
  readonly bgpIdentifier: Ipv4;
  /** AS_PATHs in its messages have 2-octet numbers. */
  readonly twoOctetAs?: boolean;
}

const PEER_TYPES = { peer: 0, 'loc-rib': 3 } as const;
const FLAG_IPV6 = 0x80;
const FLAG_TWO_OCTET_AS = 0x20;

/** Opens the stream. RFC 7854 4.3 */
export const initiation = (sysName: string, sysDescr: string): Uint8Array =>
  message('initiation', (w) => {
    text(w, 1, sysDescr);
    text(w, 2, sysName);
  });

/** RFC 7854 4.5 */
export const TERMINATIONS = { unspecified: 1, outOfResources: 2, administrativelyClosed: 0 } as const;
export const termination = (why: keyof typeof TERMINATIONS): Uint8Array =>
  message('termination', (w) => {
    w.u16(1);
    w.u16(2);
    w.u16(TERMINATIONS[why]);
  });

/** One BGP UPDATE, header and all, as the peer sent it. RFC 7854 4.6 */
export const routeMonitoring = (peer: MonitoredPeer, atMs: number, update: Uint8Array): Uint8Array =>
  message('route', (w) => {
    perPeer(w, peer, atMs);
    w.bytes(update);
  });

export interface PeerUpFacts {
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly remotePort: number;
  /** OPEN messages, header and all. */
  readonly sentOpen: Uint8Array;
  readonly receivedOpen: Uint8Array;
  /** The Loc-RIB's name. RFC 9069 5.3 */
  readonly tableName?: string;
}
/** RFC 7854 4.10 */
export const peerUp = (peer: MonitoredPeer, atMs: number, facts: PeerUpFacts): Uint8Array =>
  message('peerUp', (w) => {
    perPeer(w, peer, atMs);
    address(w, facts.localAddress);
    w.u16(facts.localPort);
    w.u16(facts.remotePort);
    w.bytes(facts.sentOpen);
    w.bytes(facts.receivedOpen);
    if (facts.tableName !== undefined) text(w, 3, facts.tableName);
  });

/** How a session ended. `notification`: the message, header and all. RFC 7854 4.9; 6 is of the Loc-RIB, RFC 9069 5.3. */
export type PeerDownReason =
  | { readonly kind: 'local-notification' | 'remote-notification'; readonly notification: Uint8Array }
  | { readonly kind: 'local'; readonly fsmEvent: number }
  | { readonly kind: 'remote' | 'deconfigured' };
const DOWN_REASONS = {
  'local-notification': 1,
  local: 2,
  'remote-notification': 3,
  remote: 4,
  deconfigured: 5,
} as const;
export const peerDown = (peer: MonitoredPeer, atMs: number, why: PeerDownReason): Uint8Array =>
  message('peerDown', (w) => {
    perPeer(w, peer, atMs);
    w.u8(DOWN_REASONS[why.kind]);
    if ('notification' in why) w.bytes(why.notification);
    else if (why.kind === 'local') w.u16(why.fsmEvent);
  });

export interface Statistics {
  readonly rejected: number;
  readonly adjRibIn: number;
  /** Of the Loc-RIB only. */
  readonly locRib?: number;
}
/** RFC 7854 4.8: type 0 a counter, 7 and 8 gauges of 64 bits. */
export const statistics = (peer: MonitoredPeer, atMs: number, s: Statistics): Uint8Array =>
  message('statistics', (w) => {
    perPeer(w, peer, atMs);
    w.u32(s.locRib === undefined ? 2 : 1);
    if (s.locRib !== undefined) return gauge(w, 8, s.locRib);
    w.u16(0);
    w.u16(4);
    w.u32(s.rejected);
    gauge(w, 7, s.adjRibIn);
  });

function gauge(w: Writer, type: number, value: number): void {
  w.u16(type);
  w.u16(8);
  w.u32(Math.floor(value / 2 ** 32));
  w.u32(value >>> 0);
}

/** RFC 7854 4.2 */
function perPeer(w: Writer, peer: MonitoredPeer, atMs: number): void {
  const locRib = peer.table === 'loc-rib';
  w.u8(PEER_TYPES[peer.table]);
  const flags = (isIpv6(peer.address) ? FLAG_IPV6 : 0) | (peer.twoOctetAs === true ? FLAG_TWO_OCTET_AS : 0);
  w.u8(locRib ? 0 : flags);
  w.u32(0);
  w.u32(0);
  if (locRib) for (let i = 0; i < 4; i++) w.u32(0);
  else address(w, peer.address);
  w.u32(peer.asn);
  w.u32(peer.bgpIdentifier);
  w.u32(Math.floor(atMs / 1000));
  w.u32((Math.floor(atMs) % 1000) * 1000);
}

/** 16 octets; IPv4 stands in the last four. */
function address(w: Writer, value: IpAddress): void {
  const octets = new Uint8Array(16);
  if (isIpv6(value)) writeIpv6(octets, 0, value);
  else new DataView(octets.buffer).setUint32(12, value);
  w.bytes(octets);
}

function text(w: Writer, type: number, value: string): void {
  const octets = new TextEncoder().encode(value);
  w.u16(type);
  w.u16(octets.length);
  w.bytes(octets);
}

function message(type: keyof typeof TYPES, body: (w: Writer) => void): Uint8Array {
  const w = new Writer(256);
  w.u8(VERSION);
  w.u32(0);
  w.u8(TYPES[type]);
  body(w);
  const octets = w.copy();
  new DataView(octets.buffer).setUint32(1, octets.length);
  return octets;
}

/** Octets of the common header: a test cuts a stream by them. */
export const BMP_HEADER: number = HEADER;
