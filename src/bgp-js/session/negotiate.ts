/** Our OPEN, and what ours and the peer's agree on. Pure. RFC 4271 6.2, 4724 3, 4760 8, 5492 5, 6286 2, 6793 4.1, 7911 4,
 *  8538 2, 8654 4, 8950 4, 9234 4.2, 9494 3.1. */
import { formatIpv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Capabilities, encodeCapabilities } from '../wire/capabilities.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { AFI_IPV6, type Family, familyName, hasFamily, IPV4_UNICAST, sameFamily } from '../wire/family.ts';
import { AS_TRANS, type OpenMessage } from '../wire/open.ts';
import { roleOfValue, rolesMatch, roleValue } from '../wire/role.ts';
import type { Agreed, SessionConfig } from './session-types.ts';

/** GR has 12 bits for its seconds, LLGR 24. RFC 4724 3, RFC 9494 3.1 */
const MAX_RESTART_SEC = 0xfff;
const MAX_STALE_SEC = 0xffffff;

const offeredFamilies = (config: SessionConfig): readonly Family[] => config.families ?? [IPV4_UNICAST];
/** Roles and only-to-customer are between ASes, not within one or within a confederation. RFC 9234 4 and 5 */
const rolesCount = (config: SessionConfig): boolean =>
  config.peerAsn !== config.localAsn && config.confederation !== true;

/** The OPEN of this moment: the R and F bits are asked for now. `bare`: without capabilities, for a peer that refuses the
 *  parameter that holds them. RFC 5492 3 */
export function ourOpen(config: SessionConfig, bare = false): OpenMessage {
  return {
    myAs: config.localAsn > 0xffff ? AS_TRANS : config.localAsn,
    holdTimeSec: config.holdTimeSec,
    bgpIdentifier: config.bgpIdentifier,
    capabilities: bare ? {} : ourCapabilities(config),
  };
}

function ourCapabilities(config: SessionConfig): Capabilities {
  const { role, hostName } = config;
  const nextHops = (config.extendedNextHop ?? []).map(({ afi, safi }) => ({ afi, safi, nextHopAfi: AFI_IPV6 }));
  const addPath = ourAddPath(config);
  return {
    multiprotocol: offeredFamilies(config),
    routeRefresh: true,
    ...(nextHops.length > 0 ? { extendedNextHop: nextHops } : {}),
    ...(config.extendedMessages === true ? { extendedMessages: true } : {}),
    ...(role !== undefined && rolesCount(config) ? { roles: [roleValue(role)] } : {}),
    ...ourGracefulRestart(config),
    fourOctetAsn: config.localAsn,
    ...(addPath.length > 0 ? { addPath } : {}),
    ...(config.enhancedRouteRefresh === true ? { enhancedRouteRefresh: true } : {}),
    ...(hostName !== undefined ? { hostName } : {}),
  };
}

function ourGracefulRestart(config: SessionConfig): Pick<Capabilities, 'gracefulRestart' | 'longLivedGracefulRestart'> {
  if (config.gracefulRestart === undefined) return {};
  const { restarting, forwarding } = config.gracefulRestart.bits();
  const kept = (family: Family): boolean => (typeof forwarding === 'boolean' ? forwarding : forwarding(family));
  const lived = config.longLivedGracefulRestart;
  return {
    gracefulRestart: {
      restartTimeSec: Math.min(config.gracefulRestart.restartTimeSec, MAX_RESTART_SEC),
      restarting,
      notification: true,
      families: offeredFamilies(config).map((family) => ({ ...family, forwarding: kept(family) })),
    },
    ...(lived !== undefined
      ? {
          longLivedGracefulRestart: lived.map(({ family, staleTimeSec }) => ({
            ...family,
            forwarding: kept(family),
            staleTimeSec: Math.min(staleTimeSec, MAX_STALE_SEC),
          })),
        }
      : {}),
  };
}

function ourAddPath(config: SessionConfig): NonNullable<Capabilities['addPath']> {
  const { receive = [], send = [] } = config.addPath ?? {};
  const either = [...receive, ...send.filter((family) => !hasFamily(receive, family))];
  return either.map((family) => ({ ...family, receive: hasFamily(receive, family), send: hasFamily(send, family) }));
}

/** What the OPENs alone decide; the addresses come from the connection. */
export type Negotiated = Omit<Agreed, 'localAddress' | 'localPort' | 'peerPort' | 'outgoing'>;

/** Judges the peer's OPEN against our configuration. Faults: 2/2, 2/6, 2/3, 2/7, 2/11, in this order. `bare`: our OPEN had no
 *  capabilities, so that IPv4 unicast with 2-octet AS numbers is all that there can be. */
export function negotiate(config: SessionConfig, theirs: OpenMessage, bare = false): Result<Negotiated, BgpError> {
  return bare ? negotiateBare(config, theirs) : negotiateAll(config, theirs);
}

function negotiateBare(config: SessionConfig, theirs: OpenMessage): Result<Negotiated, BgpError> {
  const { localAsn, peerAsn, bgpIdentifier, peerAddress, peerPort, passive, holdTimeSec, connectRetrySec } = config;
  const confederation = config.confederation === true;
  const asns = config.peerAsns === undefined ? {} : { peerAsns: config.peerAsns };
  const plain = {
    localAsn,
    peerAsn,
    ...asns,
    bgpIdentifier,
    peerAddress,
    peerPort,
    passive,
    holdTimeSec,
    connectRetrySec,
  };
  const all = negotiateAll({ ...plain, confederation }, theirs);
  return all.ok ? ok({ ...all.value, fourOctetAs: false, routeRefresh: false }) : all;
}

function negotiateAll(config: SessionConfig, theirs: OpenMessage): Result<Negotiated, BgpError> {
  const { capabilities } = theirs;
  const peerAsn = capabilities.fourOctetAsn ?? theirs.myAs;
  const fault = badAsn(config, theirs, peerAsn) ?? badHoldTime(theirs) ?? badIdentifier(config, theirs, peerAsn);
  if (fault !== undefined) return err(fault);
  const families = commonFamilies(config, capabilities);
  if (families.length === 0) return err(noCommonFamily(config));
  const roles = agreeRoles(config, capabilities);
  if (!roles.ok) return roles;
  return ok({
    localAsn: config.localAsn,
    peerAsn,
    peerBgpIdentifier: theirs.bgpIdentifier,
    ibgp: peerAsn === config.localAsn,
    confederation: config.confederation === true,
    holdTimeSec: Math.min(config.holdTimeSec, theirs.holdTimeSec),
    fourOctetAs: capabilities.fourOctetAsn !== undefined,
    families,
    addPath: agreeAddPath(config, capabilities, families),
    extendedNextHop: agreeExtendedNextHop(config, capabilities, families),
    extendedMessages: config.extendedMessages === true && capabilities.extendedMessages === true,
    routeRefresh: capabilities.routeRefresh === true,
    enhancedRouteRefresh: config.enhancedRouteRefresh === true && capabilities.enhancedRouteRefresh === true,
    ...roles.value,
    ...peersGracefulRestart(config, capabilities, families),
  });
}

function badAsn(config: SessionConfig, theirs: OpenMessage, peerAsn: number): BgpError | undefined {
  // 0 in the field is a fault even where the capability holds a good number. RFC 7607 2
  const { peerAsns = [{ from: config.peerAsn, to: config.peerAsn }] } = config;
  if (peerAsns.some(({ from, to }) => peerAsn >= from && peerAsn <= to) && theirs.myAs !== 0) return undefined;
  const says = theirs.myAs === 0 ? 0 : peerAsn;
  const configured = peerAsns.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(', ');
  return bgpError(2, 2, `the peer says it is AS ${says}, configured is AS ${configured} (RFC 4271 6.2)`);
}

/** RFC 4271 6.2: 1 and 2 must be refused. */
function badHoldTime({ holdTimeSec }: OpenMessage): BgpError | undefined {
  if (holdTimeSec !== 1 && holdTimeSec !== 2) return undefined;
  return bgpError(2, 6, `the peer offers hold time ${holdTimeSec}; RFC 4271 4.2 allows 0 or at least 3`);
}

/** Any number but zero, and within an AS not ours. RFC 6286 2.1 and 2.2 */
function badIdentifier(config: SessionConfig, theirs: OpenMessage, peerAsn: number): BgpError | undefined {
  const { bgpIdentifier } = theirs;
  if (bgpIdentifier === 0)
    return bgpError(2, 3, 'the peer has BGP identifier 0.0.0.0; RFC 6286 2.1 wants another. Configure its router id.');
  if (peerAsn !== config.localAsn || bgpIdentifier !== config.bgpIdentifier) return undefined;
  return bgpError(
    2,
    3,
    `the peer has our own BGP identifier ${formatIpv4(bgpIdentifier)}; within an AS it must be unique (RFC 6286 2.2)`,
  );
}

/** In our order. No multiprotocol capability at all means IPv4 unicast. RFC 4760 8 */
function commonFamilies(config: SessionConfig, theirs: Capabilities): readonly Family[] {
  const offered = theirs.multiprotocol ?? [IPV4_UNICAST];
  return offeredFamilies(config).filter((family) => hasFamily(offered, family));
}

/** The data is what the peer lacks, written as in an OPEN. RFC 5492 5 */
function noCommonFamily(config: SessionConfig): BgpError {
  const ours = offeredFamilies(config);
  const names = ours.map(familyName).join(', ');
  const missing = encodeCapabilities({ multiprotocol: ours });
  return bgpError(
    2,
    7,
    `the peer does not offer ${names}, and we offer nothing else (RFC 4760 8, RFC 5492 5)`,
    missing,
  );
}

/** Our receiving needs the peer's sending. A tuple that came twice counts as it came last. RFC 7911 4 */
function agreeAddPath(config: SessionConfig, theirs: Capabilities, families: readonly Family[]): Agreed['addPath'] {
  const { receive = [], send = [] } = config.addPath ?? {};
  const offer = (family: Family) => theirs.addPath?.findLast((f) => sameFamily(f, family));
  return {
    receive: families.filter((f) => hasFamily(receive, f) && offer(f)?.send === true),
    send: families.filter((f) => hasFamily(send, f) && offer(f)?.receive === true),
  };
}

function agreeExtendedNextHop(
  config: SessionConfig,
  theirs: Capabilities,
  families: readonly Family[],
): readonly Family[] {
  const offered = (theirs.extendedNextHop ?? []).filter((f) => f.nextHopAfi === AFI_IPV6);
  return families.filter((family) => hasFamily(config.extendedNextHop ?? [], family) && hasFamily(offered, family));
}

/** RFC 9234 4.2: table 2 or 2/11. Who has no role configured takes no part in it, but two different roles are refused anyway. */
function agreeRoles(config: SessionConfig, theirs: Capabilities): Result<Pick<Agreed, 'role' | 'peerRole'>, BgpError> {
  if (!rolesCount(config)) return ok({});
  const [value, ...others] = theirs.roles ?? [];
  if (others.length > 0) return err(mismatch(`the peer has several roles: ${[value, ...others].join(', ')}`));
  const { role, strictRole } = config;
  const peerRole = value === undefined ? undefined : roleOfValue(value);
  if (role !== undefined && value === undefined && strictRole === true)
    return err(mismatch(`the peer has no role, and we, as ${role}, are told to insist on one`));
  if (role !== undefined && value !== undefined && (peerRole === undefined || !rolesMatch(role, peerRole)))
    return err(mismatch(`the peer's role is ${peerRole ?? value}, which does not go with ours, ${role}`));
  return ok({ ...(role === undefined ? {} : { role }), ...(peerRole === undefined ? {} : { peerRole }) });
}

const mismatch = (text: string): BgpError => bgpError(2, 11, `${text} (RFC 9234 4.2)`);

/** What the peer promises, as far as the session has the families; LLGR without GR does not count. RFC 4724 4, RFC 9494 3.1 */
function peersGracefulRestart(
  config: SessionConfig,
  theirs: Capabilities,
  negotiated: readonly Family[],
): Pick<Agreed, 'gracefulRestart' | 'longLivedGracefulRestart'> {
  const capability = theirs.gracefulRestart;
  if (config.gracefulRestart === undefined || capability === undefined) return {};
  const { restartTimeSec, restarting, notification } = capability;
  const families = inFamilies(capability.families, negotiated).map(({ afi, safi, forwarding }) => ({
    family: { afi, safi },
    forwarding,
  }));
  const ipv4 = families.find(({ family }) => sameFamily(family, IPV4_UNICAST));
  const forwarding = ipv4?.forwarding ?? false;
  const gracefulRestart = { restartTimeSec, restarting, ipv4: ipv4 !== undefined, forwarding, notification, families };
  if (config.longLivedGracefulRestart === undefined || theirs.longLivedGracefulRestart === undefined)
    return { gracefulRestart };
  const longLived = inFamilies(theirs.longLivedGracefulRestart, negotiated);
  return {
    gracefulRestart,
    longLivedGracefulRestart: longLived.map(({ afi, safi, forwarding, staleTimeSec }) => ({
      family: { afi, safi },
      forwarding,
      staleTimeSec,
    })),
  };
}

/** Of what is listed twice, the last. */
const inFamilies = <T extends Family>(listed: readonly T[], families: readonly Family[]): T[] =>
  families.flatMap((family) => listed.findLast((l) => sameFamily(l, family)) ?? []);
