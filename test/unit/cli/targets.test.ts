import { expect, test } from 'vitest';
import { resolveAlias } from '../../../src/cli/aliases.ts';
import { parseDuration } from '../../../src/cli/durations.ts';
import { type Chosen, chooseTargets, type LabOfTargets, type TargetsAsked } from '../../../src/cli/targets.ts';

const lab = (name: string): LabOfTargets => ({
  name,
  nodes: [
    { name: 'node1', kind: 'gingham', socket: `/${name}/1` },
    { name: 'node2', kind: 'gingham', socket: `/${name}/2` },
    { name: 'bird3', kind: 'bird', socket: `/${name}/3` },
  ],
});
const NOTHING: TargetsAsked = { socket: undefined, lab: undefined, node: undefined, environment: undefined };
const choose = (asked: Partial<TargetsAsked>, labs: readonly string[] = [], daemon = false): Chosen =>
  chooseTargets({ ...NOTHING, ...asked }, { socketExists: () => daemon, labs: () => labs.map(lab) });

test('without a word: the daemon of this machine, else the only lab with all its nodes', () => {
  expect(choose({})).toEqual({ many: false, targets: [{ socket: '/run/gingham/control.sock' }] });
  expect(choose({}, ['blue'])).toEqual({
    many: true,
    targets: [
      { node: 'node1', socket: '/blue/1' },
      { node: 'node2', socket: '/blue/2' },
    ],
  });
  expect(choose({}, ['blue'], true)).toEqual({
    many: false,
    targets: [{ socket: '/run/gingham/control.sock' }],
    hint: expect.stringContaining('--lab blue'),
  });
});

test('several labs need a name', () => {
  expect(() => choose({}, ['blue', 'red'])).toThrow('name one with --lab blue | red');
  expect(choose({ lab: 'red' }, ['blue', 'red']).targets).toHaveLength(2);
  expect(() => choose({ lab: 'green' }, ['blue'])).toThrow('there is no lab "green": running: blue');
});

test('a node is found in the only lab; all means all; a slip is answered with what was meant', () => {
  expect(choose({ node: 'node2' }, ['blue'], true)).toEqual({
    many: false,
    targets: [{ node: 'node2', socket: '/blue/2' }],
  });
  expect(choose({ node: 'all' }, ['blue']).many).toBe(true);
  expect(() => choose({ node: 'nod2' }, ['blue'])).toThrow('has no node "nod2". Did you mean node2?');
  expect(() => choose({ node: 'bird3' }, ['blue'])).toThrow('gingham lab exec bird3 birdc');
  expect(() => choose({ node: 'node1' })).toThrow('no lab is running');
});

test('--socket wins over $GINGHAM_SOCKET, and that over a lab', () => {
  expect(choose({ socket: '/a', environment: '/b' }, ['blue']).targets).toEqual([{ socket: '/a' }]);
  expect(choose({ environment: '/b' }, ['blue']).targets).toEqual([{ socket: '/b' }]);
  expect(choose({ environment: '/b', node: 'node1' }, ['blue']).targets).toEqual([
    { node: 'node1', socket: '/blue/1' },
  ]);
});

test.each([
  ['show ip bgp summary', 'peers'],
  ['show ip bgp sum', 'peers'],
  ['show bgp summary', 'peers'],
  ['show bgp ipv4 unicast summary', 'peers'],
  ['show ip bgp neighbors 10.9.0.2', 'peers 10.9.0.2'],
  ['show ip bgp 10.244.0.0/26', 'routes 10.244.0.0/26'],
  ['show route for 10.244.1.7', 'routes 10.244.1.7'],
  ['show route', 'routes'],
  ['show ip route 10.1.1.1 -o json', 'routes 10.1.1.1 -o json'],
  ['show protocols all', 'peers'],
  ['show blocks', 'blocks'],
  ['neighbor', 'peers'],
  ['neighbor node2', 'peers node2'],
  ['rib', 'routes'],
  ['global rib 10.1.1.1', 'routes 10.1.1.1'],
  ['help lab up', 'lab up --help'],
  ['peers node2', 'peers node2'],
  ['lab exec node1 show route', 'lab exec node1 show route'],
  ['ribs', 'ribs'],
])('"%s" is "%s"', (typed, ours) => {
  expect(resolveAlias(typed.split(' ')).argv.join(' ')).toBe(ours);
});

test('durations: 5s, 500ms, 1m, and a bare number is seconds', () => {
  expect(['5s', '500ms', '1m', '2', '0.5s'].map(parseDuration)).toEqual([5000, 500, 60_000, 2000, 500]);
  for (const wrong of ['', '0s', '-1s', 's', '2h', '99999m', '1e3s'])
    expect(() => parseDuration(wrong), wrong).toThrow('is not a duration');
});
