/** A node of a cluster: from the store's present objects to peers, routes, tunnels and addresses, again and again.
 *  Level-triggered: every change of an input runs the same steps, each of which changes only what differs, so a crash
 *  between any two is mended by the next run. Sessions come first, because they need nothing from IPAM. */
import { delta } from '../base/delta.ts';
import { formatIpPrefix, type IpPrefix, onlyIpv4 } from '../base/ip.ts';
import { formatIpv4, type Ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import { lastWhole } from '../cluster/bgp-filter.ts';
import { ownedBlocks, ownedIpv6 } from '../cluster/block-origin.ts';
import type { ClusterReason } from '../cluster/cluster-reason.ts';
import { datastoreReady } from '../cluster/default-pool.ts';
import { type ClusterSnapshot, type Desired, type DesiredSelf, desired } from '../cluster/desired.ts';
import { usable } from '../cluster/originate.ts';
import { readSecretRef, type SecretRef, secretKey } from '../cluster/secret-ref.ts';
import type { Readiness } from '../cni/ports.ts';
import { Ipam } from '../ipam/allocator.ts';
import { IpamError } from '../ipam/error.ts';
import { matchesSelector } from '../ipam/selector.ts';
import type { ForwardAccept } from '../kernel/packets/forward-accept.ts';
import type { Masquerade } from '../kernel/packets/masquerade.ts';
import type { Tunnels } from '../kernel/tunnels/tunnel.ts';
import type { DynamicRange, PeerConfig } from '../model/peer.ts';
import { KINDS } from '../store/kinds.ts';
import { type Resource, type Store, StoreError } from '../store/port.ts';
import { systemClock, systemRandom, systemTimers } from '../sys/time.ts';
import type { ClusterReads } from './cluster-reads.ts';
import type { ClusterSetup } from './cluster-setup.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { Dataplane } from './dataplane.ts';
import type { FootprintRecord } from './footprint.ts';
import { type Level, levelTriggered } from './level.ts';
import type { Log, LogLevel } from './log.ts';
import { annotationPatch, type NodeFacts } from './node-annotations.ts';
import { networkAvailablePatch } from './node-condition.ts';
import type { ObjectEvents } from './object-events.ts';
import type { OriginWatch } from './origin-watch.ts';
import { PeerWays } from './peer-ways.ts';
import type { Speaker } from './speaker.ts';
import { podMtu, type TunnelKind, tunnelFacts, tunnelSpec, type Underlay, wantedTunnels } from './tunnel-specs.ts';

export interface ClusterNodeOptions {
  readonly nodeName: string;
  readonly address: Ipv4;
  /** As the configuration file has it now. */
  readonly self: () => DesiredSelf;
  readonly store: Store;
  readonly watch: ClusterWatch;
  readonly dataplane: Dataplane;
  readonly speaker: Speaker;
  readonly origins: OriginWatch;
  readonly tunnels: Tunnels;
  readonly masquerade: Masquerade;
  readonly reads: ClusterReads;
  readonly setup: ClusterSetup;
  readonly events: ObjectEvents;
  /** Kept for uninstall. */
  readonly footprint: FootprintRecord;
  readonly forward: ForwardAccept;
  /** Port and severity of the configuration file, where the BGPConfiguration has none. */
  readonly listenPort: () => number;
  readonly logLevel: () => LogLevel;
  /** Neighbours of the configuration file, beside the mesh. */
  readonly filePeers: () => readonly PeerConfig[];
  readonly dynamicNeighbors: () => readonly DynamicRange[];
  readonly log: Log & { setLevel(level: LogLevel): void };
}

export class ClusterNode {
  readonly ipam: Ipam;
  private readonly options: ClusterNodeOptions;
  private readonly level: Level;
  private readonly peerWays: PeerWays;
  private readonly tunnelAddresses = new Map<TunnelKind, Ipv4>();
  private blackholes: ReadonlyMap<string, IpPrefix> = new Map();
  private wanted: Desired | undefined;
  private wholeFilters: ReadonlyMap<string, Resource> = new Map();
  private masqueradeProblems: readonly Reason[] = [];
  private lastProblem: ClusterReason | undefined;
  private portProblem: ClusterReason | undefined;
  private logLevel: LogLevel | undefined;
  private readonly startedAtMs = systemClock.wall();
  /** Own block and tunnel are there: pods can be given addresses that work. */
  private addressed = false;

  constructor(options: ClusterNodeOptions) {
    this.options = options;
    const { log, dataplane } = options;
    const { routes, interfaces, nextHops } = dataplane;
    this.peerWays = new PeerWays({ routes, interfaces, nextHops, protocol: dataplane.blackhole.protocol });
    this.ipam = new Ipam({
      store: options.store,
      nodeName: options.nodeName,
      now: () => systemClock.wall(),
      timers: systemTimers,
      random: systemRandom,
    });
    this.level = levelTriggered(
      () => this.reconcile(),
      systemTimers,
      (error, retryInMs) => {
        this.lastProblem = reasonOf(error);
        log.warn(
          { code: this.lastProblem.code, error: this.lastProblem.text, retryInMs },
          'not all is as it should be',
        );
      },
    );
  }

  /** Something changed: look at everything again. */
  poke(): void {
    this.level.poke();
  }
  stop(): void {
    this.level.stop();
  }
  get desired(): Desired | undefined {
    return this.wanted;
  }
  /** What is wrong with the cluster's objects or with this node's share of them. */
  problems(): readonly Reason[] {
    return [
      ...(this.lastProblem === undefined ? [] : [this.lastProblem]),
      ...this.objectProblems(),
      ...this.masqueradeProblems,
      ...this.options.forward.problems(),
    ];
  }
  private objectProblems(): readonly ClusterReason[] {
    return [
      ...(this.locked() ? [LOCKED] : []),
      ...(this.portProblem === undefined ? [] : [this.portProblem]),
      ...(this.wanted?.problems ?? []),
    ];
  }
  /** IPAM must not be written to: an administrator, or a migration of the datastore, says so. */
  locked(): boolean {
    return !datastoreReady(this.options.watch.information());
  }
  readiness(): Readiness {
    if (this.locked()) return { kind: 'notReady', reason: LOCKED };
    if (!this.addressed) return { kind: 'notReady', reason: this.lastProblem ?? NOT_ADDRESSED };
    return this.cutOff() ? { kind: 'limited', reason: CUT_OFF } : { kind: 'ready' };
  }
  /** Several peers, and none of them for a while: the trouble is here. One dead peer of one proves nothing. */
  private cutOff(): boolean {
    const peers = this.options.speaker.peers.views();
    if (peers.length < 2 || peers.some((p) => p.state === 'Established')) return false;
    const lastUp = Math.max(this.startedAtMs, ...peers.map((p) => p.lastSessionEnd?.at ?? 0));
    return systemClock.wall() - lastUp > CUT_OFF_MS;
  }
  mtu(): number {
    return podMtu(this.underlay(), this.wanted === undefined ? [] : wantedTunnels(this.wanted));
  }

  private async reconcile(): Promise<void> {
    const { watch, speaker, self, filePeers, dynamicNeighbors, masquerade, dataplane, reads, setup } = this.options;
    const snapshot = watch.snapshot();
    this.wholeFilters = lastWhole(snapshot.bgpFilters ?? [], this.wholeFilters);
    const want = desired(
      {
        ...snapshot,
        wholeFilters: this.wholeFilters,
        passwords: reads.passwords(),
        clusterCidrs: reads.clusterCidrs(),
      },
      { ...self(), matches: matchesSelector },
    );
    this.wanted = want;
    reads.wantSecrets(secretRefs(snapshot));
    this.tellProblems(want);
    this.setRouteContext(want);
    this.setOrigins(want, snapshot);
    const peers = [...want.peers, ...filePeers()];
    this.remember(want, peers);
    this.peerWays.follow(want.peerWays);
    speaker.setPeers(peers, dynamicNeighbors());
    this.setOwnBlocks(want);
    await this.follow(want);
    await setup.run({ information: watch.information() !== undefined, pools: snapshot.pools.length });
    await this.annotate({ ipv4Address: this.ownSubnetText() });
    if (want.pools.length > 0) this.addressed = await this.takeAddresses(want);
    if (this.addressed || want.pools.length === 0) speaker.peers.localRoutesReady();
    this.masqueradeProblems = await masquerade.apply({
      natOutgoing: want.pools.filter((p) => p.natOutgoing).map((p) => p.cidr),
      pools: want.pools.map((p) => p.cidr),
    });
    dataplane.routes.inSync('local');
    if (this.addressed) await this.networkIsAvailable();
    this.lastProblem = undefined;
  }

  /** What the BGPConfiguration says about this process. */
  private async follow(want: Desired): Promise<void> {
    const { speaker, listenPort, logLevel, log } = this.options;
    const level = want.logLevel ?? logLevel();
    if (level !== this.logLevel) log.setLevel(level);
    this.logLevel = level;
    const port = want.ownListenPort ?? listenPort();
    const moved = await speaker.moveTo(port);
    this.portProblem = moved
      ? undefined
      : {
          code: 'LISTEN_PORT_TAKEN',
          text: `bgpconfigurations "default": listenPort ${port} cannot be had on this node, which still listens on ${speaker.listenPort()}. Stop what holds it (ss -ltnp 'sport = :${port}'), or choose another.`,
          about: { kind: KINDS.bgpConfiguration, name: 'default' },
        };
    if (!moved) this.tellProblems(want);
  }

  /** A Secret that is being read is no news; what comes of it is. */
  private tellProblems(want: Desired): void {
    const problems = this.objectProblems().filter((p) => p.code !== 'SECRET_NOT_READ');
    this.options.events.tell(problems, want.notices);
  }

  /** For an uninstall that finds nobody to ask. */
  private remember(want: Desired, peers: readonly PeerConfig[]): void {
    const { footprint, log } = this.options;
    const nodes = want.nodes.flatMap((n) => (n.address === undefined ? [] : [n.address]));
    try {
      const gateways = want.peerWays.map((w) => w.gateway);
      footprint.save([...onlyIpv4([...peers.map((p) => p.address), ...gateways]), ...nodes]);
    } catch (error) {
      log.debug({ error: String(error) }, 'the record for uninstall cannot be written');
    }
  }

  /** Without it the taint of a node without network would keep pods away. */
  private async networkIsAvailable(): Promise<void> {
    const { watch, nodeName, store, log } = this.options;
    let node = watch.node(nodeName);
    for (let attempt = 1; node !== undefined; attempt++) {
      const patch = networkAvailablePatch(node, new Date(systemClock.wall()));
      if (patch === undefined) return;
      try {
        await store.mergePatch(KINDS.node, nodeName, patch, 'status');
        log.info({ node: nodeName }, 'NetworkUnavailable is false: pods may come');
        return;
      } catch (error) {
        const crossed = error instanceof StoreError && error.reason === 'Conflict';
        if (!crossed || attempt >= MOST_CROSSINGS) throw error;
        node = await store.get(KINDS.node, nodeName);
      }
    }
  }

  /** A block, a tunnel address out of it, the tunnel itself. False: a block was claimed just now, and the watch will bring
   *  it and with it the next run, so that what we announce always comes from one place. */
  private async takeAddresses(want: Desired): Promise<boolean> {
    const locked = this.locked();
    if (want.blocks.length === 0) {
      if (!locked) await this.ipam.ensureBlock();
      return false;
    }
    const { nodeName, address } = this.options;
    for (const kind of wantedTunnels(want)) {
      if (locked && !this.tunnelAddresses.has(kind)) return false;
      const tunnelAddress = this.tunnelAddresses.get(kind) ?? (await this.ipam.ensureTunnelAddress(kind));
      this.tunnelAddresses.set(kind, tunnelAddress);
      await this.annotate(tunnelFacts(kind, tunnelAddress, nodeName));
      await this.options.tunnels.ensure(
        tunnelSpec(kind, { nodeName, address, tunnelAddress, underlay: this.underlay() }, want),
      );
    }
    return true;
  }

  /** Advertised to the peers, and a blackhole here: what no pod has must not bounce off the default route. */
  private setOwnBlocks(want: Desired): void {
    const { speaker, dataplane } = this.options;
    speaker.setOriginated([...want.originate, ...want.ipv6.originate]);
    const wanted = new Map([...want.blocks, ...want.ipv6.blocks].map((p) => [formatIpPrefix(p), p]));
    const { add, remove } = delta(wanted, this.blackholes, () => true);
    for (const block of remove.values()) dataplane.routes.unwant('local', block);
    for (const block of add.values()) dataplane.routes.want('local', block, dataplane.blackhole);
    this.blackholes = wanted;
  }

  /** Policies that ask for the origin judge by what the snapshot says, before any peer's routes are judged by them. */
  private setOrigins(want: Desired, { blocks, affinities, ipv6 }: ClusterSnapshot): void {
    const { origins, speaker } = this.options;
    const touched = origins.update({
      pools: [...want.pools.map((p) => p.cidr), ...(ipv6?.pools ?? [])],
      blocks: [...ownedBlocks(usable(blocks).values, usable(affinities).values), ...ownedIpv6(ipv6)],
      nodes: want.nodes.map(({ name, address, ipv6Address }) => ({
        name,
        addresses: [...(address === undefined ? [] : [address]), ...(ipv6Address === undefined ? [] : [ipv6Address])],
      })),
    });
    if (touched.length > 0) speaker.reevaluateWithin(touched);
  }

  private setRouteContext(want: Desired): void {
    const { dataplane, nodeName } = this.options;
    dataplane.setCluster({ desired: want, nodeName });
  }

  private underlay(): Underlay {
    const { dataplane, address } = this.options;
    const device = dataplane.interfaces.deviceOf(address);
    if (device === undefined)
      throw new Error(
        `this node's address ${formatIpv4(address)} is on no interface: set cluster.address, or projectcalico.org/IPv4Address of its Node, to an address it has`,
      );
    return { device: device.device, mtu: device.mtu };
  }

  private ownSubnetText(): string {
    const { dataplane, address } = this.options;
    // Of the interface that has this very address: a wider or narrower subnet elsewhere may contain it too.
    const link = dataplane.interfaces.linkWithAddress(address);
    const own = link && dataplane.interfaces.addressesOf(link.name).find((a) => a.address === address);
    const length = own?.length ?? 32;
    return `${formatIpv4(address)}/${length}`;
  }

  private async annotate(facts: NodeFacts): Promise<void> {
    const { watch, nodeName, store, log } = this.options;
    const node = watch.node(nodeName);
    if (node === undefined)
      throw new StoreError('NotFound', `Node "${nodeName}" is not in the store: create it, or set cluster.nodeName`);
    const patch = annotationPatch(node, facts);
    if (patch === undefined) return;
    await store.mergePatch(KINDS.node, nodeName, patch, 'status');
    log.info({ ...facts }, 'told the cluster about this node');
  }
}

/** Every Secret that some object of this cluster names for us. */
function secretRefs({ bgpPeers = [], bgpConfiguration }: ClusterSnapshot): SecretRef[] {
  const values = [...bgpPeers.map((p) => p.spec?.password), bgpConfiguration?.spec?.nodeMeshPassword];
  const refs = values.flatMap((value) => readSecretRef(value) ?? []);
  return [...new Map(refs.map((ref) => [secretKey(ref), ref])).values()].slice(0, MOST_SECRETS);
}

const MOST_SECRETS = 500;
const MOST_CROSSINGS = 5;
const CUT_OFF_MS = 60_000;

const LOCKED: ClusterReason = {
  code: 'DATASTORE_NOT_READY',
  text: 'clusterinformations "default" says datastoreReady: false, so no address is given or taken back. Set it to true when the migration is over.',
  about: { kind: KINDS.clusterInformation, name: 'default' },
};
const CUT_OFF: Reason = {
  code: 'NO_SESSION',
  text: 'peers are configured and none of them has a session with this node: its pods reach no other node',
};
const NOT_ADDRESSED: Reason = {
  code: 'NO_BLOCK_YET',
  text: 'this node has no IPAM block yet: it is still starting, or the store does not answer',
};

function reasonOf(error: unknown): Reason {
  if (error instanceof IpamError) return error.reason;
  if (error instanceof StoreError) return { code: `STORE_${error.reason.toUpperCase()}`, text: error.message };
  return { code: 'RECONCILE_FAILED', text: error instanceof Error ? error.message : String(error) };
}
