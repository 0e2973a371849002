/** What comes in, without sockets: a full table from one peer, the same 100,000 routes from thirty, one of them dying, another
 *  judged by other settings. Times are of the process's own work; a slice is one turn of the event loop.
 *
 *      node bench/run.mjs rib-in */
import { ipv4 } from '../src/base/ipv4.ts';
import { ReusableUpdate } from '../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT } from '../src/bgp-js/update/update-context.ts';
import { frameLength } from '../src/bgp-js/wire/framer.ts';
import { LocRib } from '../src/rib/ribs/loc-rib.ts';
import type { PathSource } from '../src/rib/terms/feed.ts';
import { makeStream } from './codec-decode.ts';
import { makeTable, type Table } from './table.ts';

const PLAIN = { fourOctetAs: true, addPath: false };
const update = new ReusableUpdate();

/** Later turns run when the bench says so, and are timed. */
class Turns {
  private readonly queue: (() => void)[] = [];
  readonly schedule = (run: () => void): void => void this.queue.push(run);
  longest = 0;
  total = 0;
  count = 0;

  all(): this {
    this.longest = this.total = this.count = 0;
    for (let run = this.queue.shift(); run !== undefined; run = this.queue.shift()) {
      const before = performance.now();
      run();
      const took = performance.now() - before;
      this.longest = Math.max(this.longest, took);
      this.total += took;
      this.count++;
    }
    return this;
  }
  toString(): string {
    return `${this.total.toFixed(0)} ms in ${this.count} slices, the longest ${this.longest.toFixed(1)} ms`;
  }
}

const turns = new Turns();
const makeRib = (): LocRib =>
  new LocRib({
    family: 'ipv4',
    schedule: turns.schedule,
    clock: { now: () => performance.now(), wall: () => Date.now() },
    bgpIdentifier: 0x0a090001,
    isOurAddress: () => false,
  });

const peer = (rib: LocRib, n: number): PathSource => {
  const source = rib.addSource({
    name: `peer ${n}`,
    kind: 'ebgp',
    address: ipv4(0x0a090002 + n),
    localAsn: 64_512,
    peerAsn: 64_513,
  });
  rib.identify(source, 0x0a090002 + n);
  return source;
};

/** Reads the stream as a session does, 256 KB between two turns. */
function play(rib: LocRib, source: PathSource, bytes: Uint8Array): number {
  const begin = process.cpuUsage();
  let longest = 0;
  let at = 0;
  while (at < bytes.length) {
    const before = performance.now();
    const end = Math.min(bytes.length, at + 262_144);
    while (at < end) {
      const length = frameLength(bytes, at, bytes.length);
      if (length <= 0) throw new Error('not a message');
      update.read(bytes, at, at + length, PLAIN_CONTEXT);
      if (rib.receive(source, update, PLAIN).kind === 'reset') throw new Error('reset');
      at += length;
    }
    const took = performance.now() - before;
    longest = Math.max(longest, took);
    turns.all();
    longest = Math.max(longest, turns.longest);
  }
  const { user, system } = process.cpuUsage(begin);
  const spent = (user + system) / 1000;
  console.log(`  ${spent.toFixed(0)} ms of processor, the longest turn ${longest.toFixed(1)} ms`);
  return spent;
}

const part = (table: Table, routes: number): Table => ({
  ...table,
  addresses: table.addresses.slice(0, routes),
  lengths: table.lengths.slice(0, routes),
});
const rss = (): string => `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`;

const what = process.argv[2] ?? 'all';
const table = makeTable();
if (what === 'all' || what === 'full') {
  const stream = makeStream(table, 1);
  for (let run = 0; run < Number(process.argv[3] ?? 3); run++) {
    const rib = makeRib();
    const source = peer(rib, 0);
    console.log(`1,000,000 routes, 1 in an UPDATE, ${stream.sets} sets; before: ${rss()}`);
    play(rib, source, stream.bytes);
    console.log(`  ${rss()}, ${JSON.stringify(rib.counts)}`);
    rib.dropSource(source);
    console.log(`  its end: ${turns.all()}`);
  }
}
if (what === 'all' || what === 'thirty') {
  const stream = makeStream(part(table, 100_000), 5);
  const rib = makeRib();
  const sources = Array.from({ length: 30 }, (_, n) => peer(rib, n));
  console.log(`the same 100,000 routes from 30 peers; before: ${rss()}`);
  let total = 0;
  for (const source of sources) total += play(rib, source, stream.bytes);
  console.log(`  together ${total.toFixed(0)} ms, ${rss()}, ${JSON.stringify(rib.counts)}`);
  const [best, second] = sources;
  if (best === undefined || second === undefined) throw new Error('no peers');
  console.log(`  it has the best of ${rib.countsOf(best).used}`);
  let before = performance.now();
  rib.dropSource(best);
  console.log(`  it dies: ${(performance.now() - before).toFixed(1)} ms, then ${turns.all()}`);
  before = performance.now();
  rib.changeSource(second, {
    name: 'peer 1',
    kind: 'ebgp',
    address: ipv4(0x0a090003),
    localAsn: 64_511,
    peerAsn: 64_513,
  });
  console.log(`  the second is judged anew: ${(performance.now() - before).toFixed(1)} ms, then ${turns.all()}`);
}
