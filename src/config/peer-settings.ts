/** What the file says of one neighbor, or of a range of them, with what it has from the node filled in. Pure. */
import { formatIp, formatIpPrefix } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import type {
  AddPathConfig,
  AsnRange,
  BfdConfig,
  DynamicRange,
  FamilyName,
  LocalAs,
  MaxPrefixes,
  PeerConfig,
  PeerSettings,
} from '../model/peer.ts';
import { EBGP_WITHOUT_POLICY, type Policy } from '../model/policy.ts';
import type { DynamicValues, NeighborValues } from './checked.ts';
import type { Values } from './document.ts';
import type { NodeConfig } from './node-config.ts';
import { NODE_SETTINGS, SESSION_SETTINGS } from './settings.ts';

const S = SESSION_SETTINGS;
/** Of the node, read before its neighbors. */
export type Inherited = Omit<NodeConfig, 'neighbors' | 'dynamicNeighbors'>;
/** What neighbors and ranges have alike. */
type SessionValues = Pick<Values<typeof SESSION_SETTINGS>, 'get' | 'mentions'>;
/** What a neighbor names, as one policy; undefined accepts all. */
export type Policies = (names: readonly string[]) => Policy | undefined;

export const FULL_RESTART = { restartTimeSec: NODE_SETTINGS['gracefulRestart.restartTime'].default };
const IPV4_ALONE: readonly FamilyName[] = ['ipv4-unicast'];

/** Absent: off. A restart time switches it on; without a word of one's own it is as `inherited`. */
export function restart(
  on: boolean | undefined,
  restartTimeSec: number | undefined,
  inherited: NodeConfig['gracefulRestart'],
): NodeConfig['gracefulRestart'] {
  if (restartTimeSec !== undefined) return { restartTimeSec };
  if (on === undefined) return inherited;
  return on ? (inherited ?? FULL_RESTART) : undefined;
}

export function toPeer(n: NeighborValues, node: Inherited, policies: Policies): PeerConfig {
  const address = n.get('address') ?? ipv4(0);
  const asn = n.get('asn') ?? 0;
  return {
    name: n.get('name') ?? formatIp(address),
    address,
    asn,
    // Not the index: it would change with every line above it, and with it a peer that did not.
    ...toSettings(n, node, policies, { kind: 'file', configuredBy: `neighbors of ${node.path}` }, (us) => asn !== us),
    passive: n.get('passive') ?? false,
  };
}

export function toRange(d: DynamicValues, node: Inherited, policies: Policies): DynamicRange {
  const prefix = d.get('prefix') ?? { address: ipv4(0), length: 32 };
  const asn = d.get('asn');
  const asns: readonly AsnRange[] = d.get('asns') ?? (asn === undefined ? [] : [{ from: asn, to: asn }]);
  const origin = {
    kind: 'dynamic',
    configuredBy: `dynamicNeighbors ${formatIpPrefix(prefix)} of ${node.path}`,
  } as const;
  const isExternal = (us: number): boolean => asns.some(({ from, to }) => from !== us || to !== us);
  return {
    prefix,
    asns,
    limit: d.get('limit') ?? 100,
    settings: { ...toSettings(d, node, policies, origin, isExternal), passive: true },
  };
}

function toSettings(
  n: SessionValues,
  node: Inherited,
  policies: Policies,
  origin: Pick<PeerSettings, 'kind' | 'configuredBy'>,
  isExternal: (localAsn: number) => boolean,
): PeerSettings {
  const localAs = n.get('localAs') ?? n.get('localAs.asn');
  const localAsn = localAs ?? node.asn;
  const gracefulRestart = restart(n.get('gracefulRestart'), n.get('gracefulRestart.restartTime'), node.gracefulRestart);
  const staleTimeSec = n.get('longLivedGracefulRestart') ?? node.longLivedGracefulRestart?.staleTimeSec;
  const withoutOne = isExternal(localAsn) && node.ebgpRequiresPolicy ? EBGP_WITHOUT_POLICY : undefined;
  const policy = (names: readonly string[] | undefined): Policy | undefined =>
    names === undefined ? withoutOne : policies(names);
  const families = n.get('families') ?? node.families;
  return {
    ...origin,
    port: n.get('port') ?? S.port.default,
    localAsn,
    passive: false,
    holdTimeSec: n.get('holdTime') ?? node.holdTimeSec,
    connectRetrySec: n.get('connectRetry') ?? node.connectRetrySec,
    localPref: n.get('localPref') ?? S.localPref.default,
    nextHop: n.get('nextHop') ?? S.nextHop.default,
    transit: n.get('transit') ?? S.transit.default,
    ...present<PeerSettings>({
      localAs: toLocalAs(n, localAsn, node.asn),
      localAddress: n.get('localAddress'),
      interface: n.get('interface'),
      ttlSecurity: n.get('ttlSecurity'),
      ttl: n.get('ttl'),
      multihop: n.get('multihop'),
      password: n.get('password'),
      families: isIpv4Alone(families) ? undefined : families,
      addPath: toAddPath(n),
      extendedMessages: n.get('extendedMessages') || undefined,
      gracefulRestart,
      longLivedGracefulRestart:
        staleTimeSec === undefined || gracefulRestart === undefined ? undefined : { staleTimeSec },
      client: n.get('routeReflectorClient') || undefined,
      clusterId: node.clusterId,
      allowOwnAs: n.get('allowOwnAs') || undefined,
      removePrivateAs: toRemovePrivateAs(n),
      thirdPartyNextHop: n.get('thirdPartyNextHop') || undefined,
      extendedNextHop: n.get('extendedNextHop') || undefined,
      med: n.get('med'),
      withhold: toWithheld(n),
      gracefulShutdown: n.get('gracefulShutdown') || undefined,
      sendBlackhole: n.get('sendBlackhole') || undefined,
      maxPrefixes: toMaxPrefixes(n),
      role: n.get('role'),
      strictRole: n.get('strictRole') || undefined,
      bfd: toBfd(n),
      importPolicy: policy(n.get('import')),
      exportPolicy: policy(n.get('export')),
    }),
  };
}

/** Without the fields that are undefined: what is not there is not compared, shown or sent anywhere. */
function present<T extends object>(fields: { readonly [K in keyof T]?: T[K] | undefined }): Partial<T> {
  const there: Partial<T> = {};
  for (const key in fields) if (fields[key] !== undefined) there[key] = fields[key];
  return there;
}

function toLocalAs(n: SessionValues, localAsn: number, nodeAsn: number): LocalAs | undefined {
  if (localAsn === nodeAsn) return undefined;
  return {
    nodeAsn,
    noPrepend: n.get('localAs.noPrepend') ?? S['localAs.noPrepend'].default,
    replaceAs: n.get('localAs.replaceAs') ?? S['localAs.replaceAs'].default,
  };
}

function toAddPath(n: SessionValues): AddPathConfig | undefined {
  const [receive, send] = [n.get('addPath.receive') === true, n.get('addPath.send') === true];
  return receive || send ? { receive, send, max: n.get('addPath.max') ?? S['addPath.max'].default } : undefined;
}

function toMaxPrefixes(n: SessionValues): MaxPrefixes | undefined {
  if (!n.mentions('maxPrefixes')) return undefined;
  return {
    limit: n.get('maxPrefixes') ?? n.get('maxPrefixes.limit') ?? S.maxPrefixes.default,
    action: n.get('maxPrefixes.action') ?? S['maxPrefixes.action'].default,
    warnPercent: n.get('maxPrefixes.warnPercent') ?? S['maxPrefixes.warnPercent'].default,
    idleRestartSec: n.get('maxPrefixes.restart') ?? S['maxPrefixes.restart'].default,
  };
}

function toBfd(n: SessionValues): BfdConfig | undefined {
  if (n.get('bfd') === false || !n.mentions('bfd')) return undefined;
  return {
    intervalMs: n.get('bfd.interval') ?? S['bfd.interval'].default,
    multiplier: n.get('bfd.multiplier') ?? S['bfd.multiplier'].default,
  };
}

function toRemovePrivateAs(n: SessionValues): PeerSettings['removePrivateAs'] {
  const word = n.get('removePrivateAs');
  return word === 'off' ? undefined : word;
}

/** Once each, in one order: other words for the same are no change. */
function toWithheld(n: SessionValues): PeerSettings['withhold'] {
  const kinds = [...new Set(n.get('withhold'))].sort();
  return kinds.length === 0 ? undefined : kinds;
}

const isIpv4Alone = (families: readonly FamilyName[]): boolean => String(families) === String(IPV4_ALONE);
