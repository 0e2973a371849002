/** The BGP half of the daemon: tables, peers, and the listening socket, wired. It knows no cluster and no kernel. */
import { formatIpv4, type Ipv4 } from '../base/ipv4.ts';
import { formatPrefix, type Prefix, prefixKey } from '../base/prefix.ts';
import type { StopHow } from '../bgp-js/session-types.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../bgp-js/transport.ts';
import type { PeerConfig } from '../model/peer.ts';
import { type ApplyReport, PeerSet, type RestartOptions } from '../peer/peer-set.ts';
import { LocRib } from '../rib/loc-rib.ts';
import { systemClock, systemRandom, systemTimers } from '../sys/time.ts';
import type { Log } from './log.ts';
import { peerLog } from './peer-log.ts';

export interface SpeakerOptions {
  readonly listen: { readonly address: Ipv4; readonly port: number };
  readonly bgpIdentifier: Ipv4;
  readonly isOurAddress: (address: number) => boolean;
  readonly restart: RestartOptions;
  readonly log: Log;
}

export interface Speaker {
  readonly bgpIdentifier: Ipv4;
  readonly rib: LocRib;
  readonly peers: PeerSet;
  /** As last given to setPeers. */
  configOf(peer: string): PeerConfig | undefined;
  /** Makes the sessions what `configs` says, and the listener's TCP MD5 keys with them. */
  setPeers(configs: readonly PeerConfig[]): ApplyReport;
  /** Makes our own routes what `prefixes` says. */
  setOriginated(prefixes: readonly Prefix[]): void;
  close(how: StopHow): Promise<void>;
}

/** Listens and is ready for peers. Throws when the port cannot be had, naming it and the remedy. */
export async function openSpeaker(options: SpeakerOptions): Promise<Speaker> {
  const { log, listen } = options;
  const rib = new LocRib({
    schedule: (run) => void setImmediate(run),
    clock: systemClock,
    bgpIdentifier: options.bgpIdentifier,
    isOurAddress: options.isOurAddress,
  });
  const peers = new PeerSet({
    rib,
    transport: tcpTransport,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    bgpIdentifier: options.bgpIdentifier,
    restart: options.restart,
    log: peerLog(log),
  });
  const known = new Set<number>();
  const listener = await listenOrExplain(listen, peers, known);
  const keys = new Map<number, string>();
  const configured = new Map<string, PeerConfig>();
  const originated = new Map<number, Prefix>();

  return {
    bgpIdentifier: options.bgpIdentifier,
    rib,
    peers,
    configOf: (peer) => configured.get(peer),
    setPeers(configs) {
      known.clear();
      configured.clear();
      for (const peer of configs) {
        known.add(peer.address);
        configured.set(peer.name, peer);
      }
      // A key must be on the listener before the peer's SYN is, so keys go first.
      setPasswords(listener, keys, configs, log);
      const report = peers.apply(configs);
      logReport(log, report);
      return report;
    },
    setOriginated(prefixes) {
      const wanted = new Map(prefixes.map((p) => [prefixKey(p.address, p.length), p]));
      for (const [key, prefix] of originated) {
        if (wanted.has(key)) continue;
        originated.delete(key);
        rib.withdrawLocal(prefix);
        log.info({ prefix: formatPrefix(prefix) }, 'no longer advertised');
      }
      for (const [key, prefix] of wanted) {
        if (originated.has(key)) continue;
        originated.set(key, prefix);
        rib.originate(prefix);
        log.info({ prefix: formatPrefix(prefix) }, 'advertised');
      }
    },
    async close(how) {
      listener.close();
      await peers.stopAll(how);
    },
  };
}

async function listenOrExplain(
  listen: SpeakerOptions['listen'],
  peers: PeerSet,
  known: ReadonlySet<number>,
): Promise<BgpListener> {
  const { address, port } = listen;
  try {
    return await listenBgp({
      address,
      port,
      accepts: (remote) => known.has(remote),
      onConnection: (connection) => peers.accept(connection),
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(
      `cannot listen for BGP on ${formatIpv4(address)}:${port}: ${why}. Another BGP speaker may hold the port (ss -ltnp 'sport = :${port}'): stop it, or set listen.port.`,
    );
  }
}

function setPasswords(
  listener: BgpListener,
  keys: Map<number, string>,
  configs: readonly PeerConfig[],
  log: Log,
): void {
  const wanted = new Map<number, string>();
  for (const peer of configs) if (peer.password !== undefined) wanted.set(peer.address, peer.password);
  for (const address of keys.keys()) if (!wanted.has(address)) listener.setPassword(address as Ipv4, undefined);
  for (const [address, key] of wanted) {
    if (keys.get(address) === key) continue;
    try {
      listener.setPassword(address as Ipv4, key);
    } catch (error) {
      log.error({ peer: formatIpv4(address), error: String(error) }, 'TCP MD5 key refused by the kernel');
    }
  }
  keys.clear();
  for (const [address, key] of wanted) keys.set(address, key);
}

function logReport(log: Log, report: ApplyReport): void {
  if (report.added.length > 0) log.info({ peers: report.added }, 'peers added');
  if (report.removed.length > 0) log.info({ peers: report.removed }, 'peers removed');
  for (const peer of report.changed)
    log.info({ peer: peer.name, fields: peer.fields, reset: peer.needsReset }, 'peer changed');
}
