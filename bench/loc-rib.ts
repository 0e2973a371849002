/** The Loc-RIB by itself, without sockets: `node bench/run.mjs loc-rib`. Slices run one by one, as the event loop would run them,
 *  and the longest is told: it is what a keepalive may have to wait for. */
import { performance } from 'node:perf_hooks';
import { ipv4 } from '../src/base/ipv4.ts';
import { prefixKey } from '../src/base/prefix.ts';
import type { PathAttributes } from '../src/bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../src/bgp-js/attributes/attributes.ts';
import { packAnnouncements, packWithdrawals } from '../src/bgp-js/update/packer.ts';
import { splitUpdate } from '../src/bgp-js/update/update.ts';
import type { UpdateFrame } from '../src/bgp-js/update/update-frame.ts';
import { LocRib, type LocRibConfig } from '../src/rib/ribs/loc-rib.ts';
import type { BestPath, PathSource, RouteFeed } from '../src/rib/terms/feed.ts';

const OPTIONS = { fourOctetAs: true, addPath: false };

function frames(messages: Uint8Array): UpdateFrame[] {
  const found: UpdateFrame[] = [];
  for (let at = 0; at < messages.length; ) {
    const length = ((messages[at + 16] as number) << 8) | (messages[at + 17] as number);
    const frame = splitUpdate(messages, at, at + length);
    if (!frame.ok) throw new Error(frame.error.text);
    found.push(frame.value);
    at += length;
  }
  return found;
}

const attributes = (nextHop: number, asns: readonly number[], med?: number): PathAttributes => ({
  origin: 'igp',
  asPath: [{ type: 'sequence', asns }],
  nextHop: ipv4(nextHop),
  ...(med !== undefined && { med }),
});

/** A feed that reads what the kernel reads. */
class Counting implements RouteFeed {
  told = 0;
  sum = 0;
  onBest({ nextHops, length }: BestPath): void {
    this.told++;
    this.sum += nextHops.length + length;
  }
  onWithdraw(): void {
    this.told++;
  }
  onEndOfFeed(): void {}
}

class Bench {
  readonly rib: LocRib;
  readonly feed = new Counting();
  private readonly queue: (() => void)[] = [];
  private longest = 0;
  private slices = 0;

  constructor(more: Partial<LocRibConfig> = {}) {
    this.rib = new LocRib({
      family: 'ipv4',
      schedule: (run) => this.queue.push(run),
      clock: { now: () => performance.now(), wall: () => Date.now() },
      bgpIdentifier: 1,
      isOurAddress: () => false,
      ...more,
    });
    this.rib.subscribe(this.feed, 'kernel');
  }

  peer(n: number, kind: 'ebgp' | 'ibgp' = 'ebgp'): PathSource {
    const address = ipv4(0x0a090000 + n);
    const source = this.rib.addSource({ name: `p${n}`, kind, address, localAsn: 64512, peerAsn: 65000 + n });
    this.rib.identify(source, address);
    return source;
  }

  /** What `run` takes, and after it everything that waits. */
  measure(what: string, run: () => void): void {
    this.longest = 0;
    this.slices = 0;
    const told = this.feed.told;
    const walks = this.rib.counts.walks;
    const cpu = process.cpuUsage();
    const begun = performance.now();
    run();
    const atOnce = performance.now() - begun;
    this.drain();
    const { user, system } = process.cpuUsage(cpu);
    const ms = (n: number): string => n.toFixed(1).padStart(8);
    console.log(
      `${what.padEnd(58)} cpu ${ms((user + system) / 1000)} ms, at once ${ms(atOnce)}, ${String(this.slices).padStart(5)} slices, longest ${ms(this.longest)}, told ${this.feed.told - told}, walks ${this.rib.counts.walks - walks}`,
    );
  }

  drain(): void {
    for (let run = this.queue.shift(); run !== undefined; run = this.queue.shift()) {
      const begun = performance.now();
      run();
      this.longest = Math.max(this.longest, performance.now() - begun);
      this.slices++;
    }
  }

  /** UPDATEs as a socket would bring them, with slices in between. */
  receive(source: PathSource, updates: readonly UpdateFrame[]): void {
    let n = 0;
    for (const update of updates) {
      const answer = this.rib.receive(source, update, OPTIONS);
      if (answer.kind !== 'taken') throw new Error(JSON.stringify(answer));
      if (++n % 64 === 0) this.drain();
    }
  }
}

function fullTable(routes: number, sets: number): void {
  const bench = new Bench();
  const peer = bench.peer(1);
  const bySet: number[][] = Array.from({ length: sets }, () => []);
  for (let i = 0; i < routes; i++) {
    const address = (0x01000000 + Math.imul(i, 256)) >>> 0;
    (bySet[Math.floor((i * 2654435761) % sets)] as number[]).push(prefixKey(address, 24));
  }
  const updates: UpdateFrame[] = [];
  bySet.forEach((keys, i) => {
    if (keys.length === 0) return;
    const bytes = encodeAttributes(attributes(0x0a090001, [65001, 1000 + (i >> 8), 2000 + (i & 255)], i % 7), OPTIONS);
    updates.push(...frames(packAnnouncements(bytes, keys)));
  });
  bench.measure(`${routes} routes, ${sets} sets, one peer`, () => bench.receive(peer, updates));
  bench.measure('  the same once more', () => bench.receive(peer, updates));
  bench.measure('  its session ends', () => void bench.rib.dropSource(peer));
  bench.measure('  all of it again', () => bench.receive(peer, updates));
  const withdrawals = bySet.flatMap((keys) => (keys.length > 0 ? frames(packWithdrawals(keys)) : []));
  bench.measure('  withdrawn by UPDATE', () => bench.receive(peer, withdrawals));
}

function manyPeers(peers: number, routes: number, name: string, more: Partial<LocRibConfig>, mixed: boolean): void {
  const bench = new Bench(more);
  const keys = Array.from({ length: routes }, (_, i) => prefixKey((0x0b000000 + i * 64) >>> 0, 26));
  const sources = Array.from({ length: peers }, (_, n) => bench.peer(n + 1));
  const updates = sources.map((_, n) => {
    const asns = [65001, 65002 + (mixed ? n % 3 : 0)];
    const bytes = encodeAttributes(attributes(0x0a090001 + n, asns, mixed ? n % 2 : undefined), OPTIONS);
    return frames(packAnnouncements(bytes, keys));
  });
  bench.measure(`${peers} peers x ${routes}${name}, one after the other`, () => {
    for (const [n, source] of sources.entries()) bench.receive(source, updates[n] as UpdateFrame[]);
  });
  const best = sources.find((s) => bench.rib.countsOf(s).used > 0) as PathSource;
  bench.measure('  the best one dies', () => void bench.rib.dropSource(best));
  bench.measure('  it comes back', () => bench.receive(best, updates[sources.indexOf(best)] as UpdateFrame[]));
  bench.measure('  one that is never best dies', () => void bench.rib.dropSource(sources.at(-1) as PathSource));
}

function recursion(routes: number): void {
  let cost = 10;
  let changed: () => void = () => {};
  const bench = new Bench({
    nextHops: {
      resolve: () => ({ reachable: true, metric: cost, connected: false, byDefault: false }),
      onChange: (listener) => {
        changed = listener;
        return () => {};
      },
    },
  });
  const keys = Array.from({ length: routes }, (_, i) => prefixKey((0x0b000000 + i * 64) >>> 0, 26));
  for (const n of [1, 2]) {
    const bytes = encodeAttributes({ ...attributes(0x0a090000 + n, [65001]), localPref: 100 }, OPTIONS);
    bench.receive(bench.peer(n, 'ibgp'), frames(packAnnouncements(bytes, keys)));
  }
  bench.drain();
  bench.measure(`${routes} routes by two next hops: their cost changes`, () => {
    cost = 20;
    changed();
  });
  bench.measure('  once more, to the same cost', () => changed());
}

const small = process.argv.includes('--quick') ? 10 : 1;
fullTable(1_000_000 / small, 150_000 / small);
manyPeers(30, 100_000 / small, '', {}, false);
manyPeers(30, 100_000 / small, ', MED groups', {}, true);
manyPeers(30, 100_000 / small, ', ECMP of 4', { maxPaths: { ebgp: 4, ibgp: 4 } }, false);
recursion(100_000 / small);
