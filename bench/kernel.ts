/** What routes into the kernel cost: wishes of a best path each, through the real programmer, into a namespace of its own, and out
 *  again. Beside it the floor: a C program that knows all routes beforehand and only writes them. Needs root, ip and cc.
 *
 *      npm run bench:kernel          a Markdown table on standard output
 *
 *  Contiguous blocks as a cluster has them, scattered prefixes as the Internet has them, and IPv6; one route by itself. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { IpAddress, IpPrefix } from '../src/base/ip.ts';
import { ipv4, netmask } from '../src/base/ipv4.ts';
import { ipv6 } from '../src/base/ipv6.ts';
import { watchInterfaces } from '../src/kernel/devices/interfaces.ts';
import { BgpRoutes } from '../src/kernel/routes/bgp-routes.ts';
import { createRouteProgrammer } from '../src/kernel/routes/both-families.ts';
import { openNetlink } from '../src/netlink/client.ts';
import type { BestPath, PathSource } from '../src/rib/terms/feed.ts';
import { systemClock, systemTimers } from '../src/sys/time.ts';
import { makeNamespaces } from '../test/support/namespaces.ts';
import { markdownTable } from './markdown.ts';

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 3);
const COUNTS = (process.env['BENCH_COUNTS'] ?? '100000,500000').split(',').map(Number);
const PER_TURN = 4096;
const ALONE = 2000;

type Shape = 'blocks' | 'internet' | 'ipv6';
const SHAPES = (process.env['BENCH_SHAPES'] ?? 'blocks,internet,ipv6').split(',') as Shape[];

/** mulberry32: the same prefixes in every run. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** In order of address, as a table comes from most speakers. */
function prefixes(shape: Shape, count: number): IpPrefix[] {
  if (shape === 'blocks')
    return Array.from({ length: count }, (_, i) => ({ address: ipv4(0x0a000000 + i * 64), length: 26 }));
  const next = random(7);
  const seen = new Map<string, IpPrefix>();
  while (seen.size < count) {
    if (shape === 'ipv6') {
      const length = 32 + Math.floor(next() * 17);
      const top = (0x2000n << 48n) | (BigInt(Math.floor(next() * 2 ** 32)) << 28n);
      const address = ipv6(((top >> BigInt(64 - length)) << BigInt(64 - length)) << 64n);
      seen.set(`${address}/${length}`, { address, length });
    } else {
      const length = next() < 0.6 ? 24 : 16 + Math.floor(next() * 8);
      const address = ipv4((0x0b000000 + Math.floor(next() * 0x70000000)) & netmask(length));
      seen.set(`${address}/${length}`, { address, length });
    }
  }
  return [...seen.values()].sort((a, b) =>
    a.address < b.address ? -1 : a.address > b.address ? 1 : a.length - b.length,
  );
}

interface Figures {
  /** One route, from the word of the Loc-RIB to the kernel's acknowledgement. */
  oneUs: number;
  onePercentUs: number;
  addMs: number;
  deleteMs: number;
  addCpuMs: number;
  deleteCpuMs: number;
  /** The event loop's worst turn. */
  delayMs: number;
  rssMb: number;
}

async function measure(shape: Shape, count: number): Promise<Figures> {
  const ns = makeNamespaces('bk');
  try {
    const netns = ns.path('a');
    ns.ip('a', 'link add eth0 type veth peer name far0');
    ns.ip('a', 'address add 192.168.77.1/24 dev eth0');
    ns.ip('a', 'address add 2001:db8::1/64 dev eth0 nodad');
    ns.ip('a', 'link set eth0 up');
    ns.ip('a', 'link set far0 up');
    const client = await openNetlink({ netns });
    const interfaces = await watchInterfaces({ client, netns });
    const programmer = createRouteProgrammer({
      client,
      interfaces,
      clock: systemClock,
      timers: systemTimers,
      protocol: 186,
      netns,
      owners: ['bgp'],
    });
    await programmer.start();
    programmer.inSync('bgp');
    const six = shape === 'ipv6';
    const routes = new BgpRoutes({
      family: six ? 'ipv6' : 'ipv4',
      programmer,
      interfaces,
      timers: systemTimers,
      context: { pools: [], vxlanTunnelAddresses: new Map(), peers: [], allowed: [], protocol: 186 },
    });
    const all = prefixes(shape, count);
    const gateway: IpAddress = six ? ipv6((0x20010db8n << 96n) | 2n) : ipv4(0xc0a84d02);
    const source: PathSource = { id: 1, name: 'peer', kind: 'ebgp', address: gateway, bgpIdentifier: 1, client: false };
    const best = {
      address: gateway,
      length: 0,
      attributes: { origin: 'igp', asPath: [], nextHop: ipv4(0xc0a84d02) },
      nextHops: [{ address: gateway, gateway }],
      source,
      stale: false,
    } satisfies BestPath as { -readonly [K in keyof BestPath]: BestPath[K] };
    const turns = async (tell: (p: IpPrefix) => void): Promise<void> => {
      for (let i = 0; i < all.length; i += PER_TURN) {
        for (let j = i; j < Math.min(i + PER_TURN, all.length); j++) tell(all[j] as IpPrefix);
        routes.onSlice();
        await new Promise<void>((next) => setImmediate(next));
      }
      await programmer.idle();
    };
    global.gc?.();
    const rss = process.memoryUsage.rss();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const cpuMs = (since: NodeJS.CpuUsage): number => {
      const { user, system } = process.cpuUsage(since);
      return (user + system) / 1000;
    };
    let cpu = process.cpuUsage();
    let at = performance.now();
    await turns((p) => {
      best.address = p.address;
      best.length = p.length;
      routes.onBest(best);
    });
    const addMs = performance.now() - at;
    const addCpuMs = cpuMs(cpu);
    const rssMb = (process.memoryUsage.rss() - rss) / 2 ** 20;
    const { installed, failed } = programmer.status();
    if (installed !== count || failed > 0) throw new Error(`${installed} of ${count} installed, ${failed} refused`);
    at = performance.now();
    cpu = process.cpuUsage();
    await turns((p) => void routes.onWithdraw(p.address, p.length));
    const deleteMs = performance.now() - at;
    const deleteCpuMs = cpuMs(cpu);
    const alone: number[] = [];
    for (let i = 0; i < ALONE; i++) {
      const p = all[i % all.length] as IpPrefix;
      best.address = p.address;
      best.length = p.length;
      const from = performance.now();
      routes.onBest(best);
      routes.onSlice();
      alone.push((performance.now() - from) * 1000);
      if (!programmer.state(p).installed) throw new Error('one route by itself was not written at once');
      routes.onWithdraw(p.address, p.length);
      routes.onSlice();
    }
    alone.sort((a, b) => a - b);
    const quantile = (share: number): number => alone[Math.floor(alone.length * share)] ?? 0;
    delay.disable();
    routes.stop();
    programmer.stop();
    interfaces.close();
    client.close();
    return {
      oneUs: quantile(0.5),
      onePercentUs: quantile(0.99),
      addMs,
      deleteMs,
      addCpuMs,
      deleteCpuMs,
      delayMs: delay.max / 1e6,
      rssMb,
    };
  } finally {
    ns.remove();
  }
}

/** Undefined without a compiler. Its routes are IPv4. */
function compileFloor(): string | undefined {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kernel-floor-'));
  const program = path.join(folder, 'floor');
  const source = path.resolve('bench/kernel-floor.c');
  return spawnSync('cc', ['-O2', '-w', '-o', program, source]).status === 0 ? program : undefined;
}

/** Seconds of adding and of deleting, then the processor's. */
function floorOf(program: string, shape: Shape, count: number, order: 'sorted' | 'shuffled'): readonly number[] {
  const ns = makeNamespaces('bf');
  try {
    const name = ns.name('a');
    ns.ip('a', 'link add eth0 type veth peer name far0');
    ns.ip('a', 'address add 192.168.77.1/24 dev eth0');
    ns.ip('a', 'link set eth0 up');
    ns.ip('a', 'link set far0 up');
    const index = ns.sh('a', 'cat /sys/class/net/eth0/ifindex').trim();
    const input = new Uint32Array(prefixes(shape, count).flatMap((p) => [Number(p.address), p.length]));
    const args = ['netns', 'exec', name, program, index, 'c0a84d02', order];
    const { stdout } = spawnSync('ip', args, { input: new Uint8Array(input.buffer), encoding: 'utf8' });
    return stdout.split(' ').map(Number);
  } finally {
    ns.remove();
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const seconds = (ms: number): string => (ms / 1000).toFixed(2);

const rows: string[][] = [
  [
    'routes',
    'count',
    'add s (CPU)',
    'delete s (CPU)',
    'C, shuffled',
    '',
    'C, sorted',
    '',
    'one us p50, p99',
    'worst turn ms',
    'memory MB',
  ],
];
const floor = compileFloor();
for (const shape of SHAPES)
  for (const count of COUNTS) {
    const rounds: Figures[] = [];
    const floors = { shuffled: [] as (readonly number[])[], sorted: [] as (readonly number[])[] };
    for (let n = 0; n < ROUNDS; n++) {
      rounds.push(await measure(shape, count));
      if (floor === undefined || shape === 'ipv6') continue;
      for (const order of ['shuffled', 'sorted'] as const) floors[order].push(floorOf(floor, shape, count, order));
    }
    const of = (key: keyof Figures): number => median(rounds.map((r) => r[key]));
    const pair = (all: readonly (readonly number[])[], i: number): string =>
      all.length === 0
        ? ''
        : [i, i + 2]
            .map((at) => median(all.map((one) => one[at] ?? 0)).toFixed(2))
            .join(' (')
            .concat(')');
    rows.push([
      shape,
      String(count),
      `${seconds(of('addMs'))} (${seconds(of('addCpuMs'))})`,
      `${seconds(of('deleteMs'))} (${seconds(of('deleteCpuMs'))})`,
      ...[floors.shuffled, floors.sorted].flatMap((all) => [pair(all, 0), pair(all, 1)]),
      `${of('oneUs').toFixed(0)}, ${of('onePercentUs').toFixed(0)}`,
      of('delayMs').toFixed(1),
      of('rssMb').toFixed(0),
    ]);
    console.error(rows.at(-1)?.join('  '));
  }
console.log(`${os.cpus()[0]?.model}, ${os.cpus().length} cores, Linux ${os.release()}, Node ${process.version}\n`);
console.log(markdownTable(rows).join('\n'));
