/** PeerState as people see it. Pure. */
import { formatIp, type IpAddress, isIpv6 } from '../base/ip.ts';
import { formatIpv4 } from '../base/ipv4.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';
import { familyName } from '../bgp-js/wire/family.ts';
import type { AgreedView, PeerDownView, PeerView } from '../control/views.ts';
import type { PeerState } from '../peer/peer-state.ts';

const MS = 1000;
const secondsSince = (then: number, now: number): number => Math.max(0, Math.round((now - then) / MS));
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
  };
}

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
