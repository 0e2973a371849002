/** Links: request builders and the decoder. Pure. linux/if_link.h.
 *  A veth whose peer is born in another namespace takes one message and 0.5 ms; moving a link there takes 16 ms. */
import * as k from './constants.ts';
import { formatMac, macBytes } from './mac.ts';
import type { MessageView } from './message-view.ts';
import { type MessageWriter, wireWord } from './message-writer.ts';
import type { NetlinkRequest } from './request.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mtu: number;
  /** Administratively up (IFF_UP). */
  readonly up: boolean;
  readonly carrier: boolean;
  /** Text, or '' for a link without an Ethernet address (lo has zeros, tun none). */
  readonly mac: string;
  /** "veth", "vxlan", "ipip", "bridge", "tun"…; '' for a plain device. */
  readonly kind: string;
  /** ifindex of the bridge it belongs to; 0: none. */
  readonly master: number;
  /** ifindex of the lower device or of the veth peer (maybe in another namespace); 0: none. */
  readonly link: number;
  /** 0 on many virtual devices: they have no queue. */
  readonly txQueueLen: number;
  readonly vxlan?: { readonly vni: number; readonly port: number; readonly local: number; readonly device: number };
}

/** Per-interface IPv4 settings, set by netlink: no /proc/sys, which a container may have read-only. */
export interface InetConf {
  readonly forwarding?: boolean;
  readonly proxyArp?: boolean;
  /** 0 off, 1 strict, 2 loose */
  readonly rpFilter?: 0 | 1 | 2;
  readonly routeLocalnet?: boolean;
}

export interface VethOptions {
  readonly name: string;
  readonly mtu?: number;
  readonly mac?: string;
  readonly up?: boolean;
  /** The peer cannot be born up (ENOTCONN): bring it up afterwards. netnsFd: an open descriptor of its namespace. */
  readonly peer: { readonly name: string; readonly mtu?: number; readonly mac?: string; readonly netnsFd?: number };
}

export interface VxlanOptions {
  readonly name: string;
  readonly vni: number;
  readonly port: number;
  /** Own underlay address. */
  readonly local: number;
  /** ifindex of the underlay device. */
  readonly device: number;
  readonly mac?: string;
  readonly learning?: boolean;
  readonly mtu?: number;
  readonly up?: boolean;
}

/** Which link is meant: an index, or a name that the kernel resolves. */
export interface LinkSelector {
  readonly index?: number;
  readonly name?: string;
}

export interface LinkChange extends LinkSelector {
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** ifindex of the bridge; 0 takes it out. */
  readonly master?: number;
  readonly rename?: string;
  readonly arp?: boolean;
  readonly netnsFd?: number;
  readonly txQueueLen?: number;
  readonly inet?: InetConf;
}

const selectorText = (s: LinkSelector): string => s.name ?? `#${s.index}`;

function header(w: MessageWriter, index = 0, flags = 0, change = 0): void {
  w.u8x4(k.AF_UNSPEC, 0, 0, 0);
  w.u32Word(index);
  w.u32Word(flags);
  w.u32Word(change);
}
function common(w: MessageWriter, o: { readonly mtu?: number; readonly mac?: string }): void {
  if (o.mtu !== undefined) w.attributeU32(k.IFLA_MTU, o.mtu);
  if (o.mac !== undefined) w.attributeBytes(k.IFLA_ADDRESS, macBytes(o.mac));
}
function create(
  name: string,
  kind: string,
  o: { readonly mtu?: number; readonly mac?: string; readonly up?: boolean },
  data?: (w: MessageWriter) => void,
): NetlinkRequest {
  return {
    type: k.RTM_NEWLINK,
    flags: k.NLM_F_CREATE | k.NLM_F_EXCL,
    what: `add ${kind} link ${name}`,
    body: (w) => {
      header(w, 0, o.up ? k.IFF_UP : 0, o.up ? k.IFF_UP : 0);
      w.attributeText(k.IFLA_IFNAME, name);
      common(w, o);
      w.nest(k.IFLA_LINKINFO, () => {
        w.attributeText(k.IFLA_INFO_KIND, kind);
        if (data) w.nest(k.IFLA_INFO_DATA, () => data(w));
      });
    },
  };
}

export const newVeth = (o: VethOptions): NetlinkRequest =>
  create(o.name, 'veth', o, (w) =>
    w.nest(k.VETH_INFO_PEER, () => {
      header(w);
      w.attributeText(k.IFLA_IFNAME, o.peer.name);
      common(w, o.peer);
      if (o.peer.netnsFd !== undefined) w.attributeU32(k.IFLA_NET_NS_FD, o.peer.netnsFd);
    }),
  );

export const newBridge = (name: string, o: { readonly mtu?: number; readonly up?: boolean } = {}): NetlinkRequest =>
  create(name, 'bridge', o);

/** Kind ipip with the name tunl0 loads the module where there is one; EEXIST is success, EOPNOTSUPP: no module. */
export const newIpip = (name: string): NetlinkRequest => create(name, 'ipip', {});

export const newVxlan = (o: VxlanOptions): NetlinkRequest =>
  create(o.name, 'vxlan', o, (w) => {
    w.attributeU32(k.IFLA_VXLAN_ID, o.vni);
    w.attributeU32(k.IFLA_VXLAN_LINK, o.device);
    w.attributeIpv4(k.IFLA_VXLAN_LOCAL, o.local);
    w.attributeU8(k.IFLA_VXLAN_LEARNING, o.learning === true ? 1 : 0);
    w.attributeBytes(k.IFLA_VXLAN_PORT, Uint8Array.of(o.port >>> 8, o.port & 255));
  });

export function setLink(o: LinkChange): NetlinkRequest {
  let flags = 0;
  let change = 0;
  if (o.up !== undefined) {
    change |= k.IFF_UP;
    if (o.up) flags |= k.IFF_UP;
  }
  if (o.arp !== undefined) {
    change |= k.IFF_NOARP;
    if (!o.arp) flags |= k.IFF_NOARP;
  }
  return {
    type: k.RTM_SETLINK,
    flags: 0,
    what: `change link ${selectorText(o)}`,
    slow: o.netnsFd !== undefined || o.up === false,
    body: (w) => {
      header(w, o.index, flags, change);
      // Beside an index, IFLA_IFNAME is the new name; without one it selects.
      if (o.index === undefined && o.name !== undefined) w.attributeText(k.IFLA_IFNAME, o.name);
      else if (o.rename !== undefined) w.attributeText(k.IFLA_IFNAME, o.rename);
      common(w, o);
      if (o.master !== undefined) w.attributeU32(k.IFLA_MASTER, o.master);
      if (o.txQueueLen !== undefined) w.attributeU32(k.IFLA_TXQLEN, o.txQueueLen);
      if (o.netnsFd !== undefined) w.attributeU32(k.IFLA_NET_NS_FD, o.netnsFd);
      const inet = o.inet;
      if (inet)
        w.nest(k.IFLA_AF_SPEC, () => w.nest(k.AF_INET, () => w.nest(k.IFLA_INET_CONF, () => inetConf(w, inet))));
    },
  };
}
function inetConf(w: MessageWriter, c: InetConf): void {
  if (c.forwarding !== undefined) w.attributeU32(k.IPV4_DEVCONF_FORWARDING, Number(c.forwarding));
  if (c.proxyArp !== undefined) w.attributeU32(k.IPV4_DEVCONF_PROXY_ARP, Number(c.proxyArp));
  if (c.rpFilter !== undefined) w.attributeU32(k.IPV4_DEVCONF_RP_FILTER, c.rpFilter);
  if (c.routeLocalnet !== undefined) w.attributeU32(k.IPV4_DEVCONF_ROUTE_LOCALNET, Number(c.routeLocalnet));
}

export const deleteLink = (o: LinkSelector): NetlinkRequest => ({
  type: k.RTM_DELLINK,
  flags: 0,
  what: `delete link ${selectorText(o)}`,
  slow: true,
  body: (w) => {
    header(w, o.index);
    if (o.index === undefined && o.name !== undefined) w.attributeText(k.IFLA_IFNAME, o.name);
  },
});

export const getLinkRequest = (o: LinkSelector): NetlinkRequest => ({
  type: k.RTM_GETLINK,
  flags: 0,
  what: `get link ${selectorText(o)}`,
  body: (w) => {
    header(w, o.index);
    if (o.index === undefined && o.name !== undefined) w.attributeText(k.IFLA_IFNAME, o.name);
  },
});

export const dumpLinksRequest = (): NetlinkRequest => ({
  type: k.RTM_GETLINK,
  flags: k.NLM_F_DUMP,
  what: 'dump links',
  body: (w) => header(w),
});

/** RTM_NEWLINK or RTM_DELLINK at the view's current message. */
export function decodeLink(m: MessageView): Link {
  const flags = m.word(m.at + 24);
  let name = '';
  let mtu = 0;
  let mac = '';
  let master = 0;
  let link = 0;
  let txQueueLen = 0;
  let carrier = (flags & k.IFF_LOWER_UP) !== 0;
  let kind = '';
  let vxlan: Link['vxlan'];
  m.attributes(m.at + 32, m.end, (type, at, length) => {
    if (type === k.IFLA_IFNAME) name = m.text(at, length);
    else if (type === k.IFLA_MTU) mtu = m.word(at);
    else if (type === k.IFLA_ADDRESS && length === 6) mac = formatMac(m.u8.subarray(at, at + 6));
    else if (type === k.IFLA_MASTER) master = m.word(at);
    else if (type === k.IFLA_LINK) link = m.word(at);
    else if (type === k.IFLA_TXQLEN) txQueueLen = m.word(at);
    else if (type === k.IFLA_CARRIER) carrier = m.byte(at) === 1;
    else if (type === k.IFLA_LINKINFO)
      m.attributes(at, at + length, (t, a, l) => {
        if (t === k.IFLA_INFO_KIND) kind = m.text(a, l);
        else if (t === k.IFLA_INFO_DATA && kind === 'vxlan') vxlan = decodeVxlan(m, a, l);
      });
  });
  const index = m.word(m.at + 20);
  const decoded = { index, name, mtu, up: (flags & k.IFF_UP) !== 0, carrier, mac, kind, master, link, txQueueLen };
  return vxlan === undefined ? decoded : { ...decoded, vxlan };
}
function decodeVxlan(m: MessageView, from: number, length: number): NonNullable<Link['vxlan']> {
  let vni = 0;
  let port = 0;
  let local = 0;
  let device = 0;
  m.attributes(from, from + length, (type, at) => {
    if (type === k.IFLA_VXLAN_ID) vni = m.word(at);
    else if (type === k.IFLA_VXLAN_PORT) port = (m.byte(at) << 8) | m.byte(at + 1);
    else if (type === k.IFLA_VXLAN_LOCAL) local = wireWord(m.word(at));
    else if (type === k.IFLA_VXLAN_LINK) device = m.word(at);
  });
  return { vni, port, local, device };
}
