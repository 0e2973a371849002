/** One peer: its session, its place in the tables, what it is sent, and what of it is kept when it goes. Pure of I/O: the
 *  session's ports come in. The session itself is bgp-js's, the two halves of graceful restart are stale-keeper.ts and
 *  restart-phase.ts. */
import { ifIpv4 } from '../base/ip.ts';
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import { BgpSession } from '../bgp-js/session/session.ts';
import type {
  Agreed,
  Connection,
  RefreshKind,
  SessionConfig,
  SessionDown,
  SessionListener,
  SessionPorts,
  StopHow,
} from '../bgp-js/session/session-types.ts';
import type { UpdateFrame } from '../bgp-js/update/update-frame.ts';
import { bgpError } from '../bgp-js/wire/error.ts';
import type { Family } from '../bgp-js/wire/family.ts';
import type { PeerConfig } from '../model/peer.ts';
import { AdjRibOut } from '../rib/adj-rib-out.ts';
import type { ExportTarget } from '../rib/export-target.ts';
import type { PathSource } from '../rib/feed.ts';
import type { LocRib } from '../rib/loc-rib.ts';
import type { LastReason, PeerState } from './peer-state.ts';
import type { RestartPhase } from './restart-phase.ts';
import { StaleKeeper } from './stale-keeper.ts';

/** One log line each. */
export interface PeerLog {
  up(event: { readonly peer: PeerState; readonly downForMs?: number }): void;
  down(event: {
    readonly peer: PeerState;
    readonly reason: Reason;
    readonly upForMs: number;
    /** Routes that stay as stale. */
    readonly keptStale: number;
  }): void;
}

/** A peer that is there dials well within it; one that is not costs us no more than this. */
const MESH_YIELD_MS = 1000;

/** What all peers share. */
export interface PeerPorts extends SessionPorts {
  readonly rib: LocRib;
  readonly bgpIdentifier: number;
  readonly restart: RestartPhase;
  readonly log: PeerLog;
}

const CEASE = 6;
const OTHER_CONFIGURATION_CHANGE = 6;

export class Peer implements SessionListener {
  private current: PeerConfig;
  private readonly ports: PeerPorts;
  private readonly source: PathSource;
  private readonly stale: StaleKeeper;
  private readonly session: BgpSession;
  private out: AdjRibOut | undefined;
  /** Of the last session that was up. */
  private agreed: Agreed | undefined;
  private changedAt: number | undefined;
  private lastReason: LastReason | undefined;
  private lastSessionEnd: LastReason | undefined;
  private flaps = 0;
  private replaced = false;

  /** `old`: the peer as it was configured before. Where it is still the same speaker its routes are taken over, as stale as
   *  they are, so that a changed timer does not cost a packet. */
  constructor(config: PeerConfig, ports: PeerPorts, old?: Peer) {
    this.current = config;
    this.ports = ports;
    if (old && isSameSpeaker(old.current, config)) {
      this.source = old.source;
      this.stale = old.stale;
    } else {
      old?.leaveTables();
      const kind = config.asn === config.localAsn ? 'ibgp' : 'ebgp';
      const { name, localAsn, importPolicy } = config;
      this.source = ports.rib.addSource({
        name,
        kind,
        address: config.address,
        localAsn,
        peerAsn: config.asn,
        ...(importPolicy && { importPolicy }),
      });
      this.stale = new StaleKeeper(ports.rib, this.source, ports.clock, ports.timers);
    }
    if (old) {
      this.flaps = old.flaps;
      this.lastReason = old.lastReason;
      this.lastSessionEnd = old.lastSessionEnd;
      this.changedAt = old.changedAt;
    }
    this.session = new BgpSession(toSessionConfig(config, ports), ports, this);
  }

  get config(): PeerConfig {
    return this.current;
  }

  start(): void {
    this.session.start();
  }

  accept(connection: Connection): void {
    this.session.accept(connection);
  }

  /** Settings that the session does not know, and the password, which changes under it. */
  reconfigure(config: PeerConfig, resend: boolean): void {
    if (config.password !== this.current.password) this.session.setPassword(config.password);
    this.current = config;
    if (resend && this.agreed && this.out)
      this.out.retarget(toTarget(config, this.source, this.agreed, ipv4(this.ports.bgpIdentifier)));
  }

  /** For good: the process ends. Routes that may be kept stay in the tables, and no timer takes them out any more. */
  stop(how: StopHow): void {
    this.session.stop(how);
    this.stale.stop();
  }

  /** Ends for a changed configuration, which another Peer goes on with: it takes this one as `old`. RFC 4486 4 */
  replace(): void {
    this.session.reset(bgpError(CEASE, OTHER_CONFIGURATION_CHANGE, 'our configuration of this peer changed'));
    this.replaced = true;
    this.session.stop({ kind: 'deconfigured' });
  }

  /** Ends, and takes its routes out of the tables. */
  remove(how: StopHow): void {
    this.session.stop(how);
    this.leaveTables();
  }

  /** The restart is over. */
  release(): void {
    this.out?.release();
  }

  requestRefresh(): boolean {
    return this.session.requestRefresh();
  }

  /** Why a best path is or is not sent to this peer; undefined while no session is up. */
  get adjRibOut(): AdjRibOut | undefined {
    return this.out;
  }

  view(): PeerState {
    const { state, counters } = this.session;
    const up = state === 'Established';
    return {
      config: this.current,
      name: this.current.name,
      address: this.current.address,
      ibgp: this.source.kind === 'ibgp',
      state,
      since: counters.since,
      ...(!up && { reason: this.lastReason ?? notYet(this.current) }),
      ...(this.lastReason && { lastReason: this.lastReason }),
      ...(this.lastSessionEnd && { lastSessionEnd: this.lastSessionEnd }),
      flaps: this.flaps,
      routes: this.ports.rib.countsOf(this.source),
      sent: this.out?.sent ?? 0,
      ...(up && this.agreed && { agreed: this.agreed }),
      counters,
      ...(this.stale.until !== undefined && { staleUntil: this.stale.until }),
    };
  }

  private leaveTables(): void {
    this.stale.stop();
    this.ports.rib.removeSource(this.source);
  }

  onState(): void {}

  onEstablished(agreed: Agreed): void {
    const { rib, restart, clock, log } = this.ports;
    this.agreed = agreed;
    rib.identify(this.source, agreed.peerBgpIdentifier);
    this.stale.back(agreed);
    const wentDownAt = this.changedAt;
    this.changedAt = clock.now();
    log.up({ peer: this.view(), ...(wentDownAt !== undefined && { downForMs: clock.now() - wentDownAt }) });
    this.out = new AdjRibOut(rib, {
      target: toTarget(this.current, this.source, agreed, ipv4(this.ports.bgpIdentifier)),
      fourOctetAs: agreed.fourOctetAs,
      source: this.source,
      send: (messages) => this.session.send(messages),
      holdLearned: restart.active,
    });
    restart.up(this.current.name, agreed);
    this.out.pump();
  }

  onUpdate(update: UpdateFrame): void {
    const received = this.ports.rib.receive(this.source, update, {
      fourOctetAs: this.agreed?.fourOctetAs === true,
      addPath: false,
    });
    if (received.kind === 'reset') this.session.reset(received.error);
  }

  onEndOfRib(): void {
    this.stale.endOfRib();
    this.ports.restart.endOfRib(this.current.name);
  }

  onRouteRefresh(_family: Family, kind: RefreshKind): void {
    if (kind === 'begin') this.stale.beginRefresh();
    else if (kind === 'end') this.stale.endRefresh();
    else this.resend();
  }

  /** Between marks where the peer knows them: it then also forgets what we have no more. RFC 2918 4, RFC 7313 4 */
  private resend(): void {
    const marked = this.session.beginRefresh();
    this.out?.refresh(marked ? () => void this.session.endRefresh() : undefined);
  }

  onDrain(): void {
    this.out?.resume();
  }

  onDown(down: SessionDown): void {
    if (this.replaced) return;
    const { clock, restart, log } = this.ports;
    if (!down.wasEstablished && isWordless(down) && isTold(this.lastReason)) return;
    this.lastReason = { code: down.code, text: down.text, at: clock.wall() };
    if (!down.wasEstablished) return;
    this.lastSessionEnd = this.lastReason;
    this.flaps++;
    this.out?.close();
    this.out = undefined;
    const upForMs = clock.now() - (this.changedAt ?? clock.now());
    this.changedAt = clock.now();
    const keptStale = this.stale.lost(down.keepRoutes && !isHoldTimerExpired(down), this.agreed);
    restart.down(this.current.name);
    const { code, text } = down;
    log.down({ peer: this.view(), reason: { code, text }, upForMs, keptStale });
  }
}

/** RFC 8538 4 would let the routes of a silent peer stay for its restart time too. But silence is how a dead host and a cut
 *  link look, and what still leads there is a hole: hold time is the promise of how soon others know. A daemon that merely
 *  restarts closes its TCP, and is helped. */
const isHoldTimerExpired = ({ sent, received }: SessionDown): boolean =>
  sent?.code === HOLD_TIMER_EXPIRED || received?.code === HOLD_TIMER_EXPIRED;
/** NOTIFICATION code. RFC 4271 4.5 */
const HOLD_TIMER_EXPIRED = 4;

/** A peer that refused us with a NOTIFICATION often waits a while, and meanwhile closes what comes without a word: the word
 *  it said before is still why. Silence of another kind (no answer, no route) is news. */
const isWordless = ({ code }: SessionDown): boolean => code === 'TCP_CLOSED' || code === 'TCP_REFUSED';
const isTold = (reason: LastReason | undefined): boolean => reason !== undefined && !reason.code.startsWith('TCP_');

const isSameSpeaker = (a: PeerConfig, b: PeerConfig): boolean =>
  a.address === b.address && a.asn === b.asn && a.localAsn === b.localAsn && a.importPolicy === b.importPolicy;

/** `peers` always has an answer, also before the first attempt ended. */
const notYet = (config: PeerConfig): Reason =>
  config.passive
    ? { code: 'WAITING_FOR_PEER', text: 'passive: waiting for the peer to connect' }
    : { code: 'CONNECTING', text: 'the first attempt to connect has not ended yet' };

function toSessionConfig(config: PeerConfig, ports: PeerPorts): SessionConfig {
  const { gracefulRestart, localAddress, interface: device, ttlSecurity, ttl, password } = config;
  return {
    localAsn: config.localAsn,
    peerAsn: config.asn,
    bgpIdentifier: ipv4(ports.bgpIdentifier),
    peerAddress: config.address,
    peerPort: config.port,
    passive: config.passive,
    holdTimeSec: config.holdTimeSec,
    connectRetrySec: config.connectRetrySec,
    enhancedRouteRefresh: true,
    // In a mesh both sides start at once: one of them waits, and nothing collides.
    ...(config.kind === 'mesh' ? { yieldMs: MESH_YIELD_MS } : {}),
    ...(localAddress !== undefined && { localAddress }),
    ...(device !== undefined && { interface: device }),
    ...(ttlSecurity !== undefined && { ttlSecurity }),
    ...(ttl !== undefined && { ttl }),
    ...(password !== undefined && { password }),
    ...(gracefulRestart && { gracefulRestart: { ...gracefulRestart, bits: () => ports.restart.bits } }),
  };
}

/** IPv4 routes over an IPv6 session need an IPv4 next hop of ours: our identifier, which is our address unless configured
 *  otherwise. */
const toTarget = (config: PeerConfig, source: PathSource, agreed: Agreed, bgpIdentifier: Ipv4): ExportTarget => ({
  policy: config.exportPolicy,
  kind: source.kind === 'ibgp' ? 'ibgp' : 'ebgp',
  address: config.address,
  peerAsn: config.asn,
  localAddress: agreed.localAddress,
  localIpv4: ifIpv4(agreed.localAddress) ?? bgpIdentifier,
  localAsn: config.localAsn,
  localPref: config.localPref,
  nextHop: config.nextHop,
  transit: config.transit,
  ...(config.transitWithin === undefined ? {} : { transitWithin: config.transitWithin }),
});
