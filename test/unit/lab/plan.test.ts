import { expect, test } from 'vitest';
import { formatIpv4 } from '../../../src/base/ipv4.ts';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { birdConf } from '../../../src/lab/mesh/bird-conf.ts';
import { clusterObjects } from '../../../src/lab/mesh/cluster-objects.ts';
import { nodeYaml } from '../../../src/lab/mesh/node-yaml.ts';
import { DEFAULT_LAB, type LabOptions } from '../../../src/lab/mesh/options.ts';
import { type LabNode, type LabPlan, labPlan } from '../../../src/lab/mesh/plan.ts';

const plan = (options: Partial<LabOptions> = {}): LabPlan =>
  labPlan({ ...DEFAULT_LAB, ...options }, '/run/gingham-lab/gingham', '/run/netns');
const nodeOf = (p: LabPlan, name: string): LabNode => p.nodes.find((n) => n.name === name) as LabNode;

test('nodes have consecutive addresses of one subnet, BIRD nodes after ours', () => {
  const p = plan({ bird: 1 });
  expect(p.nodes.map((n) => [n.name, n.kind, n.address])).toEqual([
    ['node1', 'gingham', '192.168.34.101'],
    ['node2', 'gingham', '192.168.34.102'],
    ['node3', 'gingham', '192.168.34.103'],
    ['bird1', 'bird', '192.168.34.104'],
  ]);
});

test('pods are on our nodes only, and each container id is 64 hex digits of its own', () => {
  const p = plan({ bird: 1 });
  expect(p.pods.map((pod) => pod.name)).toEqual(['web-1-1', 'web-1-2', 'web-2-1', 'web-2-2', 'web-3-1', 'web-3-2']);
  expect(new Set(p.pods.map((pod) => pod.containerId)).size).toBe(6);
  for (const pod of p.pods) expect(pod.containerId).toMatch(/^[0-9a-f]{64}$/);
});

test('unix sockets of the longest allowed name fit into 107 bytes', () => {
  const options = { ...DEFAULT_LAB, name: 'a'.repeat(32), nodes: 10, bird: 10 };
  for (const dir of ['/run/gingham-lab', '/run/user/4294967294/gingham', '/tmp/gingham-4294967294']) {
    for (const node of labPlan(options, `${dir}/${options.name}`, '/run/netns').nodes) {
      expect(Math.max(node.controlSocket.length, node.cniSocket.length)).toBeLessThanOrEqual(107);
    }
  }
});

test("a node's file is one that the daemon's own parser takes without a fault", () => {
  const p = plan({ holdTimeSec: 9, restartTimeSec: 5 });
  const parsed = parseNodeConfig(nodeYaml(p, nodeOf(p, 'node2')), 'gingham.yaml');
  expect(parsed).toMatchObject({ ok: true });
  if (!parsed.ok) return;
  const config = parsed.value;
  expect(config.asn).toBe(64512);
  expect(config.holdTimeSec).toBe(9);
  expect(config.gracefulRestart).toEqual({ restartTimeSec: 5 });
  expect(config.cluster).toMatchObject({ nodeName: 'node2', store: { server: 'http://192.168.34.1:6443' } });
  expect(formatIpv4(config.cluster?.address ?? 0)).toBe('192.168.34.102');
  expect(config.kernel.protocol).toBe(12);
});

test('without graceful restart the file says so', () => {
  const p = plan({ gracefulRestart: false });
  const parsed = parseNodeConfig(nodeYaml(p, nodeOf(p, 'node1')), 'gingham.yaml');
  expect(parsed.ok && parsed.value.gracefulRestart).toBeUndefined();
});

test('the encapsulation is a mode of the pool, and only one mode is on', () => {
  const modes = (encap: LabOptions['encap']): unknown[] => {
    const pool = clusterObjects(plan({ encap })).find(({ kind }) => kind.plural === 'ippools');
    return [pool?.object.spec?.['ipipMode'], pool?.object.spec?.['vxlanMode']];
  };
  expect(modes('ipip')).toEqual(['Always', 'Never']);
  expect(modes('vxlan')).toEqual(['Never', 'Always']);
  expect(modes('none')).toEqual(['Never', 'Never']);
});

test('BIRD nodes have a pool of their own, without encapsulation, and no other node may use it', () => {
  const objects = clusterObjects(plan({ bird: 1 })).map(({ object }) => object);
  const pool = objects.find((o) => o.metadata.name === 'bird-ipv4-ippool');
  expect(pool?.spec).toMatchObject({ ipipMode: 'Never', vxlanMode: 'Never', nodeSelector: 'has(gingham.dev/bird)' });
  const usual = objects.find((o) => o.metadata.name === 'default-ipv4-ippool');
  expect(usual?.spec).toMatchObject({ nodeSelector: '!has(gingham.dev/bird)' });
});

test('a BIRD node peers with every other node, and announces its own block only', () => {
  const p = plan({ bird: 2, holdTimeSec: 9 });
  const text = birdConf(p, nodeOf(p, 'bird1'), '10.245.7.64/26');
  const peers = [...text.matchAll(/protocol bgp (\w+) from mesh \{ neighbor (\S+) as 64512; \}/g)];
  expect(peers.map((m) => m[1])).toEqual(['node1', 'node2', 'node3', 'bird2']);
  expect(text).toContain('route 10.245.7.64/26 blackhole;');
  expect(text).toContain('hold time 9;');
  expect(text).not.toContain('192.168.34.104 as 64512; }');
});
