// needs: namespaces ip ping arping
/** A lab in each encapsulation: what its nodes' tables say, what pods see, and what really is on the wire. */
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../support/bundle.ts';
import { packetOf, type Seen } from '../support/capture.ts';
import { eventually, type Lab, makeLabsDir, startLab } from '../support/lab.ts';

const labsDir = makeLabsDir();
afterAll(() => fs.rmSync(labsDir, { recursive: true, force: true }));

const NODE = { node1: '192.168.34.101', node2: '192.168.34.102', node3: '192.168.34.103' } as const;
const CASES = [
  { encap: 'ipip', mtu: 1480, device: 'tunl0', onlink: ' onlink' },
  { encap: 'vxlan', mtu: 1450, device: 'vxlan.calico', onlink: ' onlink' },
  { encap: 'none', mtu: 1500, device: 'eth0', onlink: '' },
] as const;

describe.each(CASES)('a lab with encapsulation $encap', ({ encap, mtu, device, onlink }) => {
  let lab: Lab;
  beforeAll(() => {
    lab = startLab(`e-${encap}`, '--encap', encap);
  });
  afterAll(() => lab?.down());

  test('comes up with every session Established and every ping answered', async () => {
    expect(lab.output).toContain('mesh: 3 of 3 sessions are up');
    expect(lab.output).toContain('pings: 36 of 36 answered');
    expect((await lab.established('node2')).sort()).toEqual(['node1', 'node3']);
  });

  test("has in each node a Calico node's table: own block as blackhole, pods on the link, the others' blocks learned", () => {
    for (const node of ['node1', 'node2', 'node3'] as const) {
      const table = lab.routes(node);
      expect(table).toContain(`blackhole ${lab.block(node)} proto bird`);
      for (const pod of lab.record.pods.filter((p) => p.node === node)) {
        expect(table.filter((line) => line.startsWith(`${pod.address} `))).toEqual([
          expect.stringMatching(/ dev cali[0-9a-f]{11} scope link$/),
        ]);
      }
      for (const other of ['node1', 'node2', 'node3'] as const) {
        if (other === node) continue;
        // VXLAN routes go by the far end of the tunnel, which is an address of that node's block.
        const gateway = encap === 'vxlan' ? String.raw`10\.244\.\d+\.\d+` : NODE[other].replaceAll('.', '\\.');
        const [route, ...more] = table.filter((line) => line.startsWith(`${lab.block(other)} `));
        expect(more).toEqual([]);
        expect(route).toMatch(new RegExp(`/26 via ${gateway} dev ${device.replace('.', '\\.')} proto bird${onlink}$`));
      }
    }
  });

  test('prints these tables in the words of ip route', () => {
    const printed = lab.output.split('node1: ip route\n')[1]?.split('\n\n')[0] ?? '';
    expect(printed.split('\n').map((line) => line.trim())).toEqual(lab.routes('node1'));
  });

  test('gives pods a /32, the gateway 169.254.1.1, and an MTU with room for the tunnel header', () => {
    expect(lab.sh('web-1-1', 'ip route').trim().split(/ *\n/)).toEqual([
      'default via 169.254.1.1 dev eth0',
      '169.254.1.1 dev eth0 scope link',
    ]);
    expect(lab.sh('web-1-1', 'ip -o -4 addr show dev eth0')).toContain(`inet ${lab.pods['web-1-1']}/32 `);
    expect(lab.sh('web-1-1', 'cat /sys/class/net/eth0/mtu 2>/dev/null; ip -o link show dev eth0')).toContain(
      ` mtu ${mtu} `,
    );
    if (encap !== 'none') expect(lab.sh('node1', `ip -o link show dev ${device}`)).toContain(` mtu ${mtu} `);
  });

  test('answers arping for the gateway from ee:ee:ee:ee:ee:ee, although the node has no default route', () => {
    expect(lab.sh('node1', 'ip route')).not.toContain('default');
    expect(lab.sh('web-1-1', 'arping -c 1 -w 5 -I eth0 169.254.1.1').toLowerCase()).toContain('ee:ee:ee:ee:ee:ee');
  });

  test('takes one hop between pods of a node and two between nodes, so TTL 64 arrives as 63 and 62', () => {
    const ttl = (to: string): string | undefined =>
      /ttl=(\d+)/.exec(lab.sh('web-1-1', `ping -c 1 -W 2 ${lab.pods[to]}`))?.[1];
    expect(ttl('web-1-2')).toBe('63');
    expect(ttl('web-2-1')).toBe('62');
  });

  test('passes packets of exactly the MTU unfragmented between nodes, and refuses one byte more', () => {
    const to = lab.pods['web-2-1'];
    const headers = 28; // IPv4 and ICMP
    expect(lab.try('web-1-1', `ping -c 1 -W 2 -M do -s ${mtu - headers} ${to}`)).toMatchObject({ status: 0 });
    const refused = lab.try('web-1-1', `ping -c 1 -W 2 -M do -s ${mtu - headers + 1} ${to}`);
    expect(refused.status).not.toBe(0);
    expect(refused.out).toMatch(new RegExp(`(message too long|Frag needed).*mtu ?= ?${mtu}`, 'i'));
  });

  test('puts on the wire what it says', async () => {
    const from = lab.pods['web-1-1'];
    const to = lab.pods['web-2-1'];
    const capture = lab.spawn('node1', process.execPath, await bundle('test/support/capture-child.ts'));
    let lines = '';
    capture.stdout?.on('data', (bytes) => {
      lines += bytes;
    });
    const packets = (): Seen[] =>
      lines
        .split('\n')
        .slice(1, -1)
        .map((line) => packetOf(Buffer.from(line, 'hex')))
        .filter((packet) => packet !== undefined);
    let seen: Seen[] = [];
    try {
      await eventually('the capture runs', () => lines.startsWith('ready\n'));
      lab.sh('web-1-1', `ping -c 2 -i 0.2 -W 2 ${to}`);
      await eventually('a request and its answer were seen', () => {
        seen = packets();
        return seen.some((p) => [p, p.inner].some((q) => q?.source === to));
      });
    } finally {
      capture.kill('SIGKILL');
    }
    const pair = seen.filter((p) => [p, p.inner].some((q) => q?.protocol === 1 && q.source === from));
    expect(pair.length).toBeGreaterThan(0);
    const outer = { source: NODE.node1, destination: NODE.node2 };
    const inner = { protocol: 1, source: from, destination: to };
    for (const packet of pair) {
      if (encap === 'ipip') expect(packet).toEqual({ ...outer, protocol: 4, inner });
      if (encap === 'vxlan') {
        expect(packet).toEqual({ ...outer, protocol: 17, destinationPort: 4789, vni: 4096, inner });
      }
      if (encap === 'none') expect(packet).toEqual(inner);
    }
  });
});
