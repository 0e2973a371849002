/** Tables to try things on: addresses, prefixes and UPDATEs from text, a scheduler that runs when told, a clock that stands. */
import { formatIpPrefix, type IpAddress, ipPrefix } from '../../src/base/ip.ts';
import { type ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import type { Clock } from '../../src/base/ports.ts';
import { type Prefix, parsePrefix, prefixKey } from '../../src/base/prefix.ts';
import type { Ipv4Attributes } from '../../src/bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../../src/bgp-js/attributes/attributes.ts';
import { packAnnouncements, packWithdrawals } from '../../src/bgp-js/update/packer.ts';
import { splitUpdate } from '../../src/bgp-js/update/update.ts';
import type { UpdateFrame } from '../../src/bgp-js/update/update-frame.ts';
import { LocRib, type LocRibConfig, type ReceiveOptions } from '../../src/rib/ribs/loc-rib.ts';
import type { BestPath, PathSource, RouteFeed } from '../../src/rib/terms/feed.ts';

export const address = (text: string): ReturnType<typeof ipv4> => {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
};

export const cidr = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed;
};
const key = (text: string): number => prefixKey(cidr(text).address, cidr(text).length);

export const attributes = (nextHop: string, more: Partial<Ipv4Attributes> = {}): Ipv4Attributes => ({
  origin: 'igp',
  asPath: [],
  nextHop: address(nextHop),
  localPref: 100,
  ...more,
});

/** The UPDATEs in `messages`, one behind the other. */
export function updates(messages: Uint8Array): UpdateFrame[] {
  const frames: UpdateFrame[] = [];
  for (let at = 0; at < messages.length; ) {
    const length = ((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0);
    const frame = splitUpdate(messages, at, at + length);
    if (!frame.ok) throw new Error(frame.error.text);
    frames.push(frame.value);
    at += length;
  }
  return frames;
}

export const announcement = (a: Ipv4Attributes, ...prefixes: string[]): UpdateFrame =>
  updates(packAnnouncements(encodeAttributes(a, { fourOctetAs: true }), prefixes.map(key)))[0] as UpdateFrame;

/** Attribute bytes as they are, right or wrong. */
export const rawAnnouncement = (bytes: Uint8Array, ...prefixes: string[]): UpdateFrame =>
  updates(packAnnouncements(bytes, prefixes.map(key)))[0] as UpdateFrame;

export const withdrawal = (...prefixes: string[]): UpdateFrame =>
  updates(packWithdrawals(prefixes.map(key)))[0] as UpdateFrame;

/** What sessions agree on as a rule. */
export const PLAIN: ReceiveOptions = { fourOctetAs: true, addPath: false };

export const standingClock: Clock = { now: () => 0, wall: () => 1_700_000_000_000 };

/** A Loc-RIB whose later turns run by `turn()`. */
export function ribOf(more: Partial<LocRibConfig> = {}): { rib: LocRib; turn: () => boolean } {
  const queue: (() => void)[] = [];
  const rib = new LocRib({
    family: 'ipv4',
    schedule: (run) => queue.push(run),
    clock: standingClock,
    bgpIdentifier: address('10.9.0.1'),
    isOurAddress: (a) => a === address('10.9.0.1'),
    ...more,
  });
  const turn = (): boolean => {
    const run = queue.shift();
    run?.();
    return run !== undefined;
  };
  return { rib, turn };
}

export function addPeer(rib: LocRib, at: string, more: Partial<Parameters<LocRib['addSource']>[0]> = {}): PathSource {
  const source = rib.addSource({
    name: `peer ${at}`,
    kind: 'ibgp',
    address: address(at),
    localAsn: 64512,
    peerAsn: 64512,
    ...more,
  });
  rib.identify(source, address(at));
  return source;
}

/** What a feed heard, as text: "+10.0.0.0/8 10.9.0.2", "-10.0.0.0/8", "end". */
export class HeardFeed implements RouteFeed {
  readonly heard: string[] = [];
  /** What it believes now: prefix -> source name. */
  readonly believes = new Map<string, string>();

  onBest(best: BestPath): void {
    const at = formatIpPrefix(ipPrefix(best.address, best.length));
    this.heard.push(`+${at} ${best.source.name}`);
    this.believes.set(at, best.source.name);
  }
  onWithdraw(a: IpAddress, length: number): void {
    const at = formatIpPrefix(ipPrefix(a, length));
    this.heard.push(`-${at}`);
    this.believes.delete(at);
  }
  onEndOfFeed(): void {
    this.heard.push('end');
  }
  take(): string[] {
    return this.heard.splice(0);
  }
}
