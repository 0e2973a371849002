/** Routes of both families: request builders and the decoder. Pure. linux/rtnetlink.h.
 *  Traps that the kernel sets, tried: REPLACE ignores the protocol and takes the first route of (prefix, tos, metric), also a
 *  foreign one; a delete without protocol takes any. IPv6 does more: APPEND and a plain CREATE merge their next hop into a
 *  foreign route of the same metric, a delete without gateway takes the whole merged route, and one without metric takes any.
 *  So adds are EXCL by default, and a delete carries protocol, metric and next hops. Many routes at once: route-batch.ts. */
import { formatIp, type IpAddress } from '../base/ip.ts';
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import * as k from './constants.ts';
import type { MessageView } from './message-view.ts';
import type { MessageWriter } from './message-writer.ts';
import type { NetlinkRequest } from './request.ts';

export interface RouteHop {
  /** The number 0: on the link itself. An IPv4 route may have an IPv6 gateway. RFC 8950 */
  readonly gateway: IpAddress;
  /** ifindex; 0: none */
  readonly oif: number;
  /** RTNH_F_… bits: 1 dead, 4 onlink, 16 linkdown */
  readonly flags: number;
}

export interface Route {
  readonly dst: IpAddress;
  readonly len: number;
  readonly table: number;
  readonly protocol: number;
  /** RTN_…: 1 unicast, 2 local, 6 blackhole */
  readonly type: number;
  readonly scope: number;
  readonly tos: number;
  /** IPv6: 1024 where nobody said otherwise. */
  readonly metric: number;
  /** Of the first next hop; the number 0 where there is none. */
  readonly gateway: IpAddress;
  readonly oif: number;
  /** rtm_flags, which a single next hop's RTNH_F_… share. */
  readonly flags: number;
  readonly prefSrc: IpAddress;
  /** Two or more; empty for the common single one. */
  readonly nexthops: readonly RouteHop[];
}

/** A plain number is IPv4, a bigint IPv6; 0 or absent: none. */
type Gateway = number | bigint;

export interface RouteOptions {
  readonly dst: number | bigint;
  readonly len: number;
  /** Default main. */
  readonly table?: number;
  readonly protocol: number;
  readonly type?: number;
  readonly scope?: number;
  readonly metric?: number;
  readonly gateway?: Gateway;
  readonly oif?: number;
  readonly onlink?: boolean;
  readonly prefSrc?: Gateway;
  /** Two or more; then gateway, oif and onlink above are not looked at. */
  readonly nexthops?: readonly { readonly gateway?: Gateway; readonly oif: number; readonly onlink?: boolean }[];
}

const address = (a: number | bigint): IpAddress => (typeof a === 'bigint' ? ipv6(a) : ipv4(a));
const VIA_BYTES = 18;

function writeGateway(w: MessageWriter, gateway: Gateway | undefined, six: boolean): void {
  if (gateway === undefined || gateway === 0) return;
  if (six === (typeof gateway === 'bigint')) {
    w.attributeIp(k.RTA_GATEWAY, address(gateway));
    return;
  }
  const via = new Uint8Array(VIA_BYTES);
  new Uint16Array(via.buffer)[0] = k.AF_INET6;
  new DataView(via.buffer).setBigUint64(2, BigInt(gateway) >> 64n);
  new DataView(via.buffer).setBigUint64(10, BigInt.asUintN(64, BigInt(gateway)));
  w.attributeBytes(k.RTA_VIA, via);
}

/** rtmsg and its attributes, without the nlmsghdr. RTA_DST is the first attribute: a batch patches it. */
export function writeRoute(w: MessageWriter, o: RouteOptions): void {
  const six = typeof o.dst === 'bigint';
  const several = o.nexthops !== undefined && o.nexthops.length > 1 ? o.nexthops : undefined;
  const table = o.table ?? k.RT_TABLE_MAIN;
  w.u8x4(six ? k.AF_INET6 : k.AF_INET, o.len, 0, 0);
  w.u8x4(table < 256 ? table : 0, o.protocol, o.scope ?? k.RT_SCOPE_UNIVERSE, o.type ?? k.RTN_UNICAST);
  w.u32Word(several === undefined && o.onlink === true ? k.RTNH_F_ONLINK : 0);
  w.attributeIp(k.RTA_DST, address(o.dst));
  if (table >= 256) w.attributeU32(k.RTA_TABLE, table);
  if (o.metric !== undefined && o.metric !== 0) w.attributeU32(k.RTA_PRIORITY, o.metric);
  if (o.prefSrc !== undefined) w.attributeIp(k.RTA_PREFSRC, address(o.prefSrc));
  if (several === undefined) {
    if (o.oif !== undefined && o.oif !== 0) w.attributeU32(k.RTA_OIF, o.oif);
    writeGateway(w, o.gateway, six);
    return;
  }
  const hops = (): void => {
    for (const hop of several)
      w.nextHop(hop.onlink === true ? k.RTNH_F_ONLINK : 0, hop.oif, () => writeGateway(w, hop.gateway, six));
  };
  w.nest(k.RTA_MULTIPATH, hops, 0);
}

const routeText = (o: RouteOptions): string => `${formatIp(address(o.dst))}/${o.len}`;

/** EEXIST when any route of (prefix, tos, metric) is there, foreign or ours. */
export const addRoute = (o: RouteOptions): NetlinkRequest => ({
  type: k.RTM_NEWROUTE,
  flags: k.NLM_F_CREATE | k.NLM_F_EXCL,
  what: `add route ${routeText(o)}`,
  body: (w) => writeRoute(w, o),
});
/** Only for a caller who knows that the first route of (prefix, tos, metric) is its own. ENOENT when there is none. */
export const replaceRoute = (o: RouteOptions): NetlinkRequest => ({
  type: k.RTM_NEWROUTE,
  flags: k.NLM_F_REPLACE,
  what: `replace route ${routeText(o)}`,
  body: (w) => writeRoute(w, o),
});
export const deleteRoute = (o: RouteOptions): NetlinkRequest => ({
  type: k.RTM_DELROUTE,
  flags: 0,
  what: `delete route ${routeText(o)}`,
  body: (w) => writeRoute(w, o),
});

/** The kernel filters by table (strict checking is on), and by protocol where one is given. */
export const dumpRoutesRequest = (table: number, protocol = 0, family: number = k.AF_INET): NetlinkRequest => ({
  type: k.RTM_GETROUTE,
  flags: k.NLM_F_DUMP,
  what: `dump ${family === k.AF_INET6 ? 'IPv6 ' : ''}routes of table ${table}`,
  body: (w) => {
    w.u8x4(family, 0, 0, 0);
    w.u8x4(table < 256 ? table : 0, protocol, 0, 0);
    w.u32Word(0);
    if (table >= 256) w.attributeU32(k.RTA_TABLE, table);
  },
});

/** RTM_NEWROUTE or RTM_DELROUTE at the view's current message. Undefined for what is no entry of a table by destination:
 *  another family, a cached clone, an IPv6 route by source. */
export function decodeRoute(m: MessageView): Route | undefined {
  const at = m.at + 16;
  const flags = m.word(at + 8);
  const family = m.byte(at);
  if (family !== k.AF_INET && family !== k.AF_INET6) return undefined;
  if ((flags & k.RTM_F_CLONED) !== 0 || m.byte(at + 2) !== 0) return undefined;
  let dst: IpAddress = family === k.AF_INET6 ? ipv6(0n) : ipv4(0);
  let table = m.byte(at + 4);
  let metric = 0;
  let gateway: IpAddress = NOWHERE;
  let oif = 0;
  let prefSrc: IpAddress = NOWHERE;
  let nexthops: readonly RouteHop[] = [];
  m.attributes(at + 12, m.end, (type, a, length) => {
    if (type === k.RTA_DST) dst = m.ip(a, length);
    else if (type === k.RTA_OIF) oif = m.word(a);
    else if (type === k.RTA_GATEWAY) gateway = m.ip(a, length);
    else if (type === k.RTA_VIA) gateway = m.ip(a + 2, length - 2);
    else if (type === k.RTA_PRIORITY) metric = m.word(a);
    else if (type === k.RTA_TABLE) table = m.word(a);
    else if (type === k.RTA_PREFSRC) prefSrc = m.ip(a, length);
    else if (type === k.RTA_MULTIPATH) nexthops = decodeHops(m, a, a + length);
  });
  const first = nexthops[0];
  return {
    dst,
    len: m.byte(at + 1),
    table,
    protocol: m.byte(at + 5),
    type: m.byte(at + 7),
    scope: m.byte(at + 6),
    tos: m.byte(at + 3),
    metric,
    gateway: first?.gateway ?? gateway,
    oif: first?.oif ?? oif,
    flags,
    prefSrc,
    nexthops,
  };
}
const NOWHERE: Ipv4 = ipv4(0);

function decodeHops(m: MessageView, from: number, to: number): RouteHop[] {
  const hops: RouteHop[] = [];
  for (let at = from; at + 8 <= to; ) {
    const size = m.half(at);
    if (size < 8 || at + size > to) break;
    let gateway: IpAddress = NOWHERE;
    m.attributes(at + 8, at + size, (type, a, length) => {
      if (type === k.RTA_GATEWAY) gateway = m.ip(a, length);
      else if (type === k.RTA_VIA) gateway = m.ip(a + 2, length - 2);
    });
    hops.push({ gateway, oif: m.word(at + 4), flags: m.byte(at + 2) });
    at += (size + 3) & ~3;
  }
  return hops;
}
