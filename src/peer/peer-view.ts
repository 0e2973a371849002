/** A peer as views see it, from its parts. Pure. */
import type { Reason } from '../base/reason.ts';
import type { BfdView } from '../bfd/bfd-types.ts';
import type { BgpSession } from '../bgp-js/session/session.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { IdleHold } from './idle-hold.ts';
import type { PeerFamily } from './peer-family.ts';
import type { FamilyState, LastReason, PeerState } from './peer-state.ts';

export interface PeerParts {
  readonly config: PeerConfig;
  readonly families: readonly PeerFamily[];
  readonly session: Pick<BgpSession, 'state' | 'counters' | 'dialsAt'>;
  readonly agreed: Agreed | undefined;
  readonly hold: IdleHold;
  readonly lastReason: LastReason | undefined;
  readonly lastSessionEnd: LastReason | undefined;
  readonly flaps: number;
  readonly bfd: BfdView | undefined;
}

export function peerView(parts: PeerParts): PeerState {
  const { config, agreed, hold, lastReason, lastSessionEnd, flaps, bfd } = parts;
  const { state, counters, dialsAt } = parts.session;
  const up = state === 'Established';
  const families = parts.families.map((f) => f.view());
  const staleUntil = families.flatMap((f) => f.staleUntil ?? []);
  const warning = parts.families.map((f) => f.warning).find((w) => w !== undefined);
  return {
    config,
    name: config.name,
    address: config.address,
    ibgp: config.asn === config.localAsn,
    state,
    since: counters.since,
    ...(!up && { reason: hold.reason ?? lastReason ?? notYet(config) }),
    ...(lastReason && { lastReason }),
    ...(lastSessionEnd && { lastSessionEnd }),
    flaps,
    routes: together(families),
    families,
    sent: families.reduce((sum, f) => sum + f.sent, 0),
    ...(up && agreed && { agreed }),
    counters,
    ...(staleUntil.length > 0 && { staleUntil: Math.min(...staleUntil) }),
    ...(hold.until !== undefined && { heldUntil: hold.until }),
    ...(dialsAt !== undefined && { dialsAt }),
    ...(warning && { warning }),
    ...(bfd && { bfd }),
  };
}

const together = (families: readonly FamilyState[]): PeerState['routes'] => {
  const sum = (of: (f: FamilyState) => number): number => families.reduce((all, f) => all + of(f), 0);
  return {
    received: sum((f) => f.routes.received),
    used: sum((f) => f.routes.used),
    rejected: sum((f) => f.routes.rejected),
    stale: sum((f) => f.routes.stale),
    leftOut: sum((f) => f.routes.leftOut),
  };
};

/** `peers` always has an answer, also before the first attempt ended. */
const notYet = (config: PeerConfig): Reason =>
  config.passive
    ? { code: 'WAITING_FOR_PEER', text: 'passive: waiting for the peer to connect' }
    : { code: 'CONNECTING', text: 'the first attempt to connect has not ended yet' };
