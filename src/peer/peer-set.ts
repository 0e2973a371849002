/** All peers: from configuration to sessions, touching only what differs. Pure of I/O: transport, clock, timers, chance and
 *  log come in. plan() and apply() share one comparison, so that what a reload announces is what it does. */
import { compareIp, formatIpPrefix, type IpAddress, type IpPrefix } from '../base/ip.ts';
import type { Connection, StopHow } from '../bgp-js/session/session-types.ts';
import type { Admission } from '../bgp-js/transport/reception.ts';
import type { DynamicRange, FamilyName, PeerConfig } from '../model/peer.ts';
import { type ApplyReport, admit, type ChangedPeer, compareConfigs } from './config-change.ts';
import { Peer, type PeerPorts } from './peer.ts';
import type { PeerFamily } from './peer-family.ts';
import { peerKey } from './peer-key.ts';
import type { PeerState } from './peer-state.ts';
import { type RestartOptions, RestartPhase } from './restart-phase.ts';
import { Strangers, strangerConfig, strangerName } from './strangers.ts';

export type { ApplyReport, ChangedPeer, RefusedPeer } from './config-change.ts';
export type { PeerLog } from './peer.ts';
export type { LocRibs } from './peer-family.ts';
export type { RestartEnd, RestartOptions } from './restart-phase.ts';

export interface PeerSetPorts extends Omit<PeerPorts, 'restart'> {
  readonly restart: RestartOptions;
  /** The listener's TCP MD5 keys (RFC 2385), of one or of all in a prefix: called before a session starts, and with undefined
   *  when it is removed. */
  readonly setPassword?: (peers: IpAddress | IpPrefix, password: string | undefined) => void;
  /** The addresses of all peers, configured ones and those who came by themselves, when they are others than before: routes must not
   *  lead these astray. Told before a configured peer's session starts, and soon after somebody came or went. */
  readonly onAddresses?: (peers: readonly IpAddress[]) => void;
  /** A range of dynamic neighbours has as many as may be; said once per configuration. */
  readonly onRangeFull?: (range: DynamicRange, refused: IpAddress) => void;
}

/** Strangers come in bursts. */
const ADDRESSES_MS = 20;
/** Our last words leave in this time; the sockets themselves may linger for a second. */
const FLUSH_MS = 250;

export class PeerSet {
  private readonly ports: PeerSetPorts;
  private readonly shared: PeerPorts;
  private readonly restart: RestartPhase;
  private readonly peers = new Map<string, Peer>();
  private readonly byAddress = new Map<IpAddress | string, Peer>();
  private readonly strangers = new Strangers();
  private ranges: readonly DynamicRange[] = [];
  private stopped = false;
  private toldAddresses: readonly IpAddress[] = [];
  private cancelAddresses: (() => void) | undefined;

  constructor(ports: PeerSetPorts) {
    this.ports = ports;
    const onComplete: RestartOptions['onComplete'] = (why) => {
      for (const peer of this.peers.values()) peer.release();
      ports.restart.onComplete?.(why);
    };
    this.restart = new RestartPhase({ ...ports.restart, onComplete }, ports.timers);
    this.shared = { ...ports, restart: this.restart };
  }

  /** What apply() would do. No effects. */
  plan(configs: readonly PeerConfig[], ranges: readonly DynamicRange[] = []): ApplyReport {
    return this.compare(configs, ranges).report;
  }

  /** Makes the sessions what `configs` says, and lets those in that `ranges` says. The first call starts the restart phase's
   *  clock: call it when the peers are known. A cluster identifier is ours as soon as one peer has it. RFC 4456 8 */
  apply(configs: readonly PeerConfig[], ranges: readonly DynamicRange[] = []): ApplyReport {
    const { report, wanted } = this.compare(configs, ranges);
    if (this.stopped) return report;
    this.setRanges(ranges);
    const clusterIds = [...configs, ...ranges.map((r) => r.settings)].flatMap((c) => c.clusterId ?? []);
    for (const rib of [this.ports.ribs.ipv4, this.ports.ribs.ipv6]) rib.setClusterIds(clusterIds);
    // Goings before comings: an address may pass from one peer to another.
    for (const name of report.removed) this.remove(name);
    const fresh: Peer[] = [];
    for (const { name, cost, fields, resetBy } of report.changed) {
      const config = wanted.get(name);
      const old = this.peers.get(name);
      if (config === undefined || old === undefined) continue;
      if (cost !== 'reset') {
        if (fields.includes('password') && !isStranger(config))
          this.ports.setPassword?.(config.address, config.password);
        old.reconfigure(config, cost);
        continue;
      }
      this.forget(old);
      old.replace(resetBy);
      fresh.push(this.add(config, old));
    }
    for (const name of report.added) {
      const config = wanted.get(name);
      if (config) fresh.push(this.add(config));
    }
    this.strangers.count(this.strangersHere().map((peer) => peer.config.address));
    this.restart.configured(this.peers.keys(), this.strangers.areExpected);
    this.tellAddresses();
    for (const peer of fresh) {
      this.byAddress.set(keyOf(peer.config), peer);
      if (!isStranger(peer.config)) this.ports.setPassword?.(peer.config.address, peer.config.password);
      peer.start();
    }
    return report;
  }

  /** For the listener: connections from anywhere else are closed on accept; what a peer's own must show or is given. */
  admits(address: IpAddress, device: string | undefined): false | Admission {
    if (this.stopped) return false;
    const peer = this.byAddress.get(peerKey(address, device));
    const settings = peer?.config ?? this.rangeFor(address, device)?.settings;
    if (settings === undefined) return false;
    const { ttlSecurity, ttl, multihop, interface: bound, password } = settings;
    const hops = multihop ?? ttl;
    return {
      ...(ttlSecurity !== undefined && { ttlSecurity }),
      ...(hops !== undefined && { ttl: hops }),
      ...(bound !== undefined && { interface: bound }),
      signed: password !== undefined,
    };
  }

  /** A connection that a peer opened; one from an unknown address is closed. */
  accept(connection: Connection): void {
    const { remoteAddress: address, remoteInterface: device } = connection;
    const peer = this.stopped
      ? undefined
      : (this.byAddress.get(peerKey(address, device)) ?? this.welcome(address, device));
    if (peer) peer.accept(connection);
    else connection.destroy();
  }

  /** Our own routes are all originated: see RestartOptions.waitForLocalRoutes. */
  localRoutesReady(): void {
    this.restart.localRoutesReady();
  }

  /** From the start until every awaited End-of-RIB, or the cap. RFC 4724 4.1 */
  get restarting(): boolean {
    return this.restart.active;
  }

  /** Peers whose End-of-RIB is waited for, by us or by what the kernel kept. */
  get awaited(): readonly string[] {
    return this.restart.awaited();
  }

  /** Ends all sessions for good; resolved when our last words have left. `restart` keeps the learned routes in the tables,
   *  so that the kernel's stay. */
  async stopAll(how: StopHow): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.cancelAddresses?.();
    this.restart.abandon();
    const talking = this.views().some((p) => p.state === 'Established' || p.state.startsWith('Open'));
    for (const peer of this.peers.values()) peer.stop(how);
    if (!talking || how.kind === 'restart') return;
    await new Promise<void>((resolve) => {
      this.ports.timers.after(FLUSH_MS, resolve);
    });
  }

  /** Asks a peer for all its routes again; false when it cannot, or is not up. RFC 2918 */
  requestRefresh(name: string): boolean {
    return this.peers.get(name)?.requestRefresh() === true;
  }

  /** A peer's half of one table: its source, and what it is sent. */
  partOf(name: string, family: FamilyName): PeerFamily | undefined {
    return this.peers.get(name)?.parts.find((part) => part.name === family);
  }

  peer(name: string): PeerState | undefined {
    return this.peers.get(name)?.view();
  }

  /** In order of name. */
  views(): readonly PeerState[] {
    const views = [...this.peers.values()].map((peer) => peer.view());
    return views.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private compare(
    configs: readonly PeerConfig[],
    ranges: readonly DynamicRange[],
  ): { readonly report: ApplyReport; readonly wanted: ReadonlyMap<string, PeerConfig> } {
    const { wanted, refused } = admit(configs);
    this.keepStrangers(wanted, ranges);
    const added: string[] = [];
    const changed: ChangedPeer[] = [];
    for (const [name, config] of wanted) {
      const peer = this.peers.get(name);
      const change = peer && compareConfigs(peer.config, config);
      if (peer === undefined) added.push(name);
      else if (change) changed.push(change);
    }
    const removed = [...this.peers.keys()].filter((name) => !wanted.has(name));
    return { report: { added, removed, changed, refused }, wanted };
  }

  /** Those who came by themselves stay where a range still lets them in and nobody is configured at their address. */
  private keepStrangers(wanted: Map<string, PeerConfig>, ranges: readonly DynamicRange[]): void {
    const here = this.strangersHere();
    if (here.length === 0 || ranges.length === 0) return;
    const after = new Strangers();
    after.set(ranges);
    const configured = new Set([...wanted.values()].map(keyOf));
    for (const { config } of here) {
      const range = after.rangeOf(config.address);
      if (range === undefined || wanted.has(config.name) || configured.has(keyOf(config))) continue;
      const { address, interface: device, asn } = config;
      wanted.set(config.name, strangerConfig(range, { address, device, asn }));
    }
  }

  private strangersHere(): Peer[] {
    return [...this.peers.values()].filter((peer) => isStranger(peer.config));
  }

  private rangeFor(address: IpAddress, device: string | undefined): DynamicRange | undefined {
    const range = this.strangers.rangeOf(address);
    if (range === undefined || this.peers.has(strangerName(address, device))) return undefined;
    if (this.strangers.hasRoom(range)) return range;
    if (this.strangers.sayFull(range)) this.ports.onRangeFull?.(range, address);
    return undefined;
  }

  /** Somebody from a range: a peer for as long as its session lasts. */
  private welcome(address: IpAddress, device: string | undefined): Peer | undefined {
    const range = this.rangeFor(address, device);
    if (range === undefined) return undefined;
    const peer = this.add(strangerConfig(range, { address, device, asn: undefined }));
    this.strangers.add(range, 1);
    this.byAddress.set(keyOf(peer.config), peer);
    this.tellAddressesSoon();
    peer.start();
    return peer;
  }

  /** Keys of a range stand for whoever comes from it. */
  private setRanges(ranges: readonly DynamicRange[]): void {
    const passwords = (list: readonly DynamicRange[]) =>
      new Map(list.map((r) => [formatIpPrefix(r.prefix), { prefix: r.prefix, password: r.settings.password }]));
    const [before, after] = [passwords(this.ranges), passwords(ranges)];
    for (const [key, { prefix, password }] of before)
      if (password !== undefined && after.get(key)?.password === undefined) this.ports.setPassword?.(prefix, undefined);
    for (const [key, { prefix, password }] of after)
      if (password !== undefined && before.get(key)?.password !== password) this.ports.setPassword?.(prefix, password);
    this.ranges = ranges;
    this.strangers.set(ranges);
  }

  private add(config: PeerConfig, old?: Peer): Peer {
    const asns = isStranger(config) ? this.strangers.rangeOf(config.address)?.asns : undefined;
    const stranger = asns && { asns, onGone: () => this.leave(config.name) };
    const peer = new Peer(config, this.shared, { ...(old && { old }), ...(stranger && { stranger }) });
    this.peers.set(config.name, peer);
    return peer;
  }

  /** A stranger's session ended. */
  private leave(name: string): void {
    const peer = this.peers.get(name);
    const range = peer && this.strangers.rangeOf(peer.config.address);
    if (peer === undefined || this.stopped) return;
    if (range) this.strangers.add(range, -1);
    this.remove(name);
    this.tellAddressesSoon();
    this.restart.gone(name);
  }

  private tellAddressesSoon(): void {
    this.cancelAddresses ??= this.ports.timers.after(ADDRESSES_MS, () => this.tellAddresses());
  }

  private tellAddresses(): void {
    this.cancelAddresses?.();
    this.cancelAddresses = undefined;
    const { onAddresses } = this.ports;
    if (onAddresses === undefined || this.stopped) return;
    const now = [...new Set([...this.peers.values()].map((peer) => peer.config.address))].sort(compareIp);
    const { toldAddresses: before } = this;
    if (now.length === before.length && now.every((address, i) => address === before[i])) return;
    this.toldAddresses = now;
    onAddresses(now);
  }

  private remove(name: string): void {
    const peer = this.peers.get(name);
    if (peer === undefined) return;
    this.forget(peer);
    this.peers.delete(name);
    peer.remove({ kind: 'deconfigured' });
  }

  private forget(peer: Peer): void {
    const key = keyOf(peer.config);
    if (this.byAddress.get(key) !== peer) return;
    this.byAddress.delete(key);
    if (!isStranger(peer.config)) this.ports.setPassword?.(peer.config.address, undefined);
  }
}

const isStranger = (config: PeerConfig): boolean => config.kind === 'dynamic';
const keyOf = (config: PeerConfig): IpAddress | string => peerKey(config.address, config.interface);
