/** Addresses of links: request builders and the decoder. Pure. linux/if_addr.h. */
import { formatIp, type IpAddress, isIpv6 } from '../base/ip.ts';
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import * as k from './constants.ts';
import type { MessageView } from './message-view.ts';
import type { NetlinkRequest } from './request.ts';

export interface Address<A extends IpAddress = Ipv4> {
  readonly index: number;
  /** The local address. */
  readonly address: A;
  readonly length: number;
  /** 0 universe, 253 link, 254 host */
  readonly scope: number;
  /** The other end of a point-to-point link; equal to `address` where there is none. */
  readonly peer: A;
}

export interface AddressOptions {
  /** ifindex */
  readonly index: number;
  readonly address: number | bigint;
  readonly length: number;
  readonly scope?: number;
  /** Point to point: the other end, to which `length` then belongs. */
  readonly peer?: number | bigint;
  readonly broadcast?: number;
}

const request = (o: AddressOptions, type: number, flags: number, verb: string): NetlinkRequest => ({
  type,
  flags,
  what: `${verb} address ${formatIp(o.address as IpAddress)}/${o.length} of link #${o.index}`,
  body: (w) => {
    w.u8x4(typeof o.address === 'bigint' ? k.AF_INET6 : k.AF_INET, o.length, 0, o.scope ?? k.RT_SCOPE_UNIVERSE);
    w.u32Word(o.index);
    w.attributeIp(k.IFA_LOCAL, o.address as IpAddress);
    w.attributeIp(k.IFA_ADDRESS, (o.peer ?? o.address) as IpAddress);
    if (o.broadcast !== undefined) w.attributeIpv4(k.IFA_BROADCAST, o.broadcast);
  },
});

export const addAddress = (o: AddressOptions): NetlinkRequest =>
  request(o, k.RTM_NEWADDR, k.NLM_F_CREATE | k.NLM_F_EXCL, 'add');
export const deleteAddress = (o: AddressOptions): NetlinkRequest => request(o, k.RTM_DELADDR, 0, 'delete');

export const dumpAddressesRequest = (index = 0, family: number = k.AF_INET): NetlinkRequest => ({
  type: k.RTM_GETADDR,
  flags: k.NLM_F_DUMP,
  what: 'dump addresses',
  body: (w) => {
    w.u8x4(family, 0, 0, 0);
    w.u32Word(index);
  },
});

/** RTM_NEWADDR or RTM_DELADDR at the view's current message, of either family. */
export function decodeAddress(m: MessageView): Address<IpAddress> {
  let local: IpAddress | undefined;
  let peer: IpAddress = ipv4(0);
  m.attributes(m.at + 24, m.end, (type, at, length) => {
    if (type === k.IFA_LOCAL) local = m.ip(at, length);
    else if (type === k.IFA_ADDRESS) peer = m.ip(at, length);
  });
  return {
    index: m.word(m.at + 20),
    address: local ?? peer,
    length: m.byte(m.at + 17),
    scope: m.byte(m.at + 19),
    peer,
  };
}

/** Where it is IPv4. */
export const ifIpv4Address = (a: Address<IpAddress>): Address | undefined =>
  isIpv6(a.address) || isIpv6(a.peer) ? undefined : { ...a, address: a.address, peer: a.peer };
