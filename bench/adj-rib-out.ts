/** What goes out, by itself, without sockets: `node bench/run.mjs adj-rib-out`. Processor time of the table's own turns and of
 *  packing, the quickest of several runs; and the longest turn, which is what a keepalive may have to wait for. */
import { performance } from 'node:perf_hooks';
import { type IpAddress, isIpv6 } from '../src/base/ip.ts';
import { type Ipv4, ipv4 } from '../src/base/ipv4.ts';
import { prefixKey } from '../src/base/prefix.ts';
import { packAnnouncements } from '../src/bgp-js/update/packer.ts';
import { splitUpdate } from '../src/bgp-js/update/update.ts';
import { AdjRibOut } from '../src/rib/out/adj-rib-out.ts';
import type { ExportTarget } from '../src/rib/out/export-target.ts';
import { LocRib } from '../src/rib/ribs/loc-rib.ts';
import type { PathSource } from '../src/rib/terms/feed.ts';
import { makeTable, type Table } from './table.ts';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 5);
const OPTIONS = { fourOctetAs: true, addPath: false };
const US = ipv4(0x0a090001);

class World {
  readonly rib: LocRib;
  readonly outs: AdjRibOut[] = [];
  octets = 0;
  writes = 0;
  private readonly queue: (() => void)[] = [];

  constructor() {
    this.rib = new LocRib({
      family: 'ipv4',
      schedule: (run) => this.queue.push(run),
      clock: { now: () => performance.now(), wall: () => Date.now() },
      bgpIdentifier: US,
      isOurAddress: (address: IpAddress) => !isIpv6(address) && address === US,
    });
  }
  peer(n: number): PathSource {
    const address: Ipv4 = ipv4(0x0a090100 + n);
    const source = this.rib.addSource({ name: `p${n}`, kind: 'ebgp', address, localAsn: 64512, peerAsn: 65000 + n });
    this.rib.identify(source, address);
    return source;
  }
  open(source: PathSource, more: Partial<ExportTarget> = {}): AdjRibOut {
    const target: ExportTarget = {
      kind: 'ebgp',
      address: source.address,
      peerAsn: 65000,
      localAddress: US,
      localAsn: 64512,
      localPref: 100,
      nextHop: 'self',
      transit: true,
      ...more,
    };
    const send = (messages: Uint8Array): boolean => {
      this.octets += messages.length;
      this.writes++;
      return true;
    };
    const out = new AdjRibOut(this.rib, { target, fourOctetAs: true, source, send, holdLearned: false });
    this.outs.push(out);
    return out;
  }
  receive(source: PathSource, messages: Uint8Array): void {
    for (let at = 0; at < messages.length; ) {
      const end = at + (((messages[at + 16] as number) << 8) | (messages[at + 17] as number));
      const frame = splitUpdate(messages, at, end);
      if (!frame.ok) throw new Error(frame.error.text);
      this.rib.receive(source, frame.value, OPTIONS);
      at = end;
    }
  }
  /** Turns until nothing waits; the longest, in ms. */
  turns(): number {
    let longest = 0;
    for (let run = this.queue.shift(); run !== undefined; run = this.queue.shift()) {
      const start = performance.now();
      run();
      longest = Math.max(longest, performance.now() - start);
    }
    return longest;
  }
}

/** UPDATEs of the table, as a speaker packs them. */
function streamOf({ addresses, lengths, set, attributes }: Table, routes: number): Uint8Array[] {
  const keys = new Map<number, number[]>();
  for (let i = 0; i < routes; i++) {
    const of = set[i] as number;
    const key = prefixKey(addresses[i] as number, lengths[i] as number);
    const known = keys.get(of);
    if (known === undefined) keys.set(of, [key]);
    else known.push(key);
  }
  return [...keys].map(([of, list]) => packAnnouncements(attributes[of] as Uint8Array, list));
}

function measured(what: string, prepare: () => World, run: (world: World) => number): void {
  let best = Number.POSITIVE_INFINITY;
  let longest = Number.POSITIVE_INFINITY;
  let world: World | undefined;
  for (let i = 0; i < RUNS; i++) {
    world = prepare();
    world.octets = 0;
    world.writes = 0;
    const before = process.cpuUsage();
    const turn = run(world);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1e3);
    longest = Math.min(longest, turn);
  }
  const sent = world?.outs.reduce((sum, out) => sum + out.sent, 0) ?? 0;
  console.log(
    `${what.padEnd(66)} ${best.toFixed(2).padStart(8)} ms CPU, longest turn ${longest.toFixed(1).padStart(5)} ms, ` +
      `${((world?.octets ?? 0) / 1e6).toFixed(1)} MB in ${world?.writes} writes, ${sent} routes there`,
  );
}

let dying: PathSource | undefined;
let table = makeTable();
let all = streamOf(table, table.addresses.length);
const some = streamOf(table, 100_000);

function filled(stream: readonly Uint8Array[], peers: number): World {
  const world = new World();
  for (let n = 0; n < peers; n++) {
    const source = world.peer(n);
    for (const messages of stream) world.receive(source, messages);
  }
  world.turns();
  return world;
}

const only = process.argv[2];
table = { ...table, attributes: [] };
const wanted = (name: string): boolean => only === undefined || only === name;

if (wanted('full')) {
  const full = filled(all, 1);
  all = []; // the collector would visit it at every turn
  measured(
    'a million routes of 150,000 sets, already there, to one eBGP peer',
    () => {
      for (const out of full.outs.splice(0)) out.close();
      return full;
    },
    (world) => {
      world.open(world.peer(1)).pump();
      return world.turns();
    },
  );
}
if (wanted('replace')) {
  for (const readers of [0, 29])
    measured(
      `100,000 routes of 30 peers: the best one dies, ${readers} hear of it`,
      () => {
        const world = new World();
        const sources = Array.from({ length: 30 }, (_, n) => world.peer(n));
        for (const source of sources) for (const messages of some) world.receive(source, messages);
        world.turns();
        for (const source of sources.slice(1, 1 + readers)) world.open(source).pump();
        world.turns();
        dying = sources[0];
        return world;
      },
      (world) => {
        if (dying !== undefined) world.rib.dropSource(dying);
        return world.turns();
      },
    );
}
if (wanted('one')) {
  const stream = streamOf(table, 2);
  measured(
    'one route to 200 sessions, 1000 times',
    () => {
      const world = new World();
      world.peer(0);
      for (let n = 1; n <= 200; n++) world.open(world.peer(n)).pump();
      world.turns();
      return world;
    },
    (world) => {
      let longest = 0;
      const source = world.peer(500);
      for (let i = 0; i < 1000; i++) {
        world.receive(source, stream[i % 2] as Uint8Array);
        longest = Math.max(longest, world.turns());
        world.rib.dropSource(source);
        longest = Math.max(longest, world.turns());
      }
      return longest;
    },
  );
}
