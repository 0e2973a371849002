/** Neighbours, forwarding entries of vxlan and bridge, and the proxy delay: builders and the decoder. Pure.
 *  linux/neighbour.h. */
import { formatIpv4, type Ipv4, ipv4 } from '../base/ipv4.ts';
import * as k from './constants.ts';
import { formatMac, macBytes } from './mac.ts';
import type { MessageView } from './message-view.ts';
import type { NetlinkRequest } from './request.ts';

export interface Neighbour {
  readonly index: number;
  /** The address resolved; of a forwarding entry the remote VTEP. 0: none. */
  readonly address: Ipv4;
  readonly mac: string;
  /** NUD_… bits; 0x80 permanent */
  readonly state: number;
  /** NTF_… bits */
  readonly flags: number;
  readonly family: number;
}

export interface NeighbourOptions {
  readonly index: number;
  readonly address: number;
  /** Needed unless `proxy`. */
  readonly mac?: string;
  /** Answer ARP for the address on this link (NTF_PROXY). */
  readonly proxy?: boolean;
}

export interface ForwardingEntry {
  /** ifindex of the vxlan device. */
  readonly index: number;
  readonly mac: string;
  /** Remote VTEP. */
  readonly destination: number;
}

const neighbour = (o: NeighbourOptions, type: number, flags: number, verb: string): NetlinkRequest => ({
  type,
  flags,
  what: `${verb} neighbour ${formatIpv4(o.address)} of link #${o.index}`,
  body: (w) => {
    w.u8x4(k.AF_INET, 0, 0, 0);
    w.u32Word(o.index);
    w.u16u8u8(k.NUD_PERMANENT, o.proxy ? k.NTF_PROXY : 0, 0);
    w.attributeIpv4(k.NDA_DST, o.address);
    if (o.mac !== undefined) w.attributeBytes(k.NDA_LLADDR, macBytes(o.mac));
  },
});
/** Permanent; replaces what is there for the address. */
export const addNeighbour = (o: NeighbourOptions): NetlinkRequest =>
  neighbour(o, k.RTM_NEWNEIGH, k.NLM_F_CREATE | k.NLM_F_REPLACE, 'set');
export const deleteNeighbour = (o: NeighbourOptions): NetlinkRequest => neighbour(o, k.RTM_DELNEIGH, 0, 'delete');

const forwarding = (o: ForwardingEntry, type: number, flags: number, verb: string): NetlinkRequest => ({
  type,
  flags,
  what: `${verb} forwarding entry ${o.mac} to ${formatIpv4(o.destination)} of link #${o.index}`,
  body: (w) => {
    w.u8x4(k.AF_BRIDGE, 0, 0, 0);
    w.u32Word(o.index);
    w.u16u8u8(k.NUD_PERMANENT, k.NTF_SELF, 0);
    w.attributeBytes(k.NDA_LLADDR, macBytes(o.mac));
    w.attributeIpv4(k.NDA_DST, o.destination);
  },
});
export const addForwarding = (o: ForwardingEntry): NetlinkRequest =>
  forwarding(o, k.RTM_NEWNEIGH, k.NLM_F_CREATE | k.NLM_F_REPLACE, 'set');
export const deleteForwarding = (o: ForwardingEntry): NetlinkRequest => forwarding(o, k.RTM_DELNEIGH, 0, 'delete');

/** Family AF_INET for neighbours (with `proxy` the proxied ones), AF_BRIDGE for forwarding entries. */
export const dumpNeighboursRequest = (o: {
  readonly family?: number;
  readonly index?: number;
  readonly proxy?: boolean;
}): NetlinkRequest => ({
  type: k.RTM_GETNEIGH,
  flags: k.NLM_F_DUMP,
  what: 'dump neighbours',
  body: (w) => {
    const bridge = o.family === k.AF_BRIDGE;
    w.u8x4(o.family ?? k.AF_INET, 0, 0, 0);
    w.u32Word(bridge ? (o.index ?? 0) : 0);
    w.u16u8u8(0, o.proxy ? k.NTF_PROXY : 0, 0);
    if (!bridge && o.index !== undefined) w.attributeU32(NDA_IFINDEX, o.index);
  },
});
const NDA_IFINDEX = 8;

/** How long the kernel waits before it answers a proxied ARP request; up to 0.8 s by default, 0 answers at once. */
export const setProxyDelay = (o: { readonly index: number; readonly ms: number }): NetlinkRequest => ({
  type: k.RTM_SETNEIGHTBL,
  flags: k.NLM_F_REPLACE,
  what: `set proxy_delay of link #${o.index}`,
  body: (w) => {
    w.u8x4(k.AF_INET, 0, 0, 0);
    w.attributeText(k.NDTA_NAME, 'arp_cache');
    w.nest(k.NDTA_PARMS, () => {
      w.attributeU32(k.NDTPA_IFINDEX, o.index);
      w.attributeU64(k.NDTPA_PROXY_DELAY, o.ms);
    });
  },
});

/** RTM_NEWNEIGH or RTM_DELNEIGH at the view's current message. */
export function decodeNeighbour(m: MessageView): Neighbour {
  let address = 0;
  let mac = '';
  m.attributes(m.at + 28, m.end, (type, at, length) => {
    if (type === k.NDA_DST && length === 4) address = m.ipv4(at);
    else if (type === k.NDA_LLADDR && length === 6) mac = formatMac(m.u8.subarray(at, at + 6));
  });
  return {
    index: m.word(m.at + 20),
    address: ipv4(address),
    mac,
    state: m.half(m.at + 24),
    flags: m.byte(m.at + 26),
    family: m.byte(m.at + 16),
  };
}
