/** Ranges of addresses from which whoever connects is a peer: which range an address is in, how many are there, and what such a
 *  peer's configuration is. Pure. */
import { formatIp, formatIpPrefix, type IpAddress, prefixHolds } from '../base/ip.ts';
import type { AsnRange, DynamicRange, PeerConfig } from '../model/peer.ts';
import { peerKey } from './peer-key.ts';

/** One that is here. */
export interface StrangerPeer {
  readonly address: IpAddress;
  /** Of a link-local one. */
  readonly device: string | undefined;
  /** As its OPEN said; undefined: nothing yet. */
  readonly asn: number | undefined;
}

export class Strangers {
  private ranges: readonly DynamicRange[] = [];
  /** Of each range, by its prefix as text: peers that are here. */
  private readonly present = new Map<string, number>();
  /** Ranges of which it was said that they are full. */
  private readonly full = new Set<string>();

  get areExpected(): boolean {
    return this.ranges.length > 0;
  }

  /** Longest prefix first: it counts. */
  set(ranges: readonly DynamicRange[]): void {
    this.ranges = [...ranges].sort((a, b) => b.prefix.length - a.prefix.length);
    this.full.clear();
  }

  rangeOf(address: IpAddress): DynamicRange | undefined {
    return this.ranges.find((range) => prefixHolds(range.prefix, address));
  }

  hasRoom(range: DynamicRange): boolean {
    return (this.present.get(formatIpPrefix(range.prefix)) ?? 0) < range.limit;
  }

  /** True the first time. */
  sayFull(range: DynamicRange): boolean {
    const key = formatIpPrefix(range.prefix);
    if (this.full.has(key)) return false;
    this.full.add(key);
    return true;
  }

  /** Who is here, after every change of ranges or peers. */
  count(peers: Iterable<IpAddress>): void {
    this.present.clear();
    for (const address of peers) {
      const range = this.rangeOf(address);
      if (range) this.add(range, 1);
    }
  }

  add(range: DynamicRange, one: 1 | -1): void {
    const key = formatIpPrefix(range.prefix);
    this.present.set(key, (this.present.get(key) ?? 0) + one);
  }
}

export const strangerName = (address: IpAddress, device: string | undefined): string => {
  const key = peerKey(address, device);
  return typeof key === 'string' ? key : formatIp(address);
};

export function strangerConfig(range: DynamicRange, { address, device, asn }: StrangerPeer): PeerConfig {
  const [first] = range.asns;
  const known = asn !== undefined && range.asns.some(({ from, to }: AsnRange) => asn >= from && asn <= to);
  return {
    ...range.settings,
    kind: 'dynamic',
    passive: true,
    name: strangerName(address, device),
    address,
    asn: known ? asn : (first?.from ?? 0),
    ...(device !== undefined && { interface: device }),
  };
}
