/** What a tunnel costs: two nodes in namespaces on one bridge, a pod behind each, and between the pods plain routing, the kernel's
 *  vxlan, tunl0 by tc-bpf and tunl0 by user space. Needs root and iperf3 (apt-get install iperf3).
 *
 *      npm run bench:tunnel          writes bench/tunnel.md
 *
 *  All four stand side by side and take turns, three rounds of them, so that whatever else the machine does meets all alike; each
 *  figure is the median. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import type { TunnelStatus } from '../src/kernel/tunnels/tunnel.ts';
import { type JsonChild, startJsonChild } from '../test/support/child-process.ts';
import { makeNamespaces, type Namespaces, until } from '../test/support/namespaces.ts';
import { buildFabric, nodeAddress, podAddress, routeTo, specOf } from '../test/support/tunnel-fabric.ts';
import { markdownTable } from './markdown.ts';

interface Way {
  readonly name: string;
  readonly encap: 'ipip' | 'vxlan' | 'none';
  /** As cluster.tunnel.carrier. */
  readonly setting: string;
  readonly mtu: number;
}
const WAYS: readonly Way[] = [
  { name: 'plain routing', encap: 'none', setting: '', mtu: 1500 },
  { name: 'kernel vxlan', encap: 'vxlan', setting: 'auto', mtu: 1450 },
  { name: 'tunl0 by tc-bpf', encap: 'ipip', setting: 'tc-bpf', mtu: 1480 },
  { name: 'tunl0 by user space', encap: 'ipip', setting: 'user-space', mtu: 1480 },
];
const ROUNDS = 3;
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3);
const UDP_PAYLOAD_BYTES = 64;
const PINGS = 300;

interface Figures {
  readonly tcpGbit: number;
  readonly udpKpps: number;
  readonly pingMs: number;
}
interface Bench {
  readonly way: Way;
  readonly ns: Namespaces;
  readonly children: JsonChild[];
  readonly server: ChildProcess;
  readonly figures: Figures[];
}

async function prepare(way: Way, i: number, program: string): Promise<Bench> {
  const ns = makeNamespaces(`bt${i}`);
  buildFabric(ns);
  const children: JsonChild[] = [];
  for (const [n, other] of [
    [1, 2],
    [2, 1],
  ] as const) {
    ns.ip(`p${n}`, `link set eth0 mtu ${way.mtu}`);
    if (way.encap === 'none') {
      ns.ip(`n${n}`, `route add 10.244.${other}.0/26 via ${nodeAddress(other)} dev eth0`);
      continue;
    }
    const child = startJsonChild('ip', 'netns', 'exec', ns.name(`n${n}`), process.execPath, program, way.setting);
    children.push(child);
    const status = await child.ask<Partial<TunnelStatus>>({ ensure: specOf(way.encap, n, other) });
    if (status.carrier === undefined) throw new Error(`${way.name}: ${JSON.stringify(status)}`);
    ns.ip(`n${n}`, routeTo(way.encap, other));
  }
  const server = spawn('ip', ['netns', 'exec', ns.name('p2'), 'iperf3', '-s'], { stdio: 'ignore' });
  await until('iperf3 listens', () => ns.try('p2', 'ss -ltn').out.includes(':5201'));
  return { way, ns, children, server, figures: [] };
}

interface Iperf {
  readonly error?: string;
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number };
    readonly sum?: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
  };
}
function iperf(ns: Namespaces, options: string): Iperf {
  const { out } = ns.try('p1', `iperf3 -J -c ${podAddress(2)} -t ${SECONDS} ${options}`);
  const answer = JSON.parse(out) as Iperf;
  if (answer.error !== undefined) throw new Error(`iperf3 ${options}: ${answer.error}`);
  return answer;
}

function measure({ ns }: Bench): Figures {
  const tcp = iperf(ns, '-O 1').end.sum_received;
  const udp = iperf(ns, `-u -b 0 -l ${UDP_PAYLOAD_BYTES}`).end.sum;
  const pings = ns.sh('p1', `ping -q -c ${PINGS} -i 0.002 ${podAddress(2)}`);
  const average = /= [\d.]+\/([\d.]+)\//.exec(pings)?.[1];
  if (tcp === undefined || udp === undefined || average === undefined) throw new Error('iperf3 or ping said no sum');
  return {
    tcpGbit: tcp.bits_per_second / 1e9,
    udpKpps: (udp.packets - udp.lost_packets) / udp.seconds / 1e3,
    pingMs: Number(average),
  };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

function report(benches: readonly Bench[]): string {
  const of = (b: Bench, key: keyof Figures): number => median(b.figures.map((f) => f[key]));
  const version = spawnSync('iperf3', ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0] ?? '';
  const rows = benches.map((b) => [
    b.way.name,
    `${b.way.mtu}`,
    of(b, 'tcpGbit').toFixed(2),
    of(b, 'udpKpps').toFixed(0),
    of(b, 'pingMs').toFixed(3),
  ]);
  return [
    '# What a tunnel costs',
    '',
    `\`npm run bench:tunnel\`, ${new Date().toISOString().slice(0, 10)}. Pod to pod between two nodes in network namespaces on one bridge; the`,
    `medians of ${ROUNDS} rounds of ${SECONDS} s each. Between namespaces TCP travels in pieces of up to 64 KB, as with segmentation offload.`,
    '',
    ...markdownTable([['between the pods', 'MTU', 'TCP Gbit/s', '64-byte UDP kpps received', 'ping avg ms'], ...rows]),
    '',
    `${os.cpus().length} CPUs ${os.cpus()[0]?.model ?? ''}, Linux ${os.release().split('-')[0]}, Node.js ${process.version}, ${version}. One TCP stream, one UDP`,
    'stream without limit; sender, receiver and both nodes share these CPUs.',
    `Load average at the end: ${os.loadavg()[0]?.toFixed(1)}.`,
    '',
  ].join('\n');
}

if (process.getuid?.() !== 0 || spawnSync('iperf3', ['--version']).status !== 0) {
  console.error('bench:tunnel needs root, for network namespaces, and iperf3: apt-get install iperf3');
  process.exit(2);
}
const program = path.join('node_modules/.cache/gingham-bench', `tunnel-child-${process.pid}.mjs`);
await build({
  entryPoints: ['test/support/tunnel-child.ts'],
  outfile: program,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['koffi', 'lmdb'],
  logLevel: 'warning',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
const benches: Bench[] = [];
try {
  for (const [i, way] of WAYS.entries()) benches.push(await prepare(way, i, path.resolve(program)));
  for (let round = 1; round <= ROUNDS; round++)
    for (const bench of benches) {
      const figures = measure(bench);
      bench.figures.push(figures);
      console.error(`round ${round}: ${bench.way.name} ${JSON.stringify(figures)}`);
    }
  const text = report(benches);
  fs.writeFileSync('bench/tunnel.md', text);
  console.log(text);
} finally {
  for (const { server, children, ns } of benches) {
    server.kill('SIGKILL');
    for (const child of children) await child.kill();
    ns.remove();
  }
  fs.rmSync(program, { force: true });
}
process.exit(0);
