/** All peers: from configuration to sessions, touching only what differs. Pure of I/O: transport, clock, timers, chance and
 *  log come in. plan() and apply() share one comparison, so that what a reload announces is what it does. */
import type { IpAddress } from '../base/ip.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { Connection, SessionPorts, StopHow } from '../bgp-js/session/session-types.ts';
import type { Admission } from '../bgp-js/transport/reception.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { Exported } from '../rib/export.ts';
import type { PathSource } from '../rib/feed.ts';
import type { LocRib } from '../rib/loc-rib.ts';
import { type ApplyReport, admit, type ChangedPeer, compareConfigs } from './config-change.ts';
import { Peer, type PeerLog, type PeerPorts } from './peer.ts';
import { peerKey } from './peer-key.ts';
import type { PeerState } from './peer-state.ts';
import { type RestartOptions, RestartPhase } from './restart-phase.ts';

export type { ApplyReport, ChangedPeer, RefusedPeer } from './config-change.ts';
export type { PeerLog } from './peer.ts';
export type { RestartEnd, RestartOptions } from './restart-phase.ts';

export interface PeerSetPorts extends SessionPorts {
  readonly rib: LocRib;
  readonly bgpIdentifier: number;
  readonly restart: RestartOptions;
  readonly log: PeerLog;
  /** The listener's TCP MD5 keys (RFC 2385): called before a session starts, and with undefined when it is removed. */
  readonly setPassword?: (address: PeerConfig['address'], password: string | undefined) => void;
}

/** Our last words leave in this time; the sockets themselves may linger for a second. */
const FLUSH_MS = 250;

export class PeerSet {
  private readonly ports: PeerSetPorts;
  private readonly shared: PeerPorts;
  private readonly restart: RestartPhase;
  private readonly peers = new Map<string, Peer>();
  private readonly byAddress = new Map<IpAddress | string, Peer>();
  private stopped = false;

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
  plan(configs: readonly PeerConfig[]): ApplyReport {
    const { wanted, refused } = admit(configs);
    const added: string[] = [];
    const changed: ChangedPeer[] = [];
    for (const [name, config] of wanted) {
      const peer = this.peers.get(name);
      const change = peer && compareConfigs(peer.config, config);
      if (peer === undefined) added.push(name);
      else if (change) changed.push(change);
    }
    const removed = [...this.peers.keys()].filter((name) => !wanted.has(name));
    return { added, removed, changed, refused };
  }

  /** Makes the sessions what `configs` says. The first call starts the restart phase's clock: call it when the peers are known. */
  apply(configs: readonly PeerConfig[]): ApplyReport {
    const report = this.plan(configs);
    if (this.stopped) return report;
    const { wanted } = admit(configs);
    // Goings before comings: an address may pass from one peer to another.
    for (const name of report.removed) this.remove(name);
    const fresh: Peer[] = [];
    for (const { name, cost, fields } of report.changed) {
      const config = wanted.get(name);
      const old = this.peers.get(name);
      if (config === undefined || old === undefined) continue;
      if (cost !== 'reset') {
        if (fields.includes('password')) this.ports.setPassword?.(config.address, config.password);
        old.reconfigure(config, cost === 'resend');
        continue;
      }
      this.forget(old);
      old.replace();
      fresh.push(this.add(config, old));
    }
    for (const name of report.added) {
      const config = wanted.get(name);
      if (config) fresh.push(this.add(config));
    }
    this.restart.configured([...this.peers.keys()]);
    for (const peer of fresh) {
      this.byAddress.set(keyOf(peer.config), peer);
      this.ports.setPassword?.(peer.config.address, peer.config.password);
      peer.start();
    }
    return report;
  }

  /** For the listener: connections from anywhere else are closed on accept; what a peer's own must show or is given. */
  admits(address: IpAddress, device: string | undefined): false | Admission {
    const peer = this.stopped ? undefined : this.byAddress.get(peerKey(address, device));
    if (peer === undefined) return false;
    const { ttlSecurity, ttl, interface: bound, password } = peer.config;
    return {
      ...(ttlSecurity !== undefined && { ttlSecurity }),
      ...(ttl !== undefined && { ttl }),
      ...(bound !== undefined && { interface: bound }),
      signed: password !== undefined,
    };
  }

  /** A connection that a peer opened; one from an unknown address is closed. */
  accept(connection: Connection): void {
    const key = peerKey(connection.remoteAddress, connection.remoteInterface);
    const peer = this.stopped ? undefined : this.byAddress.get(key);
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

  /** Why a best path is or is not sent to this peer: for `why`. Undefined while no session is up. */
  explainExport(name: string, attributes: PathAttributes, source: PathSource): Exported | undefined {
    return this.peers.get(name)?.adjRibOut?.explain(attributes, source);
  }

  peer(name: string): PeerState | undefined {
    return this.peers.get(name)?.view();
  }

  /** In order of name. */
  views(): readonly PeerState[] {
    const views = [...this.peers.values()].map((peer) => peer.view());
    return views.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private add(config: PeerConfig, old?: Peer): Peer {
    const peer = new Peer(config, this.shared, old);
    this.peers.set(config.name, peer);
    return peer;
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
    this.ports.setPassword?.(peer.config.address, undefined);
  }
}

const keyOf = (config: PeerConfig): IpAddress | string => peerKey(config.address, config.interface);
