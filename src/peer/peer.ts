/** One peer: its session, and an object for each of its families. Pure of I/O: the session's ports come in. The session itself is
 *  bgp-js's; what is one family's own is peer-family.ts; the two halves of graceful restart are stale-keeper.ts and
 *  restart-phase.ts. */
import type { Reason } from '../base/reason.ts';
import type { BfdPort } from '../bfd/bfd-types.ts';
import { BgpSession } from '../bgp-js/session/session.ts';
import type {
  Agreed,
  Connection,
  RefreshKind,
  SessionDown,
  SessionListener,
  SessionPorts,
  StopHow,
} from '../bgp-js/session/session-types.ts';
import type { UpdateFrame } from '../bgp-js/update/update-frame.ts';
import { type BgpError, bgpError } from '../bgp-js/wire/error.ts';
import { type Family, hasFamily, IPV4_UNICAST_KEY, IPV6_UNICAST_KEY, keyOfFamily } from '../bgp-js/wire/family.ts';
import { hardReset } from '../bgp-js/wire/notification.ts';
import { BFD_DOWN, CEASE, MAXIMUM_PREFIXES, OTHER_CONFIGURATION_CHANGE } from '../bgp-js/wire/notification-codes.ts';
import type { AsnRange, PeerConfig } from '../model/peer.ts';
import type { Received } from '../rib/ribs/adj-rib-in.ts';
import type { Cost } from './config-change.ts';
import { IdleHold } from './idle-hold.ts';
import { PeerBfd } from './peer-bfd.ts';
import { type FamilyPorts, PeerFamily } from './peer-family.ts';
import type { LastReason, PeerState } from './peer-state.ts';
import type { PeerTap } from './peer-tap.ts';
import { peerView } from './peer-view.ts';
import type { RestartPhase } from './restart-phase.ts';
import { toSessionConfig } from './session-config.ts';
import type { Keep } from './stale-keeper.ts';

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
  /** Something to look at while the session goes on. */
  warn?(event: { readonly peer: PeerState; readonly reason: Reason }): void;
}

/** What all peers share. */
export interface PeerPorts extends SessionPorts, FamilyPorts {
  readonly restart: RestartPhase;
  readonly log: PeerLog;
  /** Absent: settings of BFD have no effect. */
  readonly bfd?: BfdPort;
  readonly tap?: PeerTap;
}

/** A peer that came by a range of addresses. */
export interface Stranger {
  readonly asns: readonly AsnRange[];
  /** Its session ended, and nothing is kept of it any more. */
  readonly onGone: () => void;
}

export class Peer implements SessionListener {
  private current: PeerConfig;
  private readonly ports: PeerPorts;
  /** In the order of the configuration. Of a stranger from its first session on: before that its AS is not known. */
  private families: readonly PeerFamily[];
  private readonly session: BgpSession;
  private readonly bfd: PeerBfd | undefined;
  private readonly hold: IdleHold;
  private readonly stranger: Stranger | undefined;
  /** Of the last session that was up. */
  private agreed: Agreed | undefined;
  private changedAt: number | undefined;
  private lastReason: LastReason | undefined;
  private lastSessionEnd: LastReason | undefined;
  private flaps = 0;
  private replaced = false;
  private cancelLeave: (() => void) | undefined;
  private stopped = false;

  /** `old`: the peer as it was configured before. Where it is still the same speaker its routes are taken over, as stale as
   *  they are, so that a changed timer does not cost a packet. */
  constructor(config: PeerConfig, ports: PeerPorts, from: { readonly old?: Peer; readonly stranger?: Stranger } = {}) {
    const { old, stranger } = from;
    this.current = config;
    this.ports = ports;
    this.stranger = stranger;
    this.hold = new IdleHold(ports.clock, ports.timers);
    const inherited = old && isSameSpeaker(old.current, config) ? old.families : [];
    old?.leaveTables(inherited.filter((f) => namesOf(config).includes(f.name)));
    this.families = stranger === undefined || inherited.length > 0 ? this.familiesOf(config, inherited) : [];
    if (old) {
      this.flaps = old.flaps;
      this.lastReason = old.lastReason;
      this.lastSessionEnd = old.lastSessionEnd;
      this.changedAt = old.changedAt;
    }
    this.session = new BgpSession(toSessionConfig(config, stranger?.asns, ports), ports, this);
    if (ports.bfd) this.bfd = new PeerBfd(ports.bfd, (reason) => this.pathIsDown(reason));
  }

  get config(): PeerConfig {
    return this.current;
  }

  start(): void {
    this.session.start();
    this.leaveIfStranger(); // where nobody comes: one that was here under other settings
  }

  accept(connection: Connection): void {
    this.session.accept(connection);
  }

  /** Settings that the session does not know, the password, which changes under it, and what is beside it. */
  reconfigure(config: PeerConfig, cost: Exclude<Cost, 'reset'>): void {
    const before = this.current;
    if (config.password !== before.password) this.session.setPassword(config.password);
    this.current = config;
    const [rejudge, resend] = [cost === 'rejudge', cost !== 'nothing'];
    for (const family of this.families) family.configure(config, { rejudge, resend });
    this.bfd?.follow(config, undefined);
    if (config.maxPrefixes !== before.maxPrefixes) this.limitChanged(before);
  }

  /** For good: the process ends. Routes that may be kept stay in the tables, and no timer takes them out any more. */
  stop(how: StopHow): void {
    this.quiet();
    this.session.stop(how);
    for (const family of this.families) family.stop();
  }

  /** Ends for a changed configuration, which another Peer goes on with: it takes this one as `old`. RFC 4486 4 */
  replace(fields: readonly string[]): void {
    const text = `our configuration of this peer changed: ${fields.join(', ')}`;
    this.session.reset(bgpError(CEASE, OTHER_CONFIGURATION_CHANGE, text));
    this.replaced = true;
    this.quiet();
    this.session.stop({ kind: 'deconfigured' });
  }

  /** Ends, and takes its routes out of the tables. */
  remove(how: StopHow): void {
    this.quiet();
    this.session.stop(how);
    this.leaveTables([]);
  }

  /** Nothing of it happens by itself any more. */
  private quiet(): void {
    this.stopped = true;
    this.cancelLeave?.();
    this.hold.end();
    this.bfd?.stop();
  }

  /** The restart is over. */
  release(): void {
    for (const family of this.families) family.release();
  }

  /** Of all families; false when it cannot for any. */
  requestRefresh(): boolean {
    const asked = this.families.map((family) => this.session.requestRefresh(family.family));
    return asked.includes(true);
  }

  /** Those that views and `why` ask. */
  get parts(): readonly PeerFamily[] {
    return this.families;
  }

  view(): PeerState {
    return peerView({
      config: this.current,
      families: this.families,
      session: this.session,
      agreed: this.agreed,
      hold: this.hold,
      lastReason: this.lastReason,
      lastSessionEnd: this.lastSessionEnd,
      flaps: this.flaps,
      bfd: this.bfd?.view(),
    });
  }

  onState(): void {}

  onEstablished(agreed: Agreed): void {
    const { restart, clock, log } = this.ports;
    this.agreed = agreed;
    if (this.stranger && this.current.asn !== agreed.peerAsn) {
      this.current = { ...this.current, asn: agreed.peerAsn };
      this.leaveTables([]);
      this.families = [];
    }
    if (this.families.length === 0) this.families = this.familiesOf(this.current, []);
    const common = this.families.filter((f) => hasFamily(agreed.families, f.family));
    for (const family of this.families) {
      if (common.includes(family)) family.up(agreed);
      else family.down('no');
    }
    const wentDownAt = this.changedAt;
    this.changedAt = clock.now();
    log.up({ peer: this.view(), ...(wentDownAt !== undefined && { downForMs: clock.now() - wentDownAt }) });
    const { opens } = this.session;
    if (opens) this.ports.tap?.up(this.view(), opens);
    for (const family of common) family.open(restart.active);
    restart.up(this.current.name, agreed);
    this.bfd?.follow(this.current, agreed.localAddress);
    for (const family of common) family.pump();
  }

  onUpdate(update: UpdateFrame): void {
    const { reachFamily, unreachFamily, withdrawnStart, withdrawnEnd, nlriStart, nlriEnd } = update;
    const ofIpv6 = reachFamily === IPV6_UNICAST_KEY || unreachFamily === IPV6_UNICAST_KEY;
    for (const family of this.families) {
      const isIpv6 = family.name === 'ipv6-unicast';
      if (isIpv6 && !ofIpv6) continue;
      const ofIpv4 = reachFamily === IPV4_UNICAST_KEY || unreachFamily === IPV4_UNICAST_KEY;
      if (!isIpv6 && ofIpv6 && !ofIpv4 && nlriEnd === nlriStart && withdrawnEnd === withdrawnStart) continue;
      const received = family.receive(update);
      if (received.kind === 'reset') {
        this.refuse(family, received);
        return;
      }
    }
    this.ports.tap?.update(this.current.name, update);
  }

  onEndOfRib(family: Family): void {
    this.partOf(family)?.endOfRib();
    this.ports.restart.endOfRib(this.current.name, family);
  }

  onRouteRefresh(family: Family, kind: RefreshKind): void {
    this.partOf(family)?.refresh(kind);
  }

  onDrain(): void {
    for (const family of this.families) family.resume();
  }

  onDown(down: SessionDown): void {
    if (this.replaced) return;
    const { clock, restart, log } = this.ports;
    const isNews = down.wasEstablished || !isWordless(down) || !isTold(this.lastReason);
    if (isNews && !(this.hold.active && !down.wasEstablished))
      this.lastReason = { code: down.code, text: down.text, at: clock.wall() };
    if (down.wasEstablished) {
      this.lastSessionEnd = this.lastReason;
      this.flaps++;
      const upForMs = clock.now() - (this.changedAt ?? clock.now());
      this.changedAt = clock.now();
      let keptStale = 0;
      for (const family of this.families) keptStale += family.down(keepOf(down, family.family));
      restart.down(this.current.name);
      const { code, text } = down;
      log.down({ peer: this.view(), reason: { code, text }, upForMs, keptStale });
      this.ports.tap?.down(this.view(), down);
    }
    this.leaveIfStranger();
  }

  /** Somebody who came by himself goes when nothing is kept for him. A turn later: the session is in the midst of its end. */
  private leaveIfStranger(): void {
    const { stranger } = this;
    if (stranger === undefined || this.stopped) return;
    const waitMs = Math.max(0, ...this.families.map((f) => f.staleForMs));
    this.cancelLeave?.();
    this.cancelLeave = this.ports.timers.after(waitMs, () => {
      if (this.stopped || this.replaced || this.hold.active || this.session.state !== 'Active') return;
      if (this.families.some((f) => f.keepsStale)) this.leaveIfStranger();
      else stranger.onGone();
    });
  }

  /** A message that cannot be taken. Too many prefixes cost the peer its session for a time. */
  private refuse(family: PeerFamily, { error }: Extract<Received, { kind: 'reset' }>): void {
    if (error.code !== CEASE || error.subcode !== MAXIMUM_PREFIXES) {
      this.session.reset(error);
      return;
    }
    this.holdFor({ code: 'MAX_PREFIXES', text: `${error.text} (${family.name})` }, error);
  }

  private holdFor(reason: Reason, error: BgpError): void {
    const seconds = this.current.maxPrefixes?.idleRestartSec ?? DEFAULT_IDLE_SEC;
    this.hold.begin(reason, seconds, () => {
      if (this.stranger) this.stranger.onGone();
      else this.session.start();
    });
    this.end(error);
    this.session.stop({ kind: 'restart' });
  }

  /** The limit is another one: a peer that is down for the old one may try again, and one that is above the new one goes. */
  private limitChanged(before: PeerConfig): void {
    if (this.hold.active) {
      this.hold.end();
      this.session.start();
      return;
    }
    const raised = (this.current.maxPrefixes?.limit ?? Infinity) > (before.maxPrefixes?.limit ?? Infinity);
    // What was above the old limit was not taken: it is asked for again.
    if (before.maxPrefixes?.action === 'drop' && (raised || this.current.maxPrefixes?.action !== 'drop'))
      this.requestRefresh();
  }

  /** RFC 9384 3; the way to the peer does not work, so that nothing of it may stay: RFC 8538 3.1. */
  private pathIsDown(reason: Reason): void {
    if (this.session.state !== 'Established') return;
    this.end(bgpError(CEASE, BFD_DOWN, `BFD: ${reason.text} (RFC 9384)`));
  }

  /** For good, as far as the routes go: where both sides let them stay over a NOTIFICATION, as a Hard Reset. RFC 8538 3.1 */
  private end(error: BgpError): void {
    this.session.reset(this.agreed?.gracefulRestart?.notification === true ? hardReset(error) : error);
  }

  private partOf(family: Family): PeerFamily | undefined {
    const key = keyOfFamily(family);
    return this.families.find((f) => keyOfFamily(f.family) === key);
  }

  private familiesOf(config: PeerConfig, inherited: readonly PeerFamily[]): readonly PeerFamily[] {
    const session = {
      send: (messages: Uint8Array) => this.session.send(messages),
      beginRefresh: (family: Family) => this.session.beginRefresh(family),
      endRefresh: (family: Family) => this.session.endRefresh(family),
      warn: (reason: Reason) => this.ports.log.warn?.({ peer: this.view(), reason }),
    };
    return namesOf(config).map((name) => {
      const taken = inherited.find((f) => f.name === name);
      taken?.handOver(config, session);
      return taken ?? new PeerFamily(name, config, session, this.ports);
    });
  }

  private leaveTables(but: readonly PeerFamily[]): void {
    for (const family of this.families) if (!but.includes(family)) family.leaveTable();
  }
}

const DEFAULT_IDLE_SEC = 300;

const namesOf = (config: PeerConfig) => config.families ?? (['ipv4-unicast'] as const);

/** RFC 8538 4 would let the routes of a silent peer stay for its restart time too. But silence is how a dead host and a cut
 *  link look, and what still leads there is a hole: hold time is the promise of how soon others know. A daemon that merely
 *  restarts closes its TCP, and is helped. What stays for long is no better than nothing, and may stay. */
function keepOf(down: SessionDown, family: Family): Keep {
  if (!hasFamily(down.keepFamilies, family)) return 'no';
  return isHoldTimerExpired(down) ? 'longLived' : 'restart';
}
const isHoldTimerExpired = ({ sent, received }: SessionDown): boolean =>
  sent?.code === HOLD_TIMER_EXPIRED || received?.code === HOLD_TIMER_EXPIRED;
/** NOTIFICATION code. RFC 4271 4.5 */
const HOLD_TIMER_EXPIRED = 4;

/** A peer that refused us with a NOTIFICATION often waits a while, and meanwhile closes what comes without a word: the word
 *  it said before is still why. Silence of another kind (no answer, no route) is news. */
const isWordless = ({ code }: SessionDown): boolean => code === 'TCP_CLOSED' || code === 'TCP_REFUSED';
const isTold = (reason: LastReason | undefined): boolean => reason !== undefined && !reason.code.startsWith('TCP_');

/** Its routes are its routes still. */
const isSameSpeaker = (a: PeerConfig, b: PeerConfig): boolean =>
  a.address === b.address && a.asn === b.asn && a.localAsn === b.localAsn && a.name === b.name;
