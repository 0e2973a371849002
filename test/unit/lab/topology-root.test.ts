/** The script that gives a node its file system: a shell takes it, and names with quotes stay names. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { topologyPlan } from '../../../src/lab/topology/plan.ts';
import { rootScript } from '../../../src/lab/topology/root.ts';
import type { Topology } from '../../../src/lab/topology/topology.ts';

const SPEC = {
  hostname: 'r1',
  dir: '/run/lab/r1',
  binds: [],
  dist: '/x/dist',
  nodeModules: '/x/node_modules',
  nodeProgram: '/usr/bin/node',
};
const bind = (source: string, target: string, readOnly = false, isFolder = false) => ({
  source,
  target,
  readOnly,
  isFolder,
});

test('a shell can read it, with every kind of bind', () => {
  const binds = [bind("/a b/it's", '/etc/bird/bird.conf', true), bind('/d', '/data', false, true)];
  const { status, stderr } = spawnSync('sh', ['-n', '-c', rootScript({ ...SPEC, binds })], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('quotes in a path cannot end it', () => {
  const lines = rootScript({ ...SPEC, binds: [bind("/a'; rm -rf /; '", '/x')] }).split('\n');
  const mount = lines.find((line) => line.includes('rm -rf')) ?? '';
  const echoed = spawnSync('sh', ['-c', mount.replace('mount --bind', "printf '%s\\n'")], { encoding: 'utf8' });
  expect(echoed.stdout).toBe("/a'; rm -rf /; '\nroot/x\n");
});

test('a mount point inside an overlay is made in its upper layer, before the overlay is mounted', () => {
  const script = rootScript({ ...SPEC, binds: [bind('/c', '/etc/bird/bird.conf')] });
  const made = script.indexOf(": >'up/etc/bird/bird.conf'");
  expect(made).toBeGreaterThan(0);
  expect(made).toBeLessThan(script.indexOf('mount -t overlay'));
});

test('a bind below another comes after it, whatever their order in the file', () => {
  const script = rootScript({ ...SPEC, binds: [bind('/f', '/data/deep/f'), bind('/d', '/data', false, true)] });
  expect(script.indexOf("--bind '/d'")).toBeLessThan(script.indexOf("--bind '/f'"));
});

test('what a node runs decides how it is asked; a shared network namespace is the other node’s', () => {
  const node = (name: string, network: string, ...command: string[]) => ({
    ...{ name, network, command, binds: [], exec: [], env: {}, sysctls: {} },
  });
  const topology: Topology = {
    name: 't',
    nodes: [node('a', 'a', '/usr/sbin/bird', '-f'), node('b', 'b', 'gingham', 'node'), node('c', 'a', 'sleep')],
    bridges: [
      { name: 'br0|a', device: 'br0', network: 'a' },
      { name: 'br1', device: 'br1' },
    ],
    links: [],
  };
  const plan = topologyPlan(topology, '/labs/t/t.clab.yml', '/run/lab/t', '/run/netns');
  expect(plan.nodes.map((n) => [n.runs, n.controlSocket, n.netns, n.ownsNetns])).toEqual([
    ['bird', '/run/lab/t/a/bird/bird.ctl', '/run/netns/a', true],
    ['gingham', '/run/lab/t/b/gingham/control.sock', '/run/netns/b', true],
    ['linux', '/run/lab/t/c/gingham/control.sock', '/run/netns/a', false],
  ]);
  expect([plan.base, plan.netnsOf('br0|a'), plan.netnsOf('br1')]).toEqual(['/labs/t', '/run/netns/a', undefined]);
});
