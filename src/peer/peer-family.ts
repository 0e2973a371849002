/** One address family of a peer: where its paths come in, what of them is kept when it goes, and what it is sent. Pure of I/O.
 *  It lives as long as the peer is configured, sessions come and go. The session is peer.ts's. */
import { type IpAddress, type IpPrefix, ifIpv4, isIpv6, prefixHolds } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';
import type { Clock, Timers } from '../base/ports.ts';
import type { Reason } from '../base/reason.ts';
import type { Agreed, RefreshKind } from '../bgp-js/session/session-types.ts';
import type { UpdateFrame } from '../bgp-js/update/update-frame.ts';
import { type Family, hasFamily, IPV4_UNICAST, IPV6_UNICAST, sameFamily } from '../bgp-js/wire/family.ts';
import type { FamilyName, MaxPrefixes, PeerConfig } from '../model/peer.ts';
import { AdjRibOut, type Advertised } from '../rib/out/adj-rib-out.ts';
import type { Exported, OutRoute } from '../rib/out/export.ts';
import type { ExportTarget } from '../rib/out/export-target.ts';
import type { Received } from '../rib/ribs/adj-rib-in.ts';
import type { LocRib, ReceiveOptions } from '../rib/ribs/loc-rib.ts';
import type { PathSource } from '../rib/terms/feed.ts';
import type { SourceSpec } from '../rib/terms/source.ts';
import { sameValue } from './config-change.ts';
import type { FamilyState } from './peer-state.ts';
import { type Keep, StaleKeeper } from './stale-keeper.ts';

/** RFC 8654 4 */
const EXTENDED_MESSAGE = 65535;

export const FAMILIES: { readonly [F in FamilyName]: Family } = {
  'ipv4-unicast': IPV4_UNICAST,
  'ipv6-unicast': IPV6_UNICAST,
};

/** One table per family. */
export interface LocRibs {
  readonly ipv4: LocRib;
  readonly ipv6: LocRib;
}

/** Our other addresses where a session's own is: next hops of the other family, and on the link. */
export interface OwnAddresses {
  readonly ipv4?: IpAddress;
  readonly ipv6?: IpAddress;
  readonly linkLocal?: IpAddress;
  /** Of the link the address is on. */
  readonly subnets?: readonly IpPrefix[];
}

export interface FamilyPorts {
  readonly ribs: LocRibs;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly bgpIdentifier: number;
  /** Absent: only the session's own address is known. */
  readonly addressesBeside?: (local: IpAddress) => OwnAddresses;
}

/** What of the session a family needs. */
export interface FamilySession {
  send(messages: Uint8Array): boolean;
  beginRefresh(family: Family): boolean;
  endRefresh(family: Family): boolean;
  warn(reason: Reason): void;
}

/** Twice the Internet's table. */
const DEFAULT_LIMIT: MaxPrefixes = { limit: 2_000_000, warnPercent: 75, action: 'idle', idleRestartSec: 300 };

export class PeerFamily {
  readonly name: FamilyName;
  readonly family: Family;
  readonly source: PathSource;
  private readonly rib: LocRib;
  private readonly ports: FamilyPorts;
  private session: FamilySession;
  private readonly stale: StaleKeeper;
  private config: PeerConfig;
  private options: ReceiveOptions = { fourOctetAs: true, addPath: false };
  private agreed: Agreed | undefined;
  private out: AdjRibOut | undefined;

  constructor(name: FamilyName, config: PeerConfig, session: FamilySession, ports: FamilyPorts) {
    this.name = name;
    this.family = FAMILIES[name];
    this.config = config;
    this.session = session;
    this.ports = ports;
    this.rib = name === 'ipv6-unicast' ? ports.ribs.ipv6 : ports.ribs.ipv4;
    this.source = this.rib.addSource(toSource(config));
    this.stale = new StaleKeeper(this.rib, this.source, this.family, ports.clock, ports.timers);
  }

  /** Why a best path is or is not sent; undefined while no session with this family is up. */
  get adjRibOut(): AdjRibOut | undefined {
    return this.out;
  }

  /** Stale routes are here, or timers that will take them out. */
  get keepsStale(): boolean {
    return this.stale.until !== undefined;
  }

  get staleForMs(): number {
    const { until } = this.stale;
    return until === undefined ? 0 : Math.max(0, until - this.ports.clock.wall());
  }

  /** Another session goes on with it, under settings that may be others. */
  handOver(config: PeerConfig, session: FamilySession): void {
    this.session = session;
    this.configure(config, { rejudge: !sameValue(toSource(config), toSource(this.config)), resend: false });
  }

  /** A session is up that has the family: old promises are judged. Its routes go out after open(). */
  up(agreed: Agreed): void {
    this.agreed = agreed;
    this.options = { fourOctetAs: agreed.fourOctetAs, addPath: hasFamily(agreed.addPath.receive, this.family) };
    this.rib.identify(this.source, agreed.peerBgpIdentifier);
    this.stale.back(agreed);
  }

  open(holdLearned: boolean): void {
    const { agreed } = this;
    if (agreed === undefined) return;
    const addPath = this.config.addPath;
    this.out = new AdjRibOut(this.rib, {
      family: this.name === 'ipv6-unicast' ? 'ipv6' : 'ipv4',
      ...(addPath && hasFamily(agreed.addPath.send, this.family) && { addPath: { max: addPath.max } }),
      ...(agreed.extendedMessages && { maxMessageLength: EXTENDED_MESSAGE }),
      target: this.target(agreed),
      fourOctetAs: agreed.fourOctetAs,
      source: this.source,
      send: (messages) => this.session.send(messages),
      holdLearned,
    });
  }

  pump(): void {
    this.out?.pump();
  }
  resume(): void {
    this.out?.resume();
  }
  /** The restart is over. */
  release(): void {
    this.out?.release();
  }

  /** A peer that comes near its limit, or above it and may stay, is told of in the log. */
  receive(update: UpdateFrame): Received {
    const received = this.rib.receive(this.source, update, this.options);
    if (received.kind === 'limit') this.session.warn(received.notice.reason);
    return received;
  }

  endOfRib(): void {
    this.stale.endOfRib();
  }

  /** As many prefixes as a warning is for, or as many as may be. */
  get warning(): Reason | undefined {
    const { limit, warnPercent, action } = this.config.maxPrefixes ?? DEFAULT_LIMIT;
    const { received } = this.counts;
    if (received * 100 < limit * warnPercent) return undefined;
    const full = action === 'drop' ? received >= limit : received > limit;
    const text = `${received} prefixes of ${this.name}, and ${limit} are its limit (maxPrefixes)`;
    return full
      ? { code: 'MAX_PREFIXES_REACHED', text: action === 'drop' ? `${text}: what is above is left out` : text }
      : { code: 'MAX_PREFIXES_NEAR', text };
  }

  refresh(kind: RefreshKind): void {
    if (kind === 'begin') this.stale.beginRefresh();
    else if (kind === 'end') this.stale.endRefresh();
    else this.resend();
  }

  /** Between marks where the peer knows them: it then also forgets what we have no more. RFC 2918 4, RFC 7313 4 */
  private resend(): void {
    const marked = this.session.beginRefresh(this.family);
    this.out?.refresh(marked ? () => void this.session.endRefresh(this.family) : undefined);
  }

  /** The session is gone, or came back without this family. Answers how many routes stay as stale. */
  down(keep: Keep): number {
    this.out?.close();
    this.out = undefined;
    const agreed = this.agreed;
    this.agreed = undefined;
    return this.stale.lost(keep, agreed);
  }

  /** Other settings under the session: what came is judged anew, and what goes is sent anew, where it differs. */
  configure(config: PeerConfig, how: { readonly rejudge: boolean; readonly resend: boolean }): void {
    this.config = config;
    if (how.rejudge) this.rib.changeSource(this.source, toSource(config));
    if (how.resend && this.agreed !== undefined) this.out?.retarget(this.target(this.agreed), config.addPath?.max);
  }

  /** Forgets its timers; routes stay in the table, whoever goes on with them. */
  stop(): void {
    this.stale.stop();
  }

  leaveTable(): void {
    this.out?.close();
    this.out = undefined;
    this.stale.stop();
    this.rib.removeSource(this.source);
  }

  get counts(): ReturnType<LocRib['countsOf']> {
    return this.rib.countsOf(this.source);
  }

  view(): FamilyState {
    return {
      family: this.name,
      negotiated: this.agreed !== undefined,
      limit: this.config.maxPrefixes ?? DEFAULT_LIMIT,
      routes: this.counts,
      sent: this.out?.sent ?? 0,
      ...(this.stale.until !== undefined && { staleUntil: this.stale.until }),
      ...(this.stale.longLived && { longLived: true }),
    };
  }

  /** Why a route goes to this peer or not; undefined while there is no session with the family. */
  explain(route: OutRoute): Exported | undefined {
    return this.out?.explain(route);
  }

  /** What the peer has from us, in pages. */
  advertised(): Iterable<readonly Advertised[]> {
    return this.out?.advertisedPages() ?? [];
  }

  private target(agreed: Agreed): ExportTarget {
    return toTarget(this.config, this.family, agreed, this.ports);
  }
}

const toSource = (config: PeerConfig): SourceSpec => {
  const { name, address, asn, localAsn, localAs, importPolicy, allowOwnAs, maxPrefixes, client, role } = config;
  const { interface: link } = config;
  return {
    name,
    kind: asn === localAsn ? 'ibgp' : 'ebgp',
    address,
    localAsn,
    peerAsn: asn,
    ...(localAs && { localAs }),
    ...(importPolicy && { importPolicy }),
    ...(allowOwnAs !== undefined && { allowOwnAs }),
    ...(maxPrefixes && { maxPrefixes }),
    ...(client === true && { client }),
    ...(role !== undefined && { role }),
    ...(link !== undefined && { link }),
  };
};

/** IPv4 routes over an IPv6 session need an IPv4 next hop of ours: what is beside the session's address, else our identifier,
 *  which is our address unless configured otherwise. */
function toTarget(config: PeerConfig, family: Family, agreed: Agreed, ports: FamilyPorts): ExportTarget {
  const { localAddress } = agreed;
  const beside = ports.addressesBeside?.(localAddress) ?? {};
  const other = config.otherLocalAddress;
  const onLink = isIpv6(localAddress) && isLinkLocal6(localAddress);
  const global = isIpv6(localAddress) && !onLink ? localAddress : undefined;
  const localIpv4 = [localAddress, other, beside.ipv4]
    .map((a) => (a === undefined ? a : ifIpv4(a)))
    .find((a) => a !== undefined);
  const localIpv6 = global ?? [other, beside.ipv6].find((a) => a !== undefined && isIpv6(a));
  const linkLocal = onLink ? localAddress : beside.linkLocal;
  const longLived = agreed.longLivedGracefulRestart?.some((l) => sameFamily(l.family, family)) === true;
  const { exportPolicy: policy, transitWithin, localAs, removePrivateAs, client, clusterId, role } = config;
  const { med, withhold } = config;
  const shared = config.thirdPartyNextHop === true ? sharedSubnets(config.address, beside) : [];
  return {
    kind: agreed.ibgp ? 'ibgp' : 'ebgp',
    address: config.address,
    peerAsn: agreed.peerAsn,
    localAddress,
    localIpv4: localIpv4 ?? ipv4(ports.bgpIdentifier),
    ...(localIpv6 !== undefined && isIpv6(localIpv6) && { localIpv6 }),
    ...(linkLocal !== undefined && isIpv6(linkLocal) && { linkLocal }),
    ...(hasFamily(agreed.extendedNextHop, family) && { extendedNextHop: true }),
    nextHop: config.nextHop,
    ...(shared.length > 0 && { sharedSubnets: shared }),
    localAsn: config.localAsn,
    ...(localAs && { localAs }),
    ...(removePrivateAs && { removePrivateAs }),
    localPref: config.localPref,
    transit: config.transit,
    ...(transitWithin && { transitWithin }),
    ...(policy && { policy }),
    ...(client === true && { client }),
    clusterId: clusterId ?? ports.bgpIdentifier,
    ...(med !== undefined && { med }),
    ...(withhold && { withhold: Object.fromEntries(withhold.map((kind) => [kind, true])) }),
    ...(config.gracefulShutdown === true && { gracefulShutdown: true }),
    ...(config.sendBlackhole === true && { blackhole: true }),
    ...(role !== undefined && { role }),
    ...(longLived && { longLived }),
  };
}

/** All of the link's, where the peer is on it: its own address need not be of the family its routes are of. */
const sharedSubnets = (peer: IpAddress, { subnets = [] }: OwnAddresses): readonly IpPrefix[] =>
  (isIpv6(peer) && isLinkLocal6(peer)) || subnets.some((subnet) => prefixHolds(subnet, peer)) ? subnets : [];
