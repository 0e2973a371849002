/** What changed between two configurations, and what each change costs. Pure. What a setting's change needs is a column of
 *  settings.ts; here is how each is read from a NodeConfig and shown. Passwords are compared and never shown. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix } from '../base/ip.ts';
import type { AsnRange, DynamicRange, PeerConfig, PeerSettings } from '../model/peer.ts';
import type { Policy } from '../model/policy.ts';
import { type ConfigChange, type DefaultPoolConfig, type NodeConfig, storeText } from './node-config.ts';
import {
  DYNAMIC_SETTINGS,
  type DynamicPath,
  NEIGHBOR_SETTINGS,
  type NeighborPath,
  NODE_SETTINGS,
  type NodePath,
} from './settings.ts';

const address = (a: IpAddress | undefined): string => (a === undefined ? 'automatic' : formatIp(a));
const restart = (g: { readonly restartTimeSec: number } | undefined): string =>
  g === undefined ? 'off' : `${g.restartTimeSec}s`;
const longLived = (g: { readonly staleTimeSec: number } | undefined): string =>
  g === undefined ? 'off' : `${g.staleTimeSec}s`;
const prefixes = (list: readonly IpPrefix[]): readonly string[] => list.map(formatIpPrefix);
/** All of a policy as text, for comparison only. */
const contents = (policy: Policy | undefined): string =>
  JSON.stringify(policy ?? 'all', (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
type Shown = string | readonly string[];
const pool =
  (of: (p: DefaultPoolConfig) => string) =>
  (c: NodeConfig): string =>
    c.cluster?.defaultPool === undefined ? 'none' : of(c.cluster.defaultPool);

/** gracefulRestart is one value here: off, or its time; so is the store, whichever way it is told. */
type NodeRow = Exclude<
  NodePath,
  'gracefulRestart.restartTime' | 'cluster.store.kubernetes' | 'cluster.store.kubeconfig'
>;
const NODE_SHOWN: { readonly [P in NodeRow]: (c: NodeConfig) => Shown } = {
  asn: (c) => String(c.asn),
  routerId: (c) => address(c.routerId),
  'listen.address': (c) => address(c.listen.address),
  'listen.port': (c) => String(c.listen.port),
  'listen.also': (c) => c.listen.also?.map(formatIp) ?? 'automatic',
  holdTime: (c) => String(c.holdTimeSec),
  connectRetry: (c) => String(c.connectRetrySec),
  families: (c) => c.families.join(' '),
  clusterId: (c) => address(c.clusterId),
  'maxPaths.ebgp': (c) => String(c.maxPaths.ebgp),
  'maxPaths.ibgp': (c) => String(c.maxPaths.ibgp),
  preferOlder: (c) => String(c.preferOlder),
  ebgpRequiresPolicy: (c) => String(c.ebgpRequiresPolicy),
  gracefulRestart: (c) => restart(c.gracefulRestart),
  longLivedGracefulRestart: (c) => longLived(c.longLivedGracefulRestart),
  logLevel: (c) => c.logLevel,
  'control.socket': (c) => c.control.socket,
  'health.port': (c) => String(c.health?.port ?? 'off'),
  'bmp.address': (c) => (c.bmp === undefined ? 'none' : formatIp(c.bmp.address)),
  'bmp.port': (c) => String(c.bmp?.port ?? 'none'),
  'bmp.statistics': (c) => String(c.bmp?.statisticsSec ?? 'none'),
  stateDir: (c) => c.stateDir,
  'kernel.install': (c) => String(c.kernel.install),
  'kernel.protocol': (c) => String(c.kernel.protocol),
  'kernel.table': (c) => String(c.kernel.table),
  'kernel.allow': (c) => prefixes(c.kernel.allow),
  originate: (c) => prefixes(c.originate),
  'cluster.nodeName': (c) => c.cluster?.nodeName ?? 'none',
  'cluster.store.server': (c) => (c.cluster === undefined ? 'none' : storeText(c.cluster.store)),
  'cluster.address': (c) => address(c.cluster?.address),
  'cluster.namespace': (c) => c.cluster?.namespace ?? 'none',
  'cluster.defaultPool.cidr': pool((p) => (p.cidr === undefined ? 'automatic' : formatIpPrefix(p.cidr))),
  'cluster.defaultPool.ipipMode': pool((p) => p.ipipMode),
  'cluster.defaultPool.vxlanMode': pool((p) => p.vxlanMode),
  'cluster.defaultPool.natOutgoing': pool((p) => String(p.natOutgoing)),
  'cluster.defaultPool.blockSize': pool((p) => String(p.blockSize)),
  'cluster.localPref': (c) => String(c.cluster?.localPref ?? 'none'),
  'cluster.meshImport': (c) => c.cluster?.meshImport?.name ?? 'all',
  'cluster.meshExport': (c) => c.cluster?.meshExport?.name ?? 'all',
  'cluster.blockOrigin': (c) => c.cluster?.blockOrigin ?? 'none',
  'cluster.tunnel.carrier': (c) => c.cluster?.tunnel.carrier ?? 'none',
  'cni.socket': (c) => c.cni?.socket ?? 'none',
};

/** What is written in two ways is one value here. */
type PeerRow = Exclude<
  NeighborPath,
  'gracefulRestart.restartTime' | 'name' | 'localAs.asn' | 'maxPrefixes.limit' | 'bfd'
>;
type SettingRow = Exclude<PeerRow, 'address' | 'asn' | 'passive'>;
const SETTINGS_SHOWN: { readonly [P in SettingRow]: (p: PeerSettings) => string } = {
  port: (p) => String(p.port),
  localAddress: (p) => address(p.localAddress),
  interface: (p) => p.interface ?? 'any',
  ttlSecurity: (p) => String(p.ttlSecurity ?? 'off'),
  ttl: (p) => String(p.ttl ?? 'automatic'),
  multihop: (p) => String(p.multihop ?? 'off'),
  password: (p) => p.password ?? '',
  holdTime: (p) => String(p.holdTimeSec),
  connectRetry: (p) => String(p.connectRetrySec),
  gracefulRestart: (p) => restart(p.gracefulRestart),
  longLivedGracefulRestart: (p) => longLived(p.longLivedGracefulRestart),
  families: (p) => (p.families ?? ['ipv4-unicast']).join(' '),
  'addPath.receive': (p) => String(p.addPath?.receive ?? false),
  'addPath.send': (p) => String(p.addPath?.send ?? false),
  'addPath.max': (p) => String(p.addPath?.max ?? 8),
  extendedMessages: (p) => String(p.extendedMessages ?? false),
  localAs: (p) => (p.localAs === undefined ? "the node's" : String(p.localAsn)),
  'localAs.noPrepend': (p) => String(p.localAs?.noPrepend ?? false),
  'localAs.replaceAs': (p) => String(p.localAs?.replaceAs ?? false),
  allowOwnAs: (p) => String(p.allowOwnAs ?? 0),
  removePrivateAs: (p) => p.removePrivateAs ?? 'off',
  routeReflectorClient: (p) => String(p.client ?? false),
  maxPrefixes: (p) => String(p.maxPrefixes?.limit ?? 2_000_000),
  'maxPrefixes.warnPercent': (p) => String(p.maxPrefixes?.warnPercent ?? 75),
  'maxPrefixes.action': (p) => p.maxPrefixes?.action ?? 'idle',
  'maxPrefixes.restart': (p) => String(p.maxPrefixes?.idleRestartSec ?? 300),
  role: (p) => p.role ?? 'none',
  strictRole: (p) => String(p.strictRole ?? false),
  'bfd.interval': (p) => String(p.bfd?.intervalMs ?? 'off'),
  'bfd.multiplier': (p) => String(p.bfd?.multiplier ?? 'off'),
  localPref: (p) => String(p.localPref),
  nextHop: (p) => p.nextHop,
  thirdPartyNextHop: (p) => String(p.thirdPartyNextHop ?? false),
  extendedNextHop: (p) => String(p.extendedNextHop ?? false),
  med: (p) => p.med ?? 'auto',
  withhold: (p) => p.withhold?.join(' ') ?? 'none',
  gracefulShutdown: (p) => String(p.gracefulShutdown ?? false),
  sendBlackhole: (p) => String(p.sendBlackhole ?? false),
  import: (p) => contents(p.importPolicy),
  export: (p) => contents(p.exportPolicy),
  transit: (p) => String(p.transit),
};
const PEER_SHOWN: { readonly [P in PeerRow]: (p: PeerConfig) => string } = {
  address: (p) => formatIp(p.address),
  asn: (p) => String(p.asn),
  passive: (p) => String(p.passive),
  ...SETTINGS_SHOWN,
};
type RangeRow = Exclude<DynamicPath, NeighborPath | 'asn' | 'prefix'>;
const asns = (list: readonly AsnRange[]): string =>
  list.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(' ');
const RANGE_SHOWN: { readonly [P in RangeRow]: (r: DynamicRange) => string } = {
  asns: (r) => asns(r.asns),
  limit: (r) => String(r.limit),
};
/** A neighbor without a word of its own has the node's: then the node's line is the change, not the neighbor's. */
const INHERITED: readonly (SettingRow & NodePath)[] = [
  'holdTime',
  'connectRetry',
  'families',
  'gracefulRestart',
  'longLivedGracefulRestart',
];

/** Empty when nothing changed. A changed neighbor names that neighbor only. */
export function diffConfig(from: NodeConfig, to: NodeConfig): readonly ConfigChange[] {
  const changes: ConfigChange[] = [];
  const before = new Map(from.neighbors.map((p) => [p.name, p]));
  const after = new Map(to.neighbors.map((p) => [p.name, p]));
  const explained: Map<PeerRow, (a: PeerSettings, b: PeerSettings) => boolean> = new Map();

  for (const path of keysOf(NODE_SHOWN)) {
    const show = NODE_SHOWN[path];
    const [a, b] = [show(from), show(to)];
    if (String(a) === String(b)) continue;
    const row = INHERITED.find((p) => p === path);
    let peers: readonly string[] = [];
    if (row !== undefined) {
      const peerShow = SETTINGS_SHOWN[row];
      const follows = (p: PeerSettings, q: PeerSettings): boolean => peerShow(p) === a && peerShow(q) === b;
      explained.set(row, follows);
      peers = to.neighbors.filter((q) => follows(before.get(q.name) ?? q, q)).map((q) => q.name);
    }
    changes.push({ path, text: `${path} ${difference(a, b)}`, needs: NODE_SETTINGS[path].needs, peers });
  }
  for (const [name, p] of before)
    if (!after.has(name))
      changes.push({
        path: `neighbors.${name}`,
        text: `neighbor ${title(p)} removed: its session ends`,
        needs: 'peer-reset',
        peers: [name],
      });
  for (const [name, q] of after) {
    const p = before.get(name);
    if (p === undefined)
      changes.push({ path: `neighbors.${name}`, text: `neighbor ${title(q)} added`, needs: 'nothing', peers: [name] });
    else changes.push(...peerChanges(p, q, explained));
  }
  changes.push(...rangeChanges(from, to, explained));
  return changes;
}

/** A change of a range concerns whoever came by it: they are named by their addresses, which no file knows. */
function rangeChanges(from: NodeConfig, to: NodeConfig, explained: Explained): ConfigChange[] {
  const changes: ConfigChange[] = [];
  const before = new Map(from.dynamicNeighbors.map((r) => [formatIpPrefix(r.prefix), r]));
  const after = new Map(to.dynamicNeighbors.map((r) => [formatIpPrefix(r.prefix), r]));
  for (const prefix of before.keys())
    if (!after.has(prefix))
      changes.push({
        path: `dynamicNeighbors.${prefix}`,
        text: `dynamic neighbors ${prefix} removed: their sessions end`,
        needs: 'peer-reset',
        peers: [],
      });
  for (const [prefix, q] of after) {
    const p = before.get(prefix);
    const path = `dynamicNeighbors.${prefix}`;
    const change = (row: string, what: string, needs: ConfigChange['needs']): void =>
      void changes.push({
        path: `${path}.${row}`,
        text: `dynamic neighbors ${prefix}: ${row} ${what}`,
        needs,
        peers: [],
      });
    if (p === undefined) {
      changes.push({
        path,
        text: `dynamic neighbors ${prefix} (AS ${asns(q.asns)}) added`,
        needs: 'nothing',
        peers: [],
      });
      continue;
    }
    for (const row of keysOf(RANGE_SHOWN)) {
      const [a, b] = [RANGE_SHOWN[row](p), RANGE_SHOWN[row](q)];
      if (a !== b) change(row, difference(a, b), DYNAMIC_SETTINGS[row].needs);
    }
    for (const row of keysOf(SETTINGS_SHOWN)) {
      const [a, b] = [SETTINGS_SHOWN[row](p.settings), SETTINGS_SHOWN[row](q.settings)];
      if (a === b || explained.get(row)?.(p.settings, q.settings)) continue;
      change(row, settingDifference(row, p.settings, q.settings), DYNAMIC_SETTINGS[row].needs);
    }
  }
  return changes;
}

/** Rows whose change is told as one of the node's. */
type Explained = ReadonlyMap<PeerRow, (a: PeerSettings, b: PeerSettings) => boolean>;

function peerChanges(p: PeerConfig, q: PeerConfig, explained: Explained): ConfigChange[] {
  const changes: ConfigChange[] = [];
  for (const row of keysOf(PEER_SHOWN)) {
    const [a, b] = [PEER_SHOWN[row](p), PEER_SHOWN[row](q)];
    if (a === b || explained.get(row)?.(p, q)) continue;
    changes.push({
      path: `neighbors.${p.name}.${row}`,
      text: `neighbor ${p.name}: ${row} ${isOfSession(row) ? settingDifference(row, p, q) : difference(a, b)}`,
      needs: NEIGHBOR_SETTINGS[row].needs,
      peers: [p.name],
    });
  }
  return changes;
}

const title = (p: PeerConfig): string => `${p.name} (${formatIp(p.address)}, AS ${p.asn})`;
const isOfSession = (row: PeerRow): row is SettingRow => Object.hasOwn(SETTINGS_SHOWN, row);

/** A password is never shown; a policy goes by its name, and may change under it. */
function settingDifference(row: SettingRow, p: PeerSettings, q: PeerSettings): string {
  const [a, b] = [SETTINGS_SHOWN[row](p), SETTINGS_SHOWN[row](q)];
  if (row === 'password') return secretDifference(a, b);
  if (row !== 'import' && row !== 'export') return difference(a, b);
  const [before, after] = (row === 'import' ? [p.importPolicy, q.importPolicy] : [p.exportPolicy, q.exportPolicy]).map(
    (policy) => policy?.name ?? 'all',
  );
  return before === after ? `${after}: the policy has changed` : `${before} -> ${after}`;
}
const secretDifference = (a: string, b: string): string => (a === '' ? 'set' : b === '' ? 'removed' : 'changed');

function difference(a: Shown, b: Shown): string {
  if (typeof a === 'string' || typeof b === 'string') return `${a} -> ${b}`;
  const added = b.filter((x) => !a.includes(x)).map((x) => `+${x}`);
  const removed = a.filter((x) => !b.includes(x)).map((x) => `-${x}`);
  return [...added, ...removed].join(' ') || 'in another order';
}

const keysOf = <K extends string>(o: { readonly [P in K]: unknown }): readonly K[] => Object.keys(o) as K[];
