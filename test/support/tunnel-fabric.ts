/** Three nodes with a pod each on one bridge, for tests of kernel/tunnels/tunnel.ts alone: routes are written by hand. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import type { TunnelSpec } from '../../src/kernel/tunnels/tunnel.ts';
import { type Namespaces, until } from './namespaces.ts';
import { steadyPing } from './ping.ts';

export const ip = (text: string): Ipv4 => parseIpv4(text) as Ipv4;
export const nodeAddress = (n: number): string => `192.168.34.${100 + n}`;
export const tunnelAddress = (n: number): string => `10.244.${n}.0`;
export const podAddress = (n: number): string => `10.244.${n}.2`;
const mac = (n: number): string => `66:00:00:00:00:0${n}`;

export function specOf(encap: 'ipip' | 'vxlan', n: number, ...remotes: number[]): TunnelSpec {
  return {
    encap,
    address: ip(tunnelAddress(n)),
    mtu: encap === 'ipip' ? 1480 : 1450,
    local: ip(nodeAddress(n)),
    underlay: 'eth0',
    mac: mac(n),
    remotes: remotes.map((r) => ({
      address: ip(nodeAddress(r)),
      tunnelAddress: ip(tunnelAddress(r)),
      tunnelMac: mac(r),
    })),
  };
}

/** Nodes 1 and 2 (and 3, whom nobody knows) on a bridge, each with one pod behind it. */
export function buildFabric(ns: Namespaces): void {
  ns.ip('fabric', 'link add br0 type bridge');
  ns.ip('fabric', 'link set br0 up');
  for (const n of [1, 2, 3]) {
    const node = `n${n}`;
    const pod = `p${n}`;
    ns.ip(node, `link add eth0 type veth peer name port${n} netns ${ns.name('fabric')}`);
    ns.ip('fabric', `link set port${n} master br0 up`);
    ns.ip(node, 'link set eth0 up');
    ns.ip(node, `addr add ${nodeAddress(n)}/24 dev eth0`);
    ns.sh(node, 'sysctl -qw net.ipv4.ip_forward=1');
    ns.ip(node, `link add cali${n} type veth peer name eth0 netns ${ns.name(pod)}`);
    ns.ip(node, `link set cali${n} up`);
    ns.ip(node, `addr add 169.254.1.1/32 dev cali${n}`);
    ns.ip(node, `route add ${podAddress(n)}/32 dev cali${n} scope link`);
    ns.ip(pod, 'link set eth0 up');
    ns.ip(pod, `addr add ${podAddress(n)}/32 dev eth0`);
    ns.ip(pod, 'route add 169.254.1.1 dev eth0');
    ns.ip(pod, 'route add default via 169.254.1.1');
  }
}

/** The route to another node's block, as the daemon writes it. */
export const routeTo = (encap: 'ipip' | 'vxlan', other: number): string =>
  encap === 'ipip'
    ? `route add 10.244.${other}.0/26 via ${nodeAddress(other)} dev tunl0 proto bird onlink`
    : `route add 10.244.${other}.0/26 via ${tunnelAddress(other)} dev vxlan.calico proto bird onlink`;

/** Node.js takes its time to start in User-Mode Linux. */
const PATIENCE_MS = 60_000;

/** Sends `bytes` random bytes from one pod to another by TCP and answers both checksums. */
export async function transfer(ns: Namespaces, from: number, to: number, bytes: number): Promise<[string, string]> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-tcp-'));
  try {
    const program = `const net=require('net'),c=require('crypto');const h=c.createHash('md5');`;
    const serve = `${program}net.createServer(s=>{s.on('data',d=>h.update(d));s.on('end',()=>{require('fs').writeFileSync('${folder}/sum',h.digest('hex'));s.end();process.exit()})}).listen(5001,()=>require('fs').writeFileSync('${folder}/up',''))`;
    const send = `${program}const b=c.randomBytes(${bytes});h.update(b);const s=net.connect(5001,'${podAddress(to)}',()=>s.end(b));s.resume();s.on('close',()=>console.log(h.digest('hex')))`;
    const server = spawn('ip', ['netns', 'exec', ns.name(`p${to}`), process.execPath, '-e', serve], {
      stdio: 'ignore',
    });
    try {
      await until('the TCP server listens', () => fs.existsSync(`${folder}/up`), PATIENCE_MS);
      const sender = spawn('ip', ['netns', 'exec', ns.name(`p${from}`), process.execPath, '-e', send]);
      let sent = '';
      sender.stdout.on('data', (d) => {
        sent += d;
      });
      await new Promise((done) => sender.once('close', done));
      const got = await until(
        'the server has the sum',
        () => fs.existsSync(`${folder}/sum`) && fs.readFileSync(`${folder}/sum`, 'latin1'),
        PATIENCE_MS,
      );
      return [sent.trim(), got];
    } finally {
      server.kill('SIGKILL');
    }
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

/** What tcpdump on node n's eth0 says of the packets of `work`, up to the one that `last` matches. */
export async function capture(
  ns: Namespaces,
  n: number,
  filter: string,
  last: RegExp,
  work: () => unknown,
): Promise<string> {
  const options = ['-Z', 'root', '-lnvi', 'eth0', '--immediate-mode', ...filter.split(' ')];
  const dump = spawn('ip', ['netns', 'exec', ns.name(`n${n}`), 'tcpdump', ...options]);
  let said = '';
  let seen = '';
  dump.stderr.on('data', (d) => {
    said += d;
  });
  dump.stdout.on('data', (d) => {
    seen += d;
  });
  try {
    await until('tcpdump listens', () => said.includes('listening on'));
    await work();
    await until(`tcpdump shows ${last}, not only: ${seen}`, () => last.test(seen));
  } finally {
    dump.kill('SIGINT');
  }
  return seen;
}

/** Pings from one pod to another every `intervalMs`, until it is ended. */
export function pinging(ns: Namespaces, from: number, to: number, intervalMs: number): ReturnType<typeof steadyPing> {
  const options = ['-n', '-i', `${intervalMs / 1000}`, podAddress(to)];
  const child = spawn('ip', ['netns', 'exec', ns.name(`p${from}`), 'ping', ...options]);
  return steadyPing(child, () => child.kill('SIGINT'));
}
