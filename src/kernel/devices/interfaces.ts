/** The node's links and addresses of both families, kept current by events. What is connected, what is local, which device leads to
 *  an address. Reads only; our own changes are seen too, since nothing is filtered. */
import { addressBits, type IpAddress, type IpPrefix, ipPrefix, isIpv6, prefixHolds } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import { isLinkLocal6 } from '../../base/ipv6.ts';
import { type Prefix, prefix } from '../../base/prefix.ts';
import type { Address } from '../../netlink/address.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import type { Link } from '../../netlink/link.ts';
import { type NetlinkEvent, openMonitor } from '../../netlink/monitor.ts';
import { dumpAllAddresses, dumpLinks, getLink } from '../../netlink/read.ts';

export interface ConnectedPrefix {
  readonly prefix: Prefix;
  readonly device: string;
  /** Our address in it. */
  readonly local: Ipv4;
}

/** The same of either family. */
export interface ConnectedIpPrefix {
  readonly prefix: IpPrefix;
  readonly device: string;
  readonly local: IpAddress;
}

export interface DeviceOf {
  readonly device: string;
  readonly index: number;
  readonly mtu: number;
  /** Of the connected subnet. */
  readonly prefixLength: number;
  readonly local: IpAddress;
}

export type InterfaceChange =
  | {
      readonly kind: 'link';
      readonly name: string;
      readonly index: number;
      readonly up: boolean;
      readonly gone: boolean;
    }
  | { readonly kind: 'address'; readonly device: string; readonly address: IpAddress; readonly gone: boolean }
  /** Events were lost; everything was read again. */
  | { readonly kind: 'reread' };

export interface Interfaces {
  links(): readonly Link[];
  byName(name: string): Link | undefined;
  byIndex(index: number): Link | undefined;
  addressesOf(device: string): readonly Address<IpAddress>[];
  /** IPv4 subnets of the addresses of links that are up, and single addresses as /32. */
  connected(): readonly ConnectedPrefix[];
  /** The same of IPv6, without link-local ones: those are on every link. */
  connectedIpv6(): readonly ConnectedIpPrefix[];
  /** `link`: of a link-local one, that may well be somebody else's on another link. */
  isLocal(address: IpAddress, link?: string): boolean;
  /** The link that has this very address: the underlay of a node. */
  linkWithAddress(address: IpAddress): Link | undefined;
  /** By the longest connected subnet (not /32 or /128) that contains the address, on a link that is up. Undefined for a
   *  link-local address, which does not tell its link. */
  deviceOf(address: IpAddress): DeviceOf | undefined;
  /** Asks the kernel about one link now: its event may still be on the way. */
  refresh(name: string): Promise<Link | undefined>;
  /** Called after the tables have changed; the answer unsubscribes. */
  onChange(listener: (change: InterfaceChange) => void): () => void;
  close(): void;
}

export interface WatchInterfacesOptions {
  readonly client: NetlinkClient;
  /** The namespace the client is of; absent: this one. */
  readonly netns?: string;
}

/** Listens first, then reads, then applies what came meanwhile. */
export async function watchInterfaces(options: WatchInterfacesOptions): Promise<Interfaces> {
  const table = new InterfaceTable(options);
  await table.reread();
  return table;
}

class InterfaceTable implements Interfaces {
  private readonly client: NetlinkClient;
  private readonly monitor: { close(): void };
  private byIndexMap = new Map<number, Link>();
  private byNameMap = new Map<string, Link>();
  private addresses = new Map<string, Address<IpAddress>>();
  private readonly listeners = new Set<(change: InterfaceChange) => void>();
  /** Events that arrive during a read wait for its end; undefined: no read is on. */
  private waiting: NetlinkEvent[] | undefined;
  private cached: readonly ConnectedIpPrefix[] | undefined;
  private closed = false;

  constructor(options: WatchInterfacesOptions) {
    this.client = options.client;
    this.monitor = openMonitor({
      groups: ['link', 'address', 'address6'],
      ...(options.netns === undefined ? {} : { netns: options.netns }),
      receiveBufferBytes: 4 << 20,
      onEvent: (event) => (this.waiting === undefined ? this.apply(event) : void this.waiting.push(event)),
      onOverflow: () => void this.reread().catch(() => {}),
    });
  }
  async reread(): Promise<void> {
    this.waiting ??= [];
    const [links, addresses] = await Promise.all([dumpLinks(this.client), dumpAllAddresses(this.client)]);
    if (this.closed) return;
    this.byIndexMap = new Map(links.map((l) => [l.index, l]));
    this.byNameMap = new Map(links.map((l) => [l.name, l]));
    this.addresses = new Map(addresses.map((a) => [addressKey(a), a]));
    this.cached = undefined;
    const waited = this.waiting ?? [];
    this.waiting = undefined;
    for (const event of waited) this.apply(event);
    this.tell({ kind: 'reread' });
  }
  private apply(event: NetlinkEvent): void {
    this.cached = undefined;
    if (event.kind === 'link') this.applyLink(event.link, event.gone);
    else if (event.kind === 'address') this.applyAddress(event.address, event.gone);
  }
  private applyLink(link: Link, gone: boolean): void {
    const before = this.byIndexMap.get(link.index);
    if (before !== undefined && this.byNameMap.get(before.name) === before) this.byNameMap.delete(before.name);
    if (gone) {
      this.byIndexMap.delete(link.index);
      // The kernel deletes the addresses with it; their events may come later or never.
      for (const [key, a] of this.addresses) if (a.index === link.index) this.addresses.delete(key);
    } else {
      this.byIndexMap.set(link.index, link);
      this.byNameMap.set(link.name, link);
    }
    const up = link.up && !gone;
    if (before !== undefined && before.name !== link.name)
      this.tell({ kind: 'link', name: before.name, index: link.index, up: false, gone: true });
    this.tell({ kind: 'link', name: link.name, index: link.index, up, gone });
  }
  /** The kernel tells of an address again when it was found to be nobody else's, and IPv6 with each Router Advertisement: all routes
   *  would be judged anew, and nothing that anybody asks for has changed. */
  private applyAddress(address: Address<IpAddress>, gone: boolean): void {
    const key = addressKey(address);
    if (!gone && this.addresses.get(key)?.scope === address.scope) return;
    if (gone) this.addresses.delete(key);
    else this.addresses.set(key, address);
    const device = this.byIndexMap.get(address.index)?.name ?? '';
    this.tell({ kind: 'address', device, address: address.address, gone });
  }
  private tell(change: InterfaceChange): void {
    for (const listener of this.listeners) listener(change);
  }
  links(): readonly Link[] {
    return [...this.byIndexMap.values()];
  }
  byName(name: string): Link | undefined {
    return this.byNameMap.get(name);
  }
  byIndex(index: number): Link | undefined {
    return this.byIndexMap.get(index);
  }
  addressesOf(device: string): readonly Address<IpAddress>[] {
    const index = this.byNameMap.get(device)?.index;
    return [...this.addresses.values()].filter((a) => a.index === index);
  }
  /** Both families, longest first. */
  private subnets(): readonly ConnectedIpPrefix[] {
    if (this.cached !== undefined) return this.cached;
    const found: ConnectedIpPrefix[] = [];
    for (const a of this.addresses.values()) {
      const link = this.byIndexMap.get(a.index);
      if (link?.up !== true) continue;
      found.push({ prefix: ipPrefix(a.peer, a.length), device: link.name, local: a.address });
    }
    this.cached = found.sort((a, b) => b.prefix.length - a.prefix.length);
    return this.cached;
  }
  connected(): readonly ConnectedPrefix[] {
    return this.subnets().flatMap(({ prefix: p, device, local }) =>
      isIpv6(p.address) || isIpv6(local) ? [] : [{ prefix: prefix(p.address, p.length), device, local }],
    );
  }
  connectedIpv6(): readonly ConnectedIpPrefix[] {
    return this.subnets().filter(({ prefix: p }) => isIpv6(p.address) && !isLinkLocal6(p.address));
  }
  isLocal(address: IpAddress, link?: string): boolean {
    const on = isIpv6(address) && isLinkLocal6(address) ? link : undefined;
    for (const a of this.addresses.values())
      if (a.address === address && (on === undefined || this.byIndexMap.get(a.index)?.name === on)) return true;
    return false;
  }
  async refresh(name: string): Promise<Link | undefined> {
    const link = await getLink(this.client, name);
    if (this.closed) return link;
    const known = this.byNameMap.get(name);
    if (link !== undefined && (known?.index !== link.index || known.up !== link.up || known.mtu !== link.mtu)) {
      this.cached = undefined;
      if (known !== undefined && known.index !== link.index) this.applyLink(known, true);
      this.applyLink(link, false);
    } else if (link === undefined && known !== undefined) {
      this.cached = undefined;
      this.applyLink(known, true);
    }
    return link;
  }
  linkWithAddress(address: IpAddress): Link | undefined {
    for (const a of this.addresses.values()) if (a.address === address) return this.byIndexMap.get(a.index);
    return undefined;
  }
  deviceOf(address: IpAddress): DeviceOf | undefined {
    if (isIpv6(address) && isLinkLocal6(address)) return undefined;
    for (const c of this.subnets()) {
      // A /32 of our own is no way to anywhere; that of a point-to-point peer is.
      if (c.prefix.length === addressBits(c.prefix.address) && c.prefix.address === c.local) continue;
      if (!prefixHolds(c.prefix, address)) continue;
      const link = this.byNameMap.get(c.device);
      if (link === undefined) continue;
      const { index, mtu } = link;
      return { device: c.device, index, mtu, prefixLength: c.prefix.length, local: c.local };
    }
    return undefined;
  }
  onChange(listener: (change: InterfaceChange) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  close(): void {
    this.closed = true;
    this.listeners.clear();
    this.monitor.close();
  }
}

const addressKey = (a: Address<IpAddress>): string => `${a.index} ${a.address} ${a.length} ${a.peer}`;
