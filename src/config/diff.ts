/** What changed between two configurations, and what each change costs. Pure. What a setting's change needs is a column of
 *  settings.ts; here is how each is read from a NodeConfig and shown. Passwords are compared and never shown. */
import { formatIp, type IpAddress } from '../base/ip.ts';
import { formatPrefix, type Prefix } from '../base/prefix.ts';
import type { PeerConfig } from '../model/peer.ts';
import { type ConfigChange, type DefaultPoolConfig, type NodeConfig, storeText } from './node-config.ts';
import { NEIGHBOR_SETTINGS, type NeighborPath, NODE_SETTINGS, type NodePath } from './settings.ts';

const address = (a: IpAddress | undefined): string => (a === undefined ? 'automatic' : formatIp(a));
const restart = (g: { readonly restartTimeSec: number } | undefined): string =>
  g === undefined ? 'off' : `${g.restartTimeSec}s`;
const prefixes = (list: readonly Prefix[]): readonly string[] => list.map(formatPrefix);
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
  families: (c) => c.families,
  ebgpRequiresPolicy: (c) => String(c.ebgpRequiresPolicy),
  gracefulRestart: (c) => restart(c.gracefulRestart),
  logLevel: (c) => c.logLevel,
  'control.socket': (c) => c.control.socket,
  'health.port': (c) => String(c.health?.port ?? 'off'),
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
  'cluster.defaultPool.cidr': pool((p) => (p.cidr === undefined ? 'automatic' : formatPrefix(p.cidr))),
  'cluster.defaultPool.ipipMode': pool((p) => p.ipipMode),
  'cluster.defaultPool.vxlanMode': pool((p) => p.vxlanMode),
  'cluster.defaultPool.natOutgoing': pool((p) => String(p.natOutgoing)),
  'cluster.defaultPool.blockSize': pool((p) => String(p.blockSize)),
  'cluster.localPref': (c) => String(c.cluster?.localPref ?? 'none'),
  'cluster.tunnel.carrier': (c) => c.cluster?.tunnel.carrier ?? 'none',
  'cni.socket': (c) => c.cni?.socket ?? 'none',
};

type PeerRow = Exclude<NeighborPath, 'gracefulRestart.restartTime' | 'name'>;
const PEER_SHOWN: { readonly [P in PeerRow]: (p: PeerConfig) => string } = {
  address: (p) => formatIp(p.address),
  asn: (p) => String(p.asn),
  port: (p) => String(p.port),
  passive: (p) => String(p.passive),
  localAddress: (p) => address(p.localAddress),
  interface: (p) => p.interface ?? 'any',
  ttlSecurity: (p) => String(p.ttlSecurity ?? 'off'),
  ttl: (p) => String(p.ttl ?? 'automatic'),
  password: (p) => p.password ?? '',
  holdTime: (p) => String(p.holdTimeSec),
  connectRetry: (p) => String(p.connectRetrySec),
  gracefulRestart: (p) => restart(p.gracefulRestart),
  localPref: (p) => String(p.localPref),
  nextHopSelf: (p) => String(p.nextHopSelf),
  import: (p) => p.importPolicy ?? 'all',
  export: (p) => p.exportPolicy ?? 'all',
  transit: (p) => String(p.transit),
};
/** A neighbor without a word of its own has the node's: then the node's line is the change, not the neighbor's. */
const INHERITED: readonly (PeerRow & NodePath)[] = ['holdTime', 'connectRetry', 'gracefulRestart'];

/** Empty when nothing changed. A changed neighbor names that neighbor only. */
export function diffConfig(from: NodeConfig, to: NodeConfig): readonly ConfigChange[] {
  const changes: ConfigChange[] = [];
  const before = new Map(from.neighbors.map((p) => [p.name, p]));
  const after = new Map(to.neighbors.map((p) => [p.name, p]));
  const explained = new Map<PeerRow, (a: PeerConfig, b: PeerConfig) => boolean>();

  for (const path of keysOf(NODE_SHOWN)) {
    const show = NODE_SHOWN[path];
    const [a, b] = [show(from), show(to)];
    if (String(a) === String(b)) continue;
    const row = INHERITED.find((p) => p === path);
    let peers: readonly string[] = [];
    if (row !== undefined) {
      const peerShow = PEER_SHOWN[row];
      const follows = (p: PeerConfig, q: PeerConfig): boolean => peerShow(p) === a && peerShow(q) === b;
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
  return changes;
}

function peerChanges(
  p: PeerConfig,
  q: PeerConfig,
  explained: ReadonlyMap<PeerRow, (a: PeerConfig, b: PeerConfig) => boolean>,
): ConfigChange[] {
  const changes: ConfigChange[] = [];
  for (const row of keysOf(PEER_SHOWN)) {
    const [a, b] = [PEER_SHOWN[row](p), PEER_SHOWN[row](q)];
    if (a === b || explained.get(row)?.(p, q)) continue;
    const what = row === 'password' ? secretDifference(a, b) : difference(a, b);
    changes.push({
      path: `neighbors.${p.name}.${row}`,
      text: `neighbor ${p.name}: ${row} ${what}`,
      needs: NEIGHBOR_SETTINGS[row].needs,
      peers: [p.name],
    });
  }
  return changes;
}

const title = (p: PeerConfig): string => `${p.name} (${formatIp(p.address)}, AS ${p.asn})`;
const secretDifference = (a: string, b: string): string => (a === '' ? 'set' : b === '' ? 'removed' : 'changed');

function difference(a: Shown, b: Shown): string {
  if (typeof a === 'string' || typeof b === 'string') return `${a} -> ${b}`;
  const added = b.filter((x) => !a.includes(x)).map((x) => `+${x}`);
  const removed = a.filter((x) => !b.includes(x)).map((x) => `-${x}`);
  return [...added, ...removed].join(' ') || 'in another order';
}

const keysOf = <K extends string>(o: { readonly [P in K]: unknown }): readonly K[] => Object.keys(o) as K[];
