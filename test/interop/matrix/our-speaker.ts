/** Our side of the matrix: a BgpSession of src/bgp-js in a namespace, with a table of what it announces and one of what it
 *  hears. Everything goes through the object API, so that it is tried against foreign messages too. */
import { formatIp, formatIpPrefix, type IpAddress, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { formatIpv4, type Ipv4 } from '../../../src/base/ipv4.ts';
import type { AsSegment, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import type {
  Agreed,
  RefreshKind,
  SessionConfig,
  SessionDown,
  SessionListener,
  Transport,
} from '../../../src/bgp-js/session/session-types.ts';
import { updateContext } from '../../../src/bgp-js/session/update-context.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../../../src/bgp-js/transport/transport.ts';
import { decodeUpdate } from '../../../src/bgp-js/update/decode-update.ts';
import { encodeUpdate } from '../../../src/bgp-js/update/encode-update.ts';
import type { Nlri } from '../../../src/bgp-js/update/update-types.ts';
import { type Family, familyName, IPV4_UNICAST, IPV6_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { inNetns } from '../../../src/sys/netns.ts';
import { systemClock, systemRandom, systemTimers } from '../../../src/sys/time.ts';
import { optional, type RouteView } from './route-view.ts';

/** A message's header and the length of the withdrawn routes stand in front of them. */
const BEFORE_WITHDRAWN = 21;

export interface Heard {
  readonly view: RouteView;
  /** The attributes as they came. */
  readonly hex: string;
}

export class OurSpeaker {
  config: SessionConfig;
  /** By prefix and path identifier. */
  readonly routes = new Map<string, Heard>();
  readonly events: string[] = [];
  readonly downs: SessionDown[] = [];
  /** Octets of the longest UPDATE that came, and of the longest we sent. */
  longestReceived = 0;
  longestSent = 0;
  private readonly announced = new Map<string, RouteView>();
  listening: BgpListener | undefined;
  private readonly netns: string;
  private now: BgpSession;

  constructor(netns: string, config: SessionConfig) {
    this.netns = netns;
    this.config = config;
    this.now = this.newSession();
  }

  get session(): BgpSession {
    return this.now;
  }

  /** TCP goes without a word, as with a process that died. The one that start() brings up in its place dials. */
  die(): void {
    this.session.stop({ kind: 'restart' });
    this.config = { ...this.config, passive: false };
    this.now = this.newSession();
  }

  private newSession(): BgpSession {
    const transport: Transport = { dial: (c, done) => inNetns(this.netns, () => tcpTransport.dial(c, done)) };
    const ports = { clock: systemClock, timers: systemTimers, random: systemRandom, transport };
    return new BgpSession(this.config, ports, this.hearing());
  }

  /** Accepts what the daemon dials, and dials itself unless it is passive. */
  async start(): Promise<void> {
    const { localAddress, peerAddress, password } = this.config;
    if (this.listening === undefined && localAddress !== undefined) {
      let opening: Promise<BgpListener> | undefined;
      inNetns(this.netns, () => {
        opening = listenBgp({
          address: localAddress,
          port: 179,
          onConnection: (c) => this.session.accept(c),
          accepts: (remote) => remote === peerAddress && { ...optional('ttlSecurity', this.config.ttlSecurity) },
        });
      });
      this.listening = await opening;
      if (password !== undefined) this.listening?.setPassword(peerAddress, password);
    }
    this.session.start();
  }

  close(): void {
    this.session.stop({ kind: 'restart' });
    this.listening?.close();
  }

  get agreed(): Agreed | undefined {
    return this.session.agreed;
  }

  heard(prefix: string): readonly Heard[] {
    return [...this.routes.values()].filter((h) => h.view.prefix === prefix);
  }

  /** Sent now, if there is a session, and again whenever the peer must hear everything. */
  announce(...views: readonly RouteView[]): void {
    for (const view of views) this.announced.set(keyOf(view), view);
    if (this.agreed !== undefined) this.sendAll(views);
  }

  withdraw(...views: readonly RouteView[]): void {
    for (const view of views) this.announced.delete(keyOf(view));
    const agreed = this.agreed;
    if (agreed === undefined) return;
    this.send(encodeUpdate({ withdrawn: views.map((v) => nlri(v)), announced: [] }, updateContext(agreed, 'send')));
  }

  /** No longer announced, but nobody is told: only an enhanced refresh takes it away. RFC 7313 4.1 */
  forget(view: RouteView): void {
    this.announced.delete(keyOf(view));
  }

  private sendAll(views: Iterable<RouteView>): void {
    const agreed = this.agreed;
    if (agreed === undefined) return;
    const context = updateContext(agreed, 'send');
    const groups = new Map<string, RouteView[]>();
    for (const view of views) {
      const key = JSON.stringify({ ...view, prefix: '', pathId: 0 });
      groups.set(key, [...(groups.get(key) ?? []), view]);
    }
    for (const group of groups.values()) {
      const [first] = group;
      if (first === undefined) continue;
      this.send(
        encodeUpdate({ withdrawn: [], announced: group.map((v) => nlri(v)), attributes: attributesOf(first) }, context),
      );
    }
  }

  private send(messages: Uint8Array): void {
    for (let at = 0; at + 18 < messages.length; ) {
      const length = ((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0);
      this.longestSent = Math.max(this.longestSent, length);
      at += Math.max(19, length);
    }
    this.session.send(messages);
  }

  private endOfRib(): void {
    const agreed = this.agreed;
    for (const family of agreed?.families ?? [])
      if (agreed !== undefined)
        this.send(encodeUpdate({ withdrawn: [], announced: [], endOfRib: family }, updateContext(agreed, 'send')));
  }

  private refreshed(family: Family, kind: RefreshKind): void {
    this.events.push(`refresh ${kind} ${familyName(family)}`);
    if (kind !== 'request') return;
    this.session.beginRefresh(family);
    this.sendAll(this.announced.values());
    this.session.endRefresh(family);
  }

  private hearing(): SessionListener {
    return {
      onState: (state) => this.events.push(state),
      onEstablished: () => {
        this.routes.clear();
        this.sendAll(this.announced.values());
        this.endOfRib();
      },
      onUpdate: (frame) => {
        const start = frame.withdrawnStart - BEFORE_WITHDRAWN;
        this.longestReceived = Math.max(this.longestReceived, frame.nlriEnd - start);
        const agreed = this.agreed;
        if (agreed === undefined) return;
        const update = decodeUpdate(frame.slab, start, frame.nlriEnd, {
          ...updateContext(agreed, 'receive'),
          allowAsSets: true,
        });
        for (const fault of update.faults) this.events.push(`fault ${JSON.stringify(fault)}`);
        for (const n of update.withdrawn) this.routes.delete(keyOfNlri(n));
        const { attributes } = update;
        if (attributes === undefined) return;
        const hex = Buffer.from(frame.slab.subarray(frame.attributesStart, frame.attributesEnd)).toString('hex');
        for (const n of update.announced) {
          this.routes.set(keyOfNlri(n), { view: viewOf(n, attributes), hex });
          this.events.push(`route ${n.prefix === undefined ? '' : formatIpPrefix(n.prefix)}`);
        }
      },
      onEndOfRib: (family) => void this.events.push(`end of RIB ${familyName(family)}`),
      onRouteRefresh: (family, kind) => this.refreshed(family, kind),
      onDrain: () => {},
      onDown: (down) => void this.downs.push(down),
    };
  }
}

const keyOf = (view: RouteView): string => `${view.prefix} ${view.pathId ?? 0}`;
const keyOfNlri = (n: Nlri): string => `${n.prefix === undefined ? '' : formatIpPrefix(n.prefix)} ${n.pathId ?? 0}`;

export function addressFrom(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}
export const ipv4From = (text: string): Ipv4 => addressFrom(text) as Ipv4;

function nlri(view: RouteView): Nlri {
  const prefix = parseIpPrefix(view.prefix);
  if (prefix === undefined) throw new Error(`${view.prefix} is no prefix`);
  const bits = typeof prefix.address === 'bigint' ? prefix.address : BigInt(prefix.address) << 96n;
  const octets = Buffer.from(bits.toString(16).padStart(32, '0'), 'hex').subarray(0, Math.ceil(prefix.length / 8));
  return {
    family: typeof prefix.address === 'bigint' ? IPV6_UNICAST : IPV4_UNICAST,
    prefix,
    ...optional('pathId', view.pathId),
    bytes: new Uint8Array([prefix.length, ...octets]),
  };
}

const ROUTE_TARGET = 0x0002n;
const ROUTE_ORIGIN = 0x0003n;

export function attributesOf(view: RouteView): PathAttributes {
  const nextHop = addressFrom(view.nextHop);
  const mp = view.prefix.includes(':') || view.nextHop.includes(':');
  const [aggregatorAsn, aggregatorAddress] = view.aggregator?.split(' ') ?? [];
  return {
    origin: view.origin,
    asPath: segmentsOf(view.asPath),
    ...(mp ? { mpNextHop: { address: nextHop } } : { nextHop: nextHop as Ipv4 }),
    ...optional('med', view.med),
    ...optional('localPref', view.localPref),
    ...optional('atomicAggregate', view.atomicAggregate),
    ...optional(
      'aggregator',
      aggregatorAddress === undefined
        ? undefined
        : { asn: Number(aggregatorAsn), address: ipv4From(aggregatorAddress) },
    ),
    ...optional(
      'communities',
      view.communities?.map((c) => {
        const [high, low] = c.split(':').map(Number);
        return (((high ?? 0) << 16) | (low ?? 0)) >>> 0;
      }),
    ),
    ...optional(
      'extendedCommunities',
      view.extendedCommunities?.map((c) => {
        const [kind, asn, number] = c.split(':');
        return ((kind === 'rt' ? ROUTE_TARGET : ROUTE_ORIGIN) << 48n) | (BigInt(asn ?? 0) << 32n) | BigInt(number ?? 0);
      }),
    ),
    ...optional(
      'largeCommunities',
      view.largeCommunities?.map((c) => {
        const [global, local1, local2] = c.split(':').map(Number);
        return { global: global ?? 0, local1: local1 ?? 0, local2: local2 ?? 0 };
      }),
    ),
    ...optional('originatorId', view.originatorId === undefined ? undefined : ipv4From(view.originatorId)),
    ...optional('clusterList', view.clusterList?.map(ipv4From)),
    ...optional('aigp', view.aigp === undefined ? undefined : { metric: BigInt(view.aigp) }),
    ...optional('onlyToCustomer', view.onlyToCustomer),
    ...optional(
      'unknown',
      view.unknown?.map((u) => {
        const [type, hex] = u.split(' ');
        // Optional transitive, and not ours alone: others do not know it either.
        return { type: Number(type), flags: 0xc0, value: new Uint8Array(Buffer.from(hex ?? '', 'hex')) };
      }),
    ),
  };
}

function segmentsOf(text: string): readonly AsSegment[] {
  return [...text.matchAll(/\{([^}]*)\}|[\d ]+/g)]
    .map((m): AsSegment => {
      const asns = (m[1] ?? m[0])
        .split(' ')
        .filter((asn) => asn !== '')
        .map(Number);
      return { type: m[1] === undefined ? 'sequence' : 'set', asns };
    })
    .filter((s) => s.asns.length > 0);
}

/** What we heard, in the words of the matrix. */
export function viewOf(n: Nlri, a: PathAttributes): RouteView {
  const nextHop =
    n.prefix !== undefined && typeof n.prefix.address === 'number' && a.nextHop !== undefined
      ? a.nextHop
      : a.mpNextHop?.address;
  const segment = (s: AsSegment): string =>
    s.type === 'set' ? `{${[...s.asns].sort((x, y) => x - y).join(' ')}}` : s.asns.join(' ');
  return {
    prefix: n.prefix === undefined ? '' : formatIpPrefix(n.prefix),
    ...optional('pathId', n.pathId),
    origin: a.origin,
    asPath: a.asPath.map(segment).join(' '),
    nextHop: nextHop === undefined ? '' : formatIp(nextHop),
    ...optional('med', a.med),
    ...optional('localPref', a.localPref),
    ...optional('atomicAggregate', a.atomicAggregate),
    ...optional(
      'aggregator',
      a.aggregator === undefined ? undefined : `${a.aggregator.asn} ${formatIpv4(a.aggregator.address)}`,
    ),
    ...optional(
      'communities',
      a.communities?.map((c) => `${c >>> 16}:${c & 0xffff}`),
    ),
    ...optional('extendedCommunities', a.extendedCommunities?.map(extendedText)),
    ...optional(
      'largeCommunities',
      a.largeCommunities?.map((c) => `${c.global}:${c.local1}:${c.local2}`),
    ),
    ...optional('originatorId', a.originatorId === undefined ? undefined : formatIpv4(a.originatorId)),
    ...optional('clusterList', a.clusterList?.map(formatIpv4)),
    ...optional('aigp', a.aigp === undefined ? undefined : Number(a.aigp.metric)),
    ...optional('onlyToCustomer', a.onlyToCustomer),
    ...optional(
      'unknown',
      a.unknown?.map((u) => `${u.type} ${Buffer.from(u.value).toString('hex')}`),
    ),
  };
}

function extendedText(c: bigint): string {
  const type = c >> 48n;
  if (type !== ROUTE_TARGET && type !== ROUTE_ORIGIN) return `0x${c.toString(16).padStart(16, '0')}`;
  return `${type === ROUTE_TARGET ? 'rt' : 'ro'}:${(c >> 32n) & 0xffffn}:${c & 0xffffffffn}`;
}
