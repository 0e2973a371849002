/** What the matrix wants of a BGP daemon, whoever wrote it: one driver file per daemon implements this. A daemon serves one
 *  neighbor (the session of bgp-js under test), with what a `PeerPlan` asks for; everything else is its default. */
import type { Agreed } from '../../../src/bgp-js/session/session-types.ts';
import type { Outcome } from '../../support/namespaces.ts';
import type { Lab } from './lab.ts';
import type { RouteAttribute, RouteView } from './route-view.ts';

export interface PeerPlan {
  readonly ipv6: boolean;
  readonly ourAsn: number;
  readonly theirAsn: number;
  readonly ourAddress: string;
  readonly theirAddress: string;
  /** A second session of ours, eBGP: it sees what the daemon makes of the first one's routes. */
  readonly observer: { readonly asn: number; readonly address: string };
  readonly password?: string;
  readonly ttlSecurity?: boolean;
  /** Both directions, towards both our sessions. */
  readonly addPath?: boolean;
  /** Seconds; absent: the capability is off, if the daemon can. */
  readonly gracefulRestartSec?: number;
  readonly longLivedSec?: number;
  readonly extendedMessages?: boolean;
  readonly enhancedRefresh?: boolean;
  /** False: the daemon plays an old speaker. RFC 6793 */
  readonly fourOctetAs?: boolean;
  /** Its own role. RFC 9234 */
  readonly role?: 'provider' | 'customer';
  /** IPv4 unicast on an IPv6 session. RFC 8950 */
  readonly extendedNextHop?: boolean;
  /** Originates `prefixes.theirs.many`, all with one attribute set. */
  readonly many?: boolean;
  /** Routes leave with AIGP, and are taken with it. RFC 7311 */
  readonly aigp?: boolean;
}

/** Where it runs. */
export interface Place {
  /** Its network namespace's full name. */
  readonly namespace: string;
  /** Its own. */
  readonly folder: string;
  /** Starts a process inside, its output goes to `log`; it is killed when the place is cleared. */
  spawn(log: string, command: string, ...args: string[]): Spawned;
}

export interface Spawned {
  readonly running: boolean;
  /** Resolves when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** What it originates itself. */
export interface OwnRoutes {
  /** As we should hear them on the session under test. `next hop self` throughout. */
  readonly plain: RouteView;
  /** With everything this daemon's configuration can set. */
  readonly rich: RouteView;
}

export interface RunningDaemon {
  established(): Promise<boolean>;
  /** Every path it holds from us for the prefix, with its attributes. */
  received(prefix: string): Promise<readonly RouteView[]>;
  /** Announces one more route of its own, `theirs.late`, without attributes. */
  announce(prefix: string): Promise<void>;
  withdraw(prefix: string): Promise<void>;
  /** Sends us a ROUTE-REFRESH. */
  refresh(): Promise<void>;
  /** Cease/2 with this text, where it has a way to say it. */
  shutDown(text: string): Promise<void>;
  /** Everything it has said of the session's end: our own text must be in it. */
  heard(): Promise<string>;
  /** Dials now, where it would wait long after a session that we ended. */
  reconnect?(): Promise<void>;
  /** kill -9: TCP goes without a NOTIFICATION. */
  crash(): Promise<void>;
  /** After crash(): the same configuration, as a restarting speaker if it knows how (RFC 4724 R and F bits). */
  restart(): Promise<void>;
}

/** Why a daemon has no such feature, by something the run checks itself. */
export type Absence = {
  /** For the matrix: one sentence without its full stop. */
  readonly why: string;
  /** The pairs it concerns; absent: all. */
  readonly only?: (kind: { readonly ibgp: boolean; readonly ipv6: boolean }) => boolean;
} & (
  | {
      /** The daemon's own check refuses `config` for `word` in it, and says so. */
      readonly word: string;
      readonly config: string;
      readonly says: RegExp;
    }
  | { readonly command: readonly [string, ...string[]]; readonly says: RegExp }
  | {
      /** "5 bgpd.conf" */
      readonly manual: string;
      readonly says: RegExp;
    }
  | {
      /** True of what its OPEN agreed to, with all on that it has. */
      readonly lacks: (agreed: Agreed) => boolean;
    }
  | {
      /** Tried at the end of the feature's life: answers what the run saw of the absence, throws when it saw the feature. */
      readonly tried: (lab: Lab) => Promise<string>;
      /** There is none to try it on: the absence is that none comes up. */
      readonly withoutSession?: true;
    }
);

export interface PeerDaemon {
  /** As the matrix's column says it. */
  readonly name: string;
  version(): string;
  /** Configured with everything it knows of `plan`, and up; sessions need not be. */
  start(place: Place, plan: PeerPlan): Promise<RunningDaemon>;
  ownRoutes(plan: PeerPlan): OwnRoutes;
  /** Routes of one neighbor go to the other. Where not, it originates two paths for `theirs.twoPaths` with ADD-PATH on. */
  readonly relays: boolean;
  /** Attributes that its output never shows. */
  readonly hides: ReadonlySet<RouteAttribute>;
  /** Checks a configuration without running it. */
  check(folder: string, config: string): Outcome;
  readonly absent: Readonly<Record<string, Absence>>;
}
