/** Runs in the guest: the lab of three nodes, as `npm start` brings it up, over the kernel's own tunl0. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { findLab } from '../../../src/lab/machine/registry.ts';
import { packetsOf } from '../../support/capture.ts';
import { eventually, GINGHAM, type Lab, openLab } from '../../support/lab.ts';
import { say } from './say.ts';

const NODES = { node1: '192.168.34.101', node2: '192.168.34.102', node3: '192.168.34.103' } as const;
const names = Object.keys(NODES) as (keyof typeof NODES)[];
/** Everything takes ten times longer here. */
const PATIENCE_MS = 240_000;
let lab: Lab;

function gingham(...args: string[]): { status: number | null; out: string } {
  const options = { encoding: 'utf8', timeout: PATIENCE_MS } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [GINGHAM, ...args], options);
  return { status, out: stdout + stderr };
}

await say('a lab with ipip comes up: every session Established, every ping answered', () => {
  const made = gingham('lab', 'up', '--detach', '--name', 'uml', '--encap', 'ipip');
  const record = findLab('uml');
  assert.ok(made.status === 0 && record !== undefined, `exit code ${made.status}\n${made.out}`);
  assert.match(made.out, /mesh: 3 of 3 sessions are up/);
  assert.match(made.out, /pings: 36 of 36 answered/);
  assert.match(made.out, /ipip on tunl0, carrier kernel/);
  lab = openLab(record, made.out);
});

await say('status says that the kernel carries tunl0, and that no better carrier was passed over', async () => {
  for (const node of names) {
    const { tunnel } = await lab.ask(node, (client) => client.status());
    assert.equal(tunnel?.carrier, 'kernel');
    assert.equal(tunnel.device, 'tunl0');
    assert.deepEqual(tunnel.notUsed ?? [], []);
    assert.match(lab.sh(node, 'ip -d link show tunl0'), /<.*UP.*> mtu 1480[\s\S]* ipip /);
  }
});

await say('every route has the form of a Calico node', () => {
  const forms = [
    /^blackhole 10\.244\.\d+\.\d+\/26 proto bird$/,
    /^10\.244\.\d+\.\d+ dev cali[0-9a-f]{11} scope link$/,
    /^10\.244\.\d+\.\d+\/26 via 192\.168\.34\.10[123] dev tunl0 proto bird onlink$/,
    /^169\.254\.1\.1 dev lo proto bird scope link$/,
    /^192\.168\.34\.0\/24 dev eth0 proto kernel scope link src 192\.168\.34\.10[123]$/,
  ];
  for (const node of names) {
    const table = lab.routes(node).map((line) => line.replace(/ +$/, ''));
    for (const line of table)
      assert.ok(
        forms.some((form) => form.test(line)),
        `${node}: ${line}`,
      );
    assert.equal(table.length, 7, table.join('\n'));
    for (const other of names.filter((n) => n !== node))
      assert.ok(
        table.includes(`${lab.block(other)} via ${NODES[other]} dev tunl0 proto bird onlink`),
        table.join('\n'),
      );
    // The tunnel has the first address of its node's block.
    const first = lab.block(node).split('/')[0] as string;
    assert.ok(lab.sh(node, 'ip -4 -o addr show dev tunl0').includes(`inet ${first}/32 `));
  }
});

await say('a packet of exactly the MTU passes between pods of two nodes, and one byte more is refused', () => {
  const to = lab.pods['web-2-1'];
  assert.equal(lab.try('web-1-1', `ping -c 1 -W 10 -M do -s 1452 ${to}`).status, 0);
  const refused = lab.try('web-1-1', `ping -c 1 -W 10 -M do -s 1453 ${to}`);
  assert.notEqual(refused.status, 0);
  assert.match(refused.out, /mtu ?= ?1480/);
});

await say('the wire carries IP protocol 4 between the node addresses', async () => {
  const [source, destination] = [lab.pods['web-1-1'], lab.pods['web-2-1']];
  const file = path.join(lab.record.dir, 'wire.pcap');
  const tcpdump = lab.spawn('node1', 'tcpdump', '-Z', 'root', '-U', '-n', '-i', 'eth0', '-w', file, 'proto', '4');
  try {
    await eventually('tcpdump listens', () => fs.existsSync(file) && fs.statSync(file).size >= 24, 60_000);
    const wanted = { protocol: 4, source: NODES.node1, destination: NODES.node2 };
    const inner = { protocol: 1, source, destination };
    await eventually(
      'the echo request is on the wire as IPIP',
      () => {
        lab.sh('web-1-1', `ping -c 1 -W 10 ${destination}`);
        return packetsOf(fs.readFileSync(file)).some((p) => JSON.stringify(p) === JSON.stringify({ ...wanted, inner }));
      },
      60_000,
    );
  } finally {
    tcpdump.kill('SIGTERM');
  }
});

await say('a daemon killed with SIGKILL comes back while its pods are pinged throughout, none lost', async () => {
  const before = await lab.ask('node2', (client) => client.status());
  const ping = lab.spawn('web-1-1', 'ping', '-n', '-i', '0.25', '-c', '80', '-W', '20', lab.pods['web-2-1'] ?? '');
  let out = '';
  ping.stdout?.on('data', (bytes) => {
    out += bytes;
  });
  const ended = new Promise((done) => ping.once('close', done));
  await eventually('the pings run', () => out.includes('icmp_seq=2 '), 60_000);
  await lab.kill('node2', 'KILL');
  await ended;
  assert.match(out, /80 packets transmitted, 80 received, 0% packet loss/);
  await eventually(
    'both sessions of node2 are up again',
    async () => {
      const { process: now } = await lab.ask('node2', (client) => client.status());
      return now.pid !== before.process.pid && (await lab.established('node2')).length === 2;
    },
    PATIENCE_MS,
  );
  assert.equal(lab.routes('node2').length, 7);
});

await say('lab down leaves nothing behind', () => {
  const { dir } = lab.record;
  const ended = gingham('lab', 'down', 'uml');
  assert.equal(ended.status, 0, ended.out);
  assert.ok(!fs.existsSync(dir));
  const left = fs
    .readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter(
      (pid) =>
        fs.existsSync(`/proc/${pid}/cmdline`) && fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(GINGHAM),
    );
  assert.deepEqual(left, []);
});
process.exit(0);
