/** What a peer's configuration says to its session. Pure. */
import { ipv4 } from '../base/ipv4.ts';
import type { SessionConfig } from '../bgp-js/session/session-types.ts';
import { IPV4_UNICAST, sameFamily } from '../bgp-js/wire/family.ts';
import type { AsnRange, PeerConfig } from '../model/peer.ts';
import { FAMILIES } from './peer-family.ts';
import type { RestartPhase } from './restart-phase.ts';

/** A peer that is there dials well within it; one that is not costs us no more than this. */
const MESH_YIELD_MS = 1000;

export function toSessionConfig(
  config: PeerConfig,
  asns: readonly AsnRange[] | undefined,
  ports: { readonly bgpIdentifier: number; readonly restart: Pick<RestartPhase, 'bits'> },
): SessionConfig {
  const { gracefulRestart, longLivedGracefulRestart, addPath, localAddress, interface: device, ttlSecurity } = config;
  const { password, role } = config;
  const families = (config.families ?? ['ipv4-unicast']).map((name) => FAMILIES[name]);
  const ttl = config.multihop ?? config.ttl;
  return {
    localAsn: config.localAsn,
    peerAsn: config.asn,
    ...(asns && { peerAsns: asns }),
    bgpIdentifier: ipv4(ports.bgpIdentifier),
    peerAddress: config.address,
    peerPort: config.port,
    passive: config.passive,
    holdTimeSec: config.holdTimeSec,
    ...(config.keepaliveSec !== undefined && { keepaliveSec: config.keepaliveSec }),
    connectRetrySec: config.connectRetrySec,
    enhancedRouteRefresh: true,
    families,
    // In a mesh both sides start at once: one of them waits, and nothing collides.
    ...(config.kind === 'mesh' ? { yieldMs: MESH_YIELD_MS } : {}),
    ...(localAddress !== undefined && { localAddress }),
    ...(device !== undefined && { interface: device }),
    ...(ttlSecurity !== undefined && { ttlSecurity }),
    ...(ttl !== undefined && { ttl }),
    ...(password !== undefined && { password }),
    ...(addPath && {
      addPath: { receive: addPath.receive ? families : [], send: addPath.send ? families : [] },
    }),
    ...(config.extendedNextHop === true && {
      extendedNextHop: families.filter((family) => sameFamily(family, IPV4_UNICAST)),
    }),
    ...(config.extendedMessages === true && { extendedMessages: true }),
    ...(role !== undefined && { role, strictRole: config.strictRole === true }),
    ...(gracefulRestart && { gracefulRestart: { ...gracefulRestart, bits: () => ports.restart.bits } }),
    ...(gracefulRestart &&
      longLivedGracefulRestart && {
        longLivedGracefulRestart: families.map((family) => ({ family, ...longLivedGracefulRestart })),
      }),
  };
}
