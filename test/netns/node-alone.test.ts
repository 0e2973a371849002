// needs: root ip
/** `gingham node --config` against itself: bad files, reload by difference, foreign routes, guards. */
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, GINGHAM, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('na');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'l', 'r');
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

interface Peer {
  name: string;
  state: string;
  flaps: number;
  stateSince: string;
}
const peersOf = (node: GinghamNode): Peer[] => node.json<{ items: Peer[] }>('peers').items;
const up = (node: GinghamNode, name: string) =>
  until(`${name} is up`, () => peersOf(node).find((p) => p.name === name && p.state === 'Established'));
const kernel = (side: string): string[] =>
  namespaces
    .ip(side, 'route')
    .split('\n')
    .map((l) => l.trim())
    .filter((l) => l.includes('proto bgp'))
    .sort();

const left = (options: { originate: string; extra?: string; neighbors?: string }): string => `
asn: 65001
routerId: 10.9.0.1
originate: [${options.originate}]
${options.extra ?? ''}
neighbors: [{ name: right, address: 10.9.0.2, asn: 65002, connectRetry: 1 }${options.neighbors ?? ''}]`;
const right = (originate: string, extra = ''): string => `
asn: 65002
routerId: 10.9.0.2
originate: [${originate}]
${extra}
neighbors: [{ name: left, address: 10.9.0.1, asn: 65001, connectRetry: 1 }]`;

async function both(l: string, r: string): Promise<[GinghamNode, GinghamNode]> {
  const nodes: [GinghamNode, GinghamNode] = [speakers.gingham('l', l), speakers.gingham('r', r)];
  await Promise.all(nodes.map((n) => n.start()));
  await Promise.all([up(nodes[0], 'right'), up(nodes[1], 'left')]);
  return nodes;
}

test('a faulty file at start gets every fault at once, each with path, value and remedy, and exit code 2', () => {
  const node = speakers.gingham(
    'l',
    'asn: 0\nholdTime: 2\nneigbors: []\noriginate: [10.1.0.1/24]\nneighbors: [{ address: 10.9.0.300, asn: 65002 }]',
  );
  const { status, stderr } = spawnSync(process.execPath, [GINGHAM, 'node', '--config', node.config], {
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  for (const fault of ['asn', 'holdTime', 'neigbors', 'originate[0]', 'neighbors[0].address'])
    expect(stderr).toContain(fault);
  for (const value of ['10.1.0.1/24', '10.9.0.300']) expect(stderr).toContain(value);
});

test('reload touches only the neighbor that changed, and refuses a faulty file whole', async () => {
  const [l, r] = await both(left({ originate: '10.1.0.0/24' }), right('10.2.0.0/24'));
  await until('converged', () => kernel('l').length === 1 && kernel('r').length === 1);
  const before = peersOf(l)[0];

  l.write(
    left({ originate: '10.1.0.0/24, 10.1.1.0/24', neighbors: ', { name: extra, address: 10.9.0.77, asn: 65077 }' }),
  );
  expect(l.cli('config', 'reload').status).toBe(0);
  await until('the new prefix arrives', () => kernel('r').length === 2);
  expect(peersOf(l).map((p) => p.name)).toEqual(['extra', 'right']);
  expect(peersOf(l).find((p) => p.name === 'right')).toMatchObject({
    flaps: before?.flaps,
    stateSince: before?.stateSince,
  });

  l.write(left({ originate: '10.1.0.0/33' }));
  const refused = l.cli('config', 'reload');
  expect(refused.status).not.toBe(0);
  expect(refused.out).toContain('10.1.0.0/33');
  l.hup();
  await until('SIGHUP refused it too', () => l.log().includes('reload refused'));
  expect(kernel('r')).toHaveLength(2);
  expect(peersOf(l).find((p) => p.name === 'right')).toMatchObject({ state: 'Established', flaps: before?.flaps });

  // A change that needs a reset is named before it happens, and resets that session only.
  l.write(`${left({ originate: '10.1.0.0/24' }).replace('connectRetry: 1', 'connectRetry: 1, holdTime: 33')}`);
  const named = l.cli('config', 'reload');
  expect(named.out).toMatch(/right/);
  expect(named.out).toMatch(/holdTime/);
  await until('the session came back', () => peersOf(r)[0]?.state === 'Established' && peersOf(r)[0]?.flaps === 1);
  await until('the dropped prefix is gone', () => kernel('r').length === 1);
  const lines = l.log().split('\n');
  const down = lines.filter((line) => line.includes('"session down"')).map((line) => JSON.parse(line));
  expect(down).toMatchObject([
    { peer: 'right', code: 'NOTIFICATION_SENT', reason: expect.stringContaining('holdTimeSec') },
  ]);
});

test('a foreign route with the same prefix survives add, change, withdrawal and restart of ours', async () => {
  namespaces.ip('r', 'route add 10.1.0.0/24 via 10.9.0.99 dev eth0 proto static');
  const foreign = '10.1.0.0/24 via 10.9.0.99 dev eth0 proto static';
  const there = (): boolean => namespaces.ip('r', 'route').includes(foreign);
  const [l, r] = await both(left({ originate: '10.1.0.0/24, 10.1.1.0/24' }), right('10.2.0.0/24'));
  await until('the other prefix is in', () => kernel('r').length === 1);
  const route = r.json<{ items: { prefix: string; kernel?: { state: string; reason?: { code: string } } }[] }>(
    'routes',
    '10.1.0.0/24',
  ).items[0];
  expect(route?.kernel?.reason?.code).toBe('FOREIGN_ROUTE_IN_THE_WAY');
  expect(there()).toBe(true);
  await r.stop('SIGTERM');
  await r.start();
  await up(r, 'left');
  expect(there()).toBe(true);
  l.write(left({ originate: '10.1.1.0/24' }));
  l.cli('config', 'reload');
  await until('withdrawn', () => r.cli('routes', '10.1.0.0/24').status === 4);
  expect(there()).toBe(true);
  // And when the foreign one goes, ours takes its place.
  l.write(left({ originate: '10.1.0.0/24, 10.1.1.0/24' }));
  l.cli('config', 'reload');
  namespaces.ip('r', 'route del 10.1.0.0/24 proto static');
  await until('ours is in', () => kernel('r').length === 2);
});

test('what could cut the node off is held with its reason, unless allowed by name', async () => {
  const [, r] = await both(
    left({ originate: '0.0.0.0/0, 10.9.0.0/25, 10.9.0.0/16, 10.1.0.0/24' }),
    right('10.2.0.0/24'),
  );
  await until('the harmless one is in', () => kernel('r').length === 1);
  expect(kernel('r')).toEqual(['10.1.0.0/24 via 10.9.0.1 dev eth0 proto bgp']);
  const codes = r
    .json<{ items: { prefix: string; kernel?: { reason?: { code: string } } }[] }>('routes')
    .items.filter((i) => i.kernel?.reason !== undefined)
    .map((i) => [i.prefix, i.kernel?.reason?.code]);
  expect(codes.map(([p]) => p).sort()).toEqual(['0.0.0.0/0', '10.9.0.0/16', '10.9.0.0/25']);
  r.write(right('10.2.0.0/24', 'kernel: { allow: [0.0.0.0/0] }'));
  expect(r.cli('config', 'reload').status).toBe(0);
  await until('the default route is in', () => kernel('r').length === 2);
  expect(kernel('r')[1]).toBe('default via 10.9.0.1 dev eth0 proto bgp');
});

test('a neighbor that came by a reload is guarded as any other: no route may cover it', async () => {
  const [, r] = await both(left({ originate: '10.77.0.0/16, 10.78.0.0/16' }), right('10.2.0.0/24'));
  await until('both are in', () => kernel('r').length === 2);
  const more = 'neighbors:\n  - { name: left, address: 10.9.0.1, asn: 65001, connectRetry: 1 }';
  const held = () =>
    r
      .json<{ items: { prefix: string; kernel?: { reason?: { code: string } } }[] }>('routes')
      .items.flatMap((i) => (i.kernel?.reason === undefined ? [] : [`${i.prefix} ${i.kernel.reason.code}`]));
  r.write(`asn: 65002\nrouterId: 10.9.0.2\n${more}\n  - { name: far, address: 10.77.0.1, asn: 65009, multihop: 3 }`);
  expect(r.cli('config', 'reload').status).toBe(0);
  await until('it is held', () => held().length === 1);
  expect(held()).toEqual(['10.77.0.0/16 COVERS_PEER']);
  r.write(`asn: 65002\nrouterId: 10.9.0.2\n${more}`);
  expect(r.cli('config', 'reload').status).toBe(0);
  await until('it is in again', () => kernel('r').length === 2);
});

test('a session that goes down shows its reason and one log line with peer, code and duration', async () => {
  const [l, r] = await both(left({ originate: '10.1.0.0/24' }), right('10.2.0.0/24'));
  await r.stop('SIGKILL');
  const peer = await until('down', () => peersOf(l).find((p) => p.state !== 'Established'));
  expect(peer).toMatchObject({ name: 'right', flaps: 1 });
  const line = await until('logged', () =>
    l
      .log()
      .split('\n')
      .find((x) => x.includes('"session down"')),
  );
  expect(JSON.parse(line)).toMatchObject({ peer: 'right', code: 'TCP_CLOSED' });
  expect(JSON.parse(line).upForSec).toBeGreaterThanOrEqual(0);
});
