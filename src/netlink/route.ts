/** IPv4 routes: request builders and the decoder. Pure. linux/rtnetlink.h.
 *  Two traps that the kernel sets, tried: REPLACE ignores the protocol and takes the first route of (prefix, tos,
 *  metric), also a foreign one; a delete without protocol takes any. So adds are EXCL by default and a delete always
 *  carries its protocol. Many routes at once: route-batch.ts. */
import { formatIpv4, type Ipv4, ipv4 } from '../base/ipv4.ts';
import * as k from './constants.ts';
import type { MessageView } from './message-view.ts';
import type { MessageWriter } from './message-writer.ts';
import type { NetlinkRequest } from './request.ts';

export interface RouteHop {
  /** 0: on the link itself */
  readonly gateway: Ipv4;
  /** ifindex; 0: none */
  readonly oif: number;
  /** RTNH_F_… bits: 1 dead, 4 onlink, 16 linkdown */
  readonly flags: number;
}

export interface Route {
  readonly dst: Ipv4;
  readonly len: number;
  readonly table: number;
  readonly protocol: number;
  /** RTN_…: 1 unicast, 2 local, 6 blackhole */
  readonly type: number;
  readonly scope: number;
  readonly tos: number;
  readonly metric: number;
  /** Of the first next hop; 0 where there is none. */
  readonly gateway: Ipv4;
  readonly oif: number;
  /** rtm_flags, which a single next hop's RTNH_F_… share. */
  readonly flags: number;
  readonly prefSrc: Ipv4;
  /** Two or more; empty for the common single one. */
  readonly nexthops: readonly RouteHop[];
}

export interface RouteOptions {
  readonly dst: number;
  readonly len: number;
  /** Default main. */
  readonly table?: number;
  readonly protocol: number;
  readonly type?: number;
  readonly scope?: number;
  readonly metric?: number;
  readonly gateway?: number;
  readonly oif?: number;
  readonly onlink?: boolean;
  readonly prefSrc?: number;
  /** Two or more; then gateway, oif and onlink above are not looked at. */
  readonly nexthops?: readonly { readonly gateway?: number; readonly oif: number; readonly onlink?: boolean }[];
}

/** rtmsg and its attributes, without the nlmsghdr. */
export function writeRoute(w: MessageWriter, o: RouteOptions): void {
  const several = o.nexthops !== undefined && o.nexthops.length > 1 ? o.nexthops : undefined;
  const table = o.table ?? k.RT_TABLE_MAIN;
  w.u8x4(k.AF_INET, o.len, 0, 0);
  w.u8x4(table < 256 ? table : 0, o.protocol, o.scope ?? k.RT_SCOPE_UNIVERSE, o.type ?? k.RTN_UNICAST);
  w.u32Word(several === undefined && o.onlink === true ? k.RTNH_F_ONLINK : 0);
  w.attributeIpv4(k.RTA_DST, o.dst);
  if (table >= 256) w.attributeU32(k.RTA_TABLE, table);
  if (o.metric !== undefined && o.metric !== 0) w.attributeU32(k.RTA_PRIORITY, o.metric);
  if (o.prefSrc !== undefined) w.attributeIpv4(k.RTA_PREFSRC, o.prefSrc);
  if (several === undefined) {
    if (o.oif !== undefined && o.oif !== 0) w.attributeU32(k.RTA_OIF, o.oif);
    if (o.gateway !== undefined && o.gateway !== 0) w.attributeIpv4(k.RTA_GATEWAY, o.gateway);
    return;
  }
  const hops = (): void => {
    for (const hop of several)
      w.nextHop(hop.onlink === true ? k.RTNH_F_ONLINK : 0, hop.oif, () => {
        if (hop.gateway !== undefined && hop.gateway !== 0) w.attributeIpv4(k.RTA_GATEWAY, hop.gateway);
      });
  };
  w.nest(k.RTA_MULTIPATH, hops, 0);
}

const routeText = (o: RouteOptions): string => `${formatIpv4(o.dst)}/${o.len}`;

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
export const dumpRoutesRequest = (table: number, protocol = 0): NetlinkRequest => ({
  type: k.RTM_GETROUTE,
  flags: k.NLM_F_DUMP,
  what: `dump routes of table ${table}`,
  body: (w) => {
    w.u8x4(k.AF_INET, 0, 0, 0);
    w.u8x4(table < 256 ? table : 0, protocol, 0, 0);
    w.u32Word(0);
    if (table >= 256) w.attributeU32(k.RTA_TABLE, table);
  },
});

/** RTM_NEWROUTE or RTM_DELROUTE at the view's current message. IPv4 only: undefined for another family, and for a
 *  cached clone, which is no entry of a table. */
export function decodeRoute(m: MessageView): Route | undefined {
  const at = m.at + 16;
  const flags = m.word(at + 8);
  if (m.byte(at) !== k.AF_INET || (flags & k.RTM_F_CLONED) !== 0) return undefined;
  let dst = 0;
  let table = m.byte(at + 4);
  let metric = 0;
  let gateway = 0;
  let oif = 0;
  let prefSrc = 0;
  let nexthops: readonly RouteHop[] = [];
  m.attributes(at + 12, m.end, (type, a, length) => {
    if (type === k.RTA_DST) dst = m.ipv4(a);
    else if (type === k.RTA_OIF) oif = m.word(a);
    else if (type === k.RTA_GATEWAY) gateway = m.ipv4(a);
    else if (type === k.RTA_PRIORITY) metric = m.word(a);
    else if (type === k.RTA_TABLE) table = m.word(a);
    else if (type === k.RTA_PREFSRC) prefSrc = m.ipv4(a);
    else if (type === k.RTA_MULTIPATH) nexthops = decodeHops(m, a, a + length);
  });
  const first = nexthops[0];
  return {
    dst: ipv4(dst),
    len: m.byte(at + 1),
    table,
    protocol: m.byte(at + 5),
    type: m.byte(at + 7),
    scope: m.byte(at + 6),
    tos: m.byte(at + 3),
    metric,
    gateway: first?.gateway ?? ipv4(gateway),
    oif: first?.oif ?? oif,
    flags,
    prefSrc: ipv4(prefSrc),
    nexthops,
  };
}
function decodeHops(m: MessageView, from: number, to: number): RouteHop[] {
  const hops: RouteHop[] = [];
  for (let at = from; at + 8 <= to; ) {
    const size = m.half(at);
    if (size < 8 || at + size > to) break;
    let gateway = 0;
    m.attributes(at + 8, at + size, (type, a) => {
      if (type === k.RTA_GATEWAY) gateway = m.ipv4(a);
    });
    hops.push({ gateway: ipv4(gateway), oif: m.word(at + 4), flags: m.byte(at + 2) });
    at += (size + 3) & ~3;
  }
  return hops;
}
