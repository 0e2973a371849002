/** Our OPEN, and what ours and the peer's agree on. Pure. RFC 4271 6.2, RFC 6793 4.1, RFC 6286 2.2, RFC 4724, RFC 8538. */
import { formatIpv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { AFI_IPV4, SAFI_UNICAST } from '../wire/family.ts';
import { AS_TRANS, type OpenMessage } from '../wire/open.ts';
import type { Agreed, SessionConfig } from './session-types.ts';

const IPV4_UNICAST = { afi: AFI_IPV4, safi: SAFI_UNICAST };
const isIpv4Unicast = (f: { afi: number; safi: number }): boolean => f.afi === AFI_IPV4 && f.safi === SAFI_UNICAST;

/** The OPEN of this moment: the R and F bits are asked for now. */
export function ourOpen(config: SessionConfig): OpenMessage {
  const bits = config.gracefulRestart?.bits();
  return {
    myAs: config.localAsn > 0xffff ? AS_TRANS : config.localAsn,
    holdTimeSec: config.holdTimeSec,
    bgpIdentifier: config.bgpIdentifier,
    capabilities: {
      multiprotocol: [IPV4_UNICAST],
      routeRefresh: true,
      ...(config.gracefulRestart !== undefined && bits !== undefined
        ? {
            gracefulRestart: {
              restartTimeSec: Math.min(config.gracefulRestart.restartTimeSec, 0x0fff),
              restarting: bits.restarting,
              notification: true,
              families: [{ ...IPV4_UNICAST, forwarding: bits.forwarding }],
            },
          }
        : {}),
      fourOctetAsn: config.localAsn,
    },
  };
}

/** What the OPENs alone decide; the addresses come from the connection. */
export type Negotiated = Omit<Agreed, 'localAddress' | 'localPort' | 'peerPort' | 'outgoing'>;

/** Judges the peer's OPEN against our configuration. Faults: 2/2, 2/6, 2/3, 2/7, in this order. */
export function negotiate(config: SessionConfig, theirs: OpenMessage): Result<Negotiated, BgpError> {
  const { capabilities } = theirs;
  const peerAsn = capabilities.fourOctetAsn ?? theirs.myAs;
  // 0 in the field is a fault even where the capability holds a good number. RFC 7607 2
  if (peerAsn !== config.peerAsn || theirs.myAs === 0)
    return err(
      bgpError(
        2,
        2,
        `the peer says it is AS ${theirs.myAs === 0 ? 0 : peerAsn}, configured is AS ${config.peerAsn} (RFC 4271 6.2)`,
      ),
    );
  if (theirs.holdTimeSec === 1 || theirs.holdTimeSec === 2)
    return err(bgpError(2, 6, `the peer offers hold time ${theirs.holdTimeSec}; RFC 4271 4.2 allows 0 or at least 3`));
  const ibgp = peerAsn === config.localAsn;
  if (theirs.bgpIdentifier === 0 || (ibgp && theirs.bgpIdentifier === config.bgpIdentifier))
    return err(bgpError(2, 3, badIdentifier(theirs)));
  if (capabilities.multiprotocol !== undefined && !capabilities.multiprotocol.some(isIpv4Unicast))
    return err(
      bgpError(
        2,
        7,
        'the peer does not offer IPv4 unicast, and we offer nothing else (RFC 4760 8, RFC 5492 5)',
        new Uint8Array([1, 4, 0, AFI_IPV4, 0, SAFI_UNICAST]),
      ),
    );
  const gracefulRestart = config.gracefulRestart === undefined ? undefined : peersGracefulRestart(theirs);
  return ok({
    peerAsn,
    peerBgpIdentifier: theirs.bgpIdentifier,
    ibgp,
    holdTimeSec: Math.min(config.holdTimeSec, theirs.holdTimeSec),
    fourOctetAs: capabilities.fourOctetAsn !== undefined,
    routeRefresh: capabilities.routeRefresh === true,
    ...(gracefulRestart === undefined ? {} : { gracefulRestart }),
  });
}

const badIdentifier = (theirs: OpenMessage): string =>
  theirs.bgpIdentifier === 0
    ? 'the peer has BGP identifier 0.0.0.0; RFC 6286 2.1 wants another. Configure its router id.'
    : `the peer has our own BGP identifier ${formatIpv4(theirs.bgpIdentifier)}; within an AS it must be unique (RFC 6286 2.2)`;

function peersGracefulRestart(theirs: OpenMessage): Agreed['gracefulRestart'] {
  const capability = theirs.capabilities.gracefulRestart;
  if (capability === undefined) return undefined;
  const family = capability.families.find(isIpv4Unicast);
  return {
    restartTimeSec: capability.restartTimeSec,
    restarting: capability.restarting,
    ipv4: family !== undefined,
    forwarding: family?.forwarding ?? false,
    notification: capability.notification,
  };
}
