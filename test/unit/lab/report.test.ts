import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { nsenterArgs } from '../../../src/lab/enter.ts';
import type { LabRecord } from '../../../src/lab/machine/registry.ts';
import { parseProtocols } from '../../../src/lab/mesh/bird-control.ts';
import { judge } from '../../../src/lab/mesh/cni-call.ts';
import { DEFAULT_LAB } from '../../../src/lab/mesh/options.ts';
import { labPlan } from '../../../src/lab/mesh/plan.ts';
import { type PingMatrix, silentPairs } from '../../../src/lab/tour/ping.ts';
import { countSessions, type MeshRow, meshLines, pingLines } from '../../../src/lab/tour/report.ts';
import { painter, stepLine, table, wantsColour } from '../../../src/lab/tour/steps.ts';

const plain = painter(false);
const { nodes } = labPlan(DEFAULT_LAB, '/run/x', '/run/netns');
const row = (i: number, ...states: [string, string][]): MeshRow => {
  const node = nodes[i];
  if (!node) throw new Error(`no node ${i}`);
  return { node, states: new Map(states) };
};
const UP = 'Established';

test('a session counts once, and only when both ends say that it is up', () => {
  const rows = [
    row(0, ['node2', UP], ['node3', UP]),
    row(1, ['node1', UP], ['node3', 'Active']),
    row(2, ['node1', UP], ['node2', 'Connect']),
  ];
  expect(countSessions(rows)).toEqual({ up: 2, wanted: 3 });
  expect(meshLines(rows, plain)).toEqual([
    '                         node1  node2    node3',
    '  node1  192.168.34.101  -      up       up',
    '  node2  192.168.34.102  up     -        Active',
    '  node3  192.168.34.103  up     Connect  -',
  ]);
});

const end = (name: string, netns?: string) => ({ name, address: ipv4(0x0af40001), ...(netns && { netns }) });

test('the pings are a matrix of milliseconds, and a missing answer is a word', () => {
  const a = end('web-1-1', '/x');
  const matrix: PingMatrix = {
    from: [a],
    to: [a, end('bird1')],
    answers: [[{ ms: 0.0412, ttl: 64 }, undefined]],
  };
  expect(pingLines(matrix, plain)).toEqual(['  ms       web-1-1  bird1', '  web-1-1  0.04     none']);
  expect(silentPairs(matrix)).toEqual(['web-1-1 -> bird1 (10.244.0.1)']);
});

test('a matrix too wide for a terminal is a line of sums for each pod, with the silent ones by name', () => {
  const ends = Array.from({ length: 20 }, (_, i) => end(`p${i}`, '/x'));
  const answers = ends.map((_, i) => ends.map((_, j) => (i === 0 && j === 7 ? undefined : { ms: 1.5, ttl: 62 })));
  const lines = pingLines({ from: ends, to: ends, answers }, plain);
  expect(lines).toHaveLength(20);
  expect(lines[0]).toBe('  p0   19 of 20 answered; silent: p7');
  expect(lines[1]).toBe('  p1   20 of 20 answered');
});

test('colour is for terminals, and NO_COLOR takes it away', () => {
  expect(wantsColour(true, {})).toBe(true);
  expect(wantsColour(false, {})).toBe(false);
  expect(wantsColour(true, { NO_COLOR: '1' })).toBe(false);
  expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
  expect(stepLine(plain, 120, 'store ready')).toBe('  0.12s  store ready');
});

test('columns align by what is seen, colour or not', () => {
  const paint = painter(true);
  const [first = '', second = ''] = table([
    [paint('green', 'up'), 'x'],
    ['down', 'x'],
  ]);
  expect(first.endsWith(`${' '.repeat(4)}x`)).toBe(true);
  expect(second).toBe('  down  x');
});

test("BIRD's sessions are read from its control protocol", () => {
  const text = `0001 BIRD 2.0.12 ready.
2002-Name       Proto      Table      State  Since         Info
1002-device1    Device     ---        up     16:00:00.123  
 node1      BGP        ---        up     16:00:01.123  Established   
 node2      BGP        ---        start  16:00:01.123  Active        Socket: Connection refused
0000 
`;
  expect([...parseProtocols(text)]).toEqual([
    ['node1', UP],
    ['node2', 'Active'],
  ]);
});

test('CNI code 11 means later, any other code is a failure with its text (CNI spec 5)', () => {
  expect(judge(0, '{"cniVersion":"1.0.0","ips":[{"address":"10.244.104.7/32"}]}', '')).toEqual({
    kind: 'added',
    address: '10.244.104.7',
  });
  expect(judge(1, '{"code":11,"msg":"not ready","details":"no block"}', '').kind).toBe('notYet');
  expect(judge(1, '{"code":101,"msg":"no address"}', '')).toEqual({
    kind: 'failed',
    text: 'CNI error 101: no address',
  });
  expect(judge(null, '', 'node: bad option').kind).toBe('failed');
});

const lab: LabRecord = {
  name: 'gingham',
  dir: '/run/x',
  pid: 4711,
  startTime: '1',
  user: 1000,
  userNamespace: true,
  ready: true,
  encap: 'ipip',
  startedAt: '',
  nodes: [{ name: 'node1', kind: 'gingham', address: '', socket: '', netns: '/run/netns/node1' }],
  pods: [],
};

test('exec enters the user namespace too where there is one, and the node by its pin behind the supervisor', () => {
  expect(nsenterArgs(lab, 'node1', '/tmp', ['ip', 'route'])?.join(' ')).toBe(
    '--target=4711 --user --preserve-credentials --mount --pid --net=/proc/4711/root/run/netns/node1 --wdns=/tmp -- ip route',
  );
  expect(nsenterArgs({ ...lab, userNamespace: false }, 'fabric', '/', ['ip'])?.join(' ')).toBe(
    '--target=4711 --mount --pid --net --wdns=/ -- ip',
  );
  expect(nsenterArgs(lab, 'node9', '/', ['ip'])).toBeUndefined();
});

test("birdc in a BIRD node finds that node's socket, unless one is named", () => {
  const bird: LabRecord['nodes'][number] = {
    name: 'bird1',
    kind: 'bird',
    address: '',
    socket: '/x/bird.ctl',
    netns: '/n',
  };
  const withBird = { ...lab, nodes: [bird] };
  const end = (command: string[]): string | undefined =>
    nsenterArgs(withBird, 'bird1', '/', command)?.join(' ').split(' -- ')[1];
  expect(end(['birdc', 'show', 'route'])).toBe('birdc -s /x/bird.ctl show route');
  expect(end(['birdc', '-s', '/y', 'show', 'route'])).toBe('birdc -s /y show route');
  expect(end(['ip', 'route'])).toBe('ip route');
});
