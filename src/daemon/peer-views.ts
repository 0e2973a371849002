/** PeerState as people see it. Pure. */
import { formatIp, type IpAddress, isIpv6 } from '../base/ip.ts';
import { formatIpv4 } from '../base/ipv4.ts';
import type { BfdView } from '../bfd/bfd-types.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';
import { familyName, hasFamily, sameFamily } from '../bgp-js/wire/family.ts';
import type { PeerDownView } from '../control/views.ts';
import type { AgreedView, PeerBfdView, PeerFamilyView, PeerView } from '../control/views-of-peers.ts';
import { FAMILIES } from '../peer/peer-family.ts';
import type { FamilyState, PeerState } from '../peer/peer-state.ts';

const MS = 1000;
const secondsSince = (then: number, now: number): number => Math.max(0, Math.round((now - then) / MS));
const secondsUntil = (then: number, now: number): number => Math.max(0, Math.ceil((then - now) / MS));
const rfc3339 = (wallMs: number): string => new Date(wallMs).toISOString();

export function toPeerView(peer: PeerState, now: number): PeerView {
  const { config, lastReason, reason, routes } = peer;
  const established = peer.state === 'Established';
  return {
    name: peer.name,
    kind: config.kind,
    configuredBy: config.configuredBy,
    address: formatIp(peer.address),
    port: config.port,
    asn: config.asn,
    localAsn: config.localAsn,
    passive: config.passive,
    password: config.password !== undefined,
    holdTimeSeconds: config.holdTimeSec,
    connectRetrySeconds: config.connectRetrySec,
    state: peer.state,
    stateSince: rfc3339(peer.since),
    stateForSeconds: secondsSince(peer.since, now),
    ...(reason === undefined ? {} : { reason: { code: reason.code, text: reason.text } }),
    ...(peer.dialsAt === undefined ? {} : { retryInSeconds: secondsUntil(peer.dialsAt, now) }),
    ...(lastReason === undefined
      ? {}
      : { lastDown: { at: rfc3339(lastReason.at), reason: { code: lastReason.code, text: lastReason.text } } }),
    flaps: peer.flaps,
    ...(established || routes.stale > 0
      ? {
          counts: {
            received: routes.received,
            used: routes.used,
            rejected: routes.rejected,
            stale: routes.stale,
            sent: peer.sent,
          },
        }
      : {}),
    ...(peer.agreed === undefined ? {} : { agreed: toAgreedView(peer.agreed, peer) }),
    families: peer.families.map((family) => toFamilyView(family, peer.agreed, now)),
    ...(peer.warning === undefined ? {} : { warning: { code: peer.warning.code, text: peer.warning.text } }),
    ...(peer.heldUntil === undefined || peer.heldUntil === 0
      ? {}
      : { heldForSeconds: secondsUntil(peer.heldUntil, now) }),
    ...(peer.bfd === undefined ? {} : { bfd: toBfdView(peer.bfd, now) }),
  };
}

function toFamilyView(state: FamilyState, agreed: Agreed | undefined, now: number): PeerFamilyView {
  const { family: name, negotiated, routes, sent, limit, staleUntil, longLived } = state;
  const family = FAMILIES[name];
  const kept = agreed?.gracefulRestart?.families.find((f) => sameFamily(f.family, family));
  const lived = agreed?.longLivedGracefulRestart?.find((f) => sameFamily(f.family, family));
  return {
    family: name,
    negotiated,
    received: routes.received,
    used: routes.used,
    rejected: routes.rejected,
    stale: routes.stale,
    sent,
    leftOut: routes.leftOut,
    limit: limit.limit,
    limitAction: limit.action,
    addPathReceive: agreed !== undefined && hasFamily(agreed.addPath.receive, family),
    addPathSend: agreed !== undefined && hasFamily(agreed.addPath.send, family),
    gracefulRestart: kept !== undefined,
    forwarding: kept?.forwarding === true,
    ...(lived === undefined ? {} : { longLivedSeconds: lived.staleTimeSec }),
    ...(staleUntil === undefined ? {} : { staleForSeconds: secondsUntil(staleUntil, now) }),
    longLived: longLived === true,
  };
}

const toBfdView = (bfd: BfdView, now: number): PeerBfdView => ({
  state: bfd.state,
  ...(bfd.remoteState === undefined ? {} : { remoteState: bfd.remoteState }),
  stateForSeconds: secondsSince(bfd.since, now),
  reason: { code: bfd.reason.code, text: bfd.reason.text },
  ...(bfd.sendIntervalMs === undefined ? {} : { sendIntervalMs: bfd.sendIntervalMs }),
  detectionTimeMs: bfd.detectionTimeMs,
  flaps: bfd.flaps,
});

const toAgreedView = (agreed: Agreed, peer: PeerState): AgreedView => ({
  peerRouterId: formatIpv4(agreed.peerBgpIdentifier),
  type: agreed.ibgp ? 'ibgp' : 'ebgp',
  holdTimeSeconds: agreed.holdTimeSec,
  families: agreed.families.map((family) => familyName(family).replace(' ', '-')),
  fourOctetAs: agreed.fourOctetAs,
  routeRefresh: agreed.routeRefresh,
  ...(agreed.gracefulRestart === undefined ? {} : { gracefulRestartSeconds: agreed.gracefulRestart.restartTimeSec }),
  local: endpoint(agreed.localAddress, agreed.localPort),
  remote: endpoint(peer.address, agreed.peerPort),
  outgoing: agreed.outgoing,
});

/** RFC 3986 3.2.2: brackets keep an IPv6 address and a port apart. */
const endpoint = (address: IpAddress, port: number): string =>
  isIpv6(address) ? `[${formatIp(address)}]:${port}` : `${formatIp(address)}:${port}`;

const MOST_DOWN_PEERS = 20;
/** A peer that is down always has a reason; this is for the turn between two states. */
const NOT_YET = { code: 'NOT_CONNECTED_YET', text: 'no connection was established yet' };

/** Longest down first. */
export const downPeers = (peers: readonly PeerState[], now: number): PeerDownView[] =>
  peers
    .filter((peer) => peer.state !== 'Established')
    .sort((a, b) => (a.lastSessionEnd?.at ?? a.since) - (b.lastSessionEnd?.at ?? b.since))
    .slice(0, MOST_DOWN_PEERS)
    .map((peer) => {
      const { code, text } = peer.reason ?? NOT_YET;
      return {
        name: peer.name,
        address: formatIp(peer.address),
        state: peer.state,
        forSeconds: secondsSince(peer.lastSessionEnd?.at ?? peer.since, now),
        reason: { code, text },
      };
    });
