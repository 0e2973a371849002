/** A node of a cluster: from the store's present objects to peers, routes, tunnels and addresses, again and again.
 *  Level-triggered: every change of an input runs the same steps, each of which changes only what differs, so a crash
 *  between any two is mended by the next run. Sessions come first, because they need nothing from IPAM. */
import { delta } from '../base/delta.ts';
import { formatIpv4, type Ipv4 } from '../base/ipv4.ts';
import { type Prefix, prefixKey } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { type Desired, type DesiredSelf, desired } from '../cluster/desired.ts';
import type { Readiness } from '../cni/ports.ts';
import { Ipam } from '../ipam/allocator.ts';
import { IpamError } from '../ipam/error.ts';
import type { Masquerade } from '../kernel/masquerade.ts';
import type { Tunnels } from '../kernel/tunnel.ts';
import type { PeerConfig } from '../model/peer.ts';
import { KINDS } from '../store/kinds.ts';
import { type Store, StoreError } from '../store/port.ts';
import { systemClock, systemRandom, systemTimers } from '../sys/time.ts';
import type { ClusterWatch } from './cluster-watch.ts';
import type { Dataplane } from './dataplane.ts';
import { type Level, levelTriggered } from './level.ts';
import type { Log } from './log.ts';
import { annotationPatch, type NodeFacts } from './node-annotations.ts';
import type { Speaker } from './speaker.ts';
import { podMtu, type TunnelKind, tunnelFacts, tunnelSpec, type Underlay, wantedTunnels } from './tunnel-specs.ts';

export interface ClusterNodeOptions {
  readonly nodeName: string;
  readonly address: Ipv4;
  readonly self: DesiredSelf;
  readonly store: Store;
  readonly watch: ClusterWatch;
  readonly dataplane: Dataplane;
  readonly speaker: Speaker;
  readonly tunnels: Tunnels;
  readonly masquerade: Masquerade;
  /** Neighbours of the configuration file, beside the mesh. */
  readonly filePeers: () => readonly PeerConfig[];
  readonly log: Log;
}

export class ClusterNode {
  readonly ipam: Ipam;
  private readonly options: ClusterNodeOptions;
  private readonly level: Level;
  private readonly tunnelAddresses = new Map<TunnelKind, Ipv4>();
  private blackholes: ReadonlyMap<number, Prefix> = new Map();
  private wanted: Desired | undefined;
  private masqueradeProblems: readonly Reason[] = [];
  private lastProblem: Reason | undefined;
  /** Own block and tunnel are there: pods can be given addresses that work. */
  private addressed = false;

  constructor(options: ClusterNodeOptions) {
    this.options = options;
    const { log } = options;
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
      ...(this.wanted?.problems ?? []),
      ...this.masqueradeProblems,
    ];
  }
  readiness(): Readiness {
    if (this.addressed) return { kind: 'ready' };
    return { kind: 'notReady', reason: this.lastProblem ?? NOT_ADDRESSED };
  }
  mtu(): number {
    return podMtu(this.underlay(), this.wanted === undefined ? [] : wantedTunnels(this.wanted));
  }

  private async reconcile(): Promise<void> {
    const { watch, speaker, self, filePeers, masquerade, dataplane } = this.options;
    const want = desired(watch.snapshot(), self);
    this.wanted = want;
    this.setRouteContext(want);
    speaker.setPeers([...want.peers, ...filePeers()]);
    this.setOwnBlocks(want);
    await this.annotate({ ipv4Address: this.ownSubnetText() });
    if (want.pools.length > 0) this.addressed = await this.takeAddresses(want);
    if (this.addressed || want.pools.length === 0) speaker.peers.localRoutesReady();
    this.masqueradeProblems = await masquerade.apply({
      natOutgoing: want.pools.filter((p) => p.natOutgoing).map((p) => p.cidr),
      pools: want.pools.map((p) => p.cidr),
    });
    dataplane.routes.inSync('local');
    this.lastProblem = undefined;
  }

  /** A block, a tunnel address out of it, the tunnel itself. False: a block was claimed just now, and the watch will bring
   *  it and with it the next run, so that what we announce always comes from one place. */
  private async takeAddresses(want: Desired): Promise<boolean> {
    if (want.blocks.length === 0) {
      await this.ipam.ensureBlock();
      return false;
    }
    const { nodeName, address } = this.options;
    for (const kind of wantedTunnels(want)) {
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
    speaker.setOriginated(want.originate);
    const wanted = new Map(want.blocks.map((p) => [prefixKey(p.address, p.length), p]));
    const { add, remove } = delta(wanted, this.blackholes, () => true);
    for (const block of remove.values()) dataplane.routes.unwant('local', block);
    for (const block of add.values()) dataplane.routes.want('local', block, dataplane.blackhole);
    this.blackholes = wanted;
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
    const length = dataplane.interfaces.deviceOf(address)?.prefixLength ?? 32;
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

const NOT_ADDRESSED: Reason = {
  code: 'NO_BLOCK_YET',
  text: 'this node has no IPAM block yet: it is still starting, or the store does not answer',
};

function reasonOf(error: unknown): Reason {
  if (error instanceof IpamError) return error.reason;
  if (error instanceof StoreError) return { code: `STORE_${error.reason.toUpperCase()}`, text: error.message };
  return { code: 'RECONCILE_FAILED', text: error instanceof Error ? error.message : String(error) };
}
