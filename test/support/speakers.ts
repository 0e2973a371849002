/** Whole speakers in memory: a Loc-RIB and a PeerSet each, on one fake time and one memory TCP. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix } from '../../src/base/ip.ts';
import type { PeerConfig } from '../../src/model/peer.ts';
import { PeerSet, type PeerSetPorts, type RestartOptions } from '../../src/peer/peer-set.ts';
import { LocRib } from '../../src/rib/ribs/loc-rib.ts';
import { FakeTime } from './fake-time.ts';
import { MemoryTcp } from './memory-tcp.ts';
import { address, cidr, HeardFeed } from './rib.ts';

export const peerConfig = (at: string, more: Partial<PeerConfig> = {}): PeerConfig => ({
  name: at,
  kind: 'mesh',
  configuredBy: 'node-to-node mesh',
  address: address(at),
  port: 179,
  asn: 64512,
  localAsn: 64512,
  passive: false,
  holdTimeSec: 90,
  connectRetrySec: 5,
  gracefulRestart: { restartTimeSec: 120 },
  localPref: 2147482623,
  nextHop: 'auto',
  transit: false,
  ...more,
});

type MorePorts = Pick<PeerSetPorts, 'bfd' | 'addressesBeside' | 'onAddresses'>;

const whom = (peers: IpAddress | IpPrefix): string =>
  typeof peers === 'object' ? formatIpPrefix(peers) : formatIp(peers);

export class MemorySpeaker {
  readonly rib: LocRib;
  readonly rib6: LocRib;
  readonly peers: PeerSet;
  readonly kernel = new HeardFeed();
  readonly log: string[] = [];
  /** What the listener's TCP MD5 keys were made. */
  readonly keys: string[] = [];
  /** Why the restart phase ended, when. */
  completed: string | undefined;
  private readonly tcp: MemoryTcp;
  readonly at: string;

  constructor(time: FakeTime, tcp: MemoryTcp, at: string, restart: Partial<RestartOptions>, more: MorePorts = {}) {
    this.tcp = tcp;
    this.at = at;
    const table = (family: 'ipv4' | 'ipv6'): LocRib =>
      new LocRib({
        family,
        schedule: (run) => void time.after(0, run),
        clock: time,
        bgpIdentifier: address(at),
        isOurAddress: (a) => a === address(at),
      });
    this.rib = table('ipv4');
    this.rib6 = table('ipv6');
    this.rib.subscribe(this.kernel, 'kernel');
    this.peers = new PeerSet({
      ribs: { ipv4: this.rib, ipv6: this.rib6 },
      transport: tcp.transport(address(at)),
      clock: time,
      timers: time,
      random: () => 0.5,
      bgpIdentifier: address(at),
      ...more,
      onRangeFull: (range) => this.log.push(`full ${formatIpPrefix(range.prefix)}`),
      restart: {
        forwarding: false,
        onComplete: (why) => (this.completed = `${why} after ${time.now() - born} ms`),
        ...restart,
      },
      setPassword: (peer, password) => void this.keys.push(`${whom(peer)} ${password ?? 'none'}`),
      log: {
        up: ({ peer, downForMs }) =>
          this.log.push(`up ${peer.name}${downForMs === undefined ? '' : ` after ${downForMs} ms`}`),
        down: ({ peer, reason, upForMs, keptStale }) =>
          this.log.push(`down ${peer.name} ${reason.code} up for ${upForMs} ms, ${keptStale} stale`),
        warn: ({ peer, reason }) => this.log.push(`warn ${peer.name} ${reason.code}`),
      },
    });
    const born = time.now();
    tcp.listen(address(at), (connection) => this.peers.accept(connection));
  }

  originate(...prefixes: string[]): void {
    for (const p of prefixes) this.rib.originate(cidr(p));
  }
  /** "10.244.1.0/26 from 10.9.0.1 stale" for each best path, in order. */
  routes(): string[] {
    return [...this.rib.routes()].flatMap((route) =>
      route.paths
        .filter((path) => path.best)
        .map((path) => `${formatIpPrefix(route.prefix)} from ${path.source.name}${path.stale ? ' stale' : ''}`),
    );
  }
  /** The process is gone without a word: its sockets close, nothing of it runs any more. */
  async crash(): Promise<void> {
    this.tcp.unlisten(address(this.at));
    await this.peers.stopAll({ kind: 'restart' });
  }
}

export class MemoryNetwork {
  readonly time = new FakeTime();
  readonly tcp = new MemoryTcp(this.time);

  speaker(at: string, restart: Partial<RestartOptions> = {}, more: MorePorts = {}): MemorySpeaker {
    return new MemorySpeaker(this.time, this.tcp, at, restart, more);
  }
  /** Power or cable gone: nothing arrives, nobody is told. */
  cutEverything(): void {
    for (const near of this.tcp.dialled) {
      near.cut = true;
      if (near.other) near.other.cut = true;
    }
  }
}
