/** IPv4 addresses of links: request builders and the decoder. Pure. linux/if_addr.h. */
import { formatIpv4, type Ipv4, ipv4 } from '../base/ipv4.ts';
import * as k from './constants.ts';
import type { MessageView } from './message-view.ts';
import type { NetlinkRequest } from './request.ts';

export interface Address {
  readonly index: number;
  /** The local address. */
  readonly address: Ipv4;
  readonly length: number;
  /** 0 universe, 253 link, 254 host */
  readonly scope: number;
  /** The other end of a point-to-point link; equal to `address` where there is none. */
  readonly peer: Ipv4;
}

export interface AddressOptions {
  /** ifindex */
  readonly index: number;
  readonly address: number;
  readonly length: number;
  readonly scope?: number;
  /** Point to point: the other end, to which `length` then belongs. */
  readonly peer?: number;
  readonly broadcast?: number;
}

const request = (o: AddressOptions, type: number, flags: number, verb: string): NetlinkRequest => ({
  type,
  flags,
  what: `${verb} address ${formatIpv4(o.address)}/${o.length} of link #${o.index}`,
  body: (w) => {
    w.u8x4(k.AF_INET, o.length, 0, o.scope ?? k.RT_SCOPE_UNIVERSE);
    w.u32Word(o.index);
    w.attributeIpv4(k.IFA_LOCAL, o.address);
    w.attributeIpv4(k.IFA_ADDRESS, o.peer ?? o.address);
    if (o.broadcast !== undefined) w.attributeIpv4(k.IFA_BROADCAST, o.broadcast);
  },
});

export const addAddress = (o: AddressOptions): NetlinkRequest =>
  request(o, k.RTM_NEWADDR, k.NLM_F_CREATE | k.NLM_F_EXCL, 'add');
export const deleteAddress = (o: AddressOptions): NetlinkRequest => request(o, k.RTM_DELADDR, 0, 'delete');

export const dumpAddressesRequest = (index = 0): NetlinkRequest => ({
  type: k.RTM_GETADDR,
  flags: k.NLM_F_DUMP,
  what: 'dump addresses',
  body: (w) => {
    w.u8x4(k.AF_INET, 0, 0, 0);
    w.u32Word(index);
  },
});

/** RTM_NEWADDR or RTM_DELADDR at the view's current message. */
export function decodeAddress(m: MessageView): Address {
  let local: number | undefined;
  let peer = 0;
  m.attributes(m.at + 24, m.end, (type, at) => {
    if (type === k.IFA_LOCAL) local = m.ipv4(at);
    else if (type === k.IFA_ADDRESS) peer = m.ipv4(at);
  });
  return {
    index: m.word(m.at + 20),
    address: ipv4(local ?? peer),
    length: m.byte(m.at + 17),
    scope: m.byte(m.at + 19),
    peer: ipv4(peer),
  };
}
