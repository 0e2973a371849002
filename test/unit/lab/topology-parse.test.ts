/** containerlab files: what is followed, how a node inherits, and every message for what is not as it should be. */
import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTopology } from '../../../src/lab/topology/parse.ts';
import type { Topology } from '../../../src/lab/topology/topology.ts';

const parsed = (text: string, env: Record<string, string> = {}) => {
  const result = parseTopology(text, env);
  if (!result.ok) throw new Error(result.error.join('\n'));
  return result.value;
};
const topologyOf = (text: string, env: Record<string, string> = {}): Topology => parsed(text, env).topology;
const faultsOf = (text: string): readonly string[] => {
  const result = parseTopology(text, {});
  return result.ok ? [] : result.error;
};
/** A topology of nodes that lack nothing; `nodes` are lines below topology.nodes. */
const around = (nodes: string, links = ''): string =>
  `name: t\ntopology:\n  defaults: { kind: linux, image: x, entrypoint: sleep infinity }\n  nodes:\n${nodes}\n${links && `  links:\n${links}`}`;

test('the mesh of this repository is two Ginghams, a BIRD, and a bridge inside a fourth node', () => {
  const file = new URL('../../../containerlab/mesh-bird/mesh-bird.clab.yml', import.meta.url);
  const { topology, notes } = parsed(fs.readFileSync(file, 'utf8'));
  expect(topology.name).toBe('mesh-bird');
  expect(topology.nodes.map((n) => [n.name, n.network, n.command.join(' '), n.binds[0]?.source])).toEqual([
    ['gingham1', 'gingham1', 'gingham node --config /etc/gingham/gingham.yaml', 'gingham1/gingham.yaml'],
    ['gingham2', 'gingham2', 'gingham node --config /etc/gingham/gingham.yaml', 'gingham2/gingham.yaml'],
    ['bird3', 'bird3', 'bird -f -c /etc/bird/bird.conf -s /run/bird/bird.ctl', 'bird3/bird.conf'],
    ['sw', 'sw', 'sleep infinity', undefined],
  ]);
  expect(topology.bridges).toEqual([{ name: 'br0|sw', device: 'br0', network: 'sw' }]);
  expect(topology.links[0]).toEqual({
    ends: [
      { node: 'gingham1', device: 'eth1' },
      { node: 'br0|sw', device: 'gingham1' },
    ],
    mtu: 1500,
  });
  expect(notes).toEqual([
    'mgmt is ignored: there is no management network.',
    "topology.defaults.image-pull-policy is ignored: no image is pulled: this machine's system is the image.",
    'topology.defaults.restart-policy is ignored: a node that ends stays ended, and its links stay.',
    'topology.defaults.privileged is ignored: a node is root in namespaces of its own.',
    'topology.defaults.cap-add is ignored: a node is root in namespaces of its own.',
  ]);
});

describe('inheritance', () => {
  const text = `
name: t
topology:
  defaults: { kind: linux, image: d, entrypoint: sleep 1, binds: [a:/a, b:/b], exec: [echo d, echo all], env: { A: d, B: d } }
  kinds: { linux: { image: k, cmd: k, exec: [echo k], env: { B: k, C: k } } }
  groups: { g: { cmd: g, binds: ["c:/b:ro"], exec: [echo g, echo all], sysctls: { net.ipv4.ip_forward: 0 } } }
  nodes:
    own: { group: g, cmd: own, exec: [echo own], env: { C: own, N: 1 } }
    plain:
`;
  const [own, plain] = topologyOf(text).nodes;

  test('one value: node over group over kind over defaults', () => {
    expect(own?.command).toEqual(['sleep', '1', 'own']);
    expect(plain?.command).toEqual(['sleep', '1', 'k']);
  });
  test('lists: from the defaults to the node, no line twice', () => {
    expect(own?.exec.map((words) => words[1])).toEqual(['d', 'all', 'k', 'g', 'own']);
  });
  test('binds: the last for a destination', () => {
    expect(own?.binds).toEqual([
      { source: 'a', target: '/a', readOnly: false },
      { source: 'c', target: '/b', readOnly: true },
    ]);
  });
  test('maps merge, and numbers become text', () => {
    expect(own?.env).toEqual({ A: 'd', B: 'k', C: 'own', N: '1' });
    expect(own?.sysctls).toEqual({ 'net.ipv4.ip_forward': '0' });
    expect(plain?.sysctls).toEqual({});
  });
});

describe('text', () => {
  test('variables of the environment expand, with a value otherwise; one that is not set stays, and $$ is a dollar', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the file's own syntax
    const [node] = topologyOf(around("    n: { cmd: 'a $X ${X} ${Y:-y} ${X:-n} $Y $$X $1' }"), { X: '7' }).nodes;
    expect(node?.command.slice(2)).toEqual(['a', '7', '7', 'y', '7', '$Y', '$X', '$1']);
  });
  test("__clabNodeName__ is the node's name in binds, exec, env and commands", () => {
    const [node] = topologyOf(
      around(
        '    n1: { cmd: __clabNodeName__, binds: ["__clabNodeName__/f:/f"], exec: [echo __clabNodeName__], env: { N: __clabNodeName__ } }',
      ),
    ).nodes;
    expect(node).toMatchObject({
      command: ['sleep', 'infinity', 'n1'],
      binds: [{ source: 'n1/f' }],
      exec: [['echo', 'n1']],
      env: { N: 'n1' },
    });
  });
  test('a line is words, not a shell: quotes keep together, nothing else has a meaning', () => {
    const [node] = topologyOf(around(`    n: { exec: ["sh -c 'echo \\"a  b\\" > /x'", 'a\\ b "c\\"d" ""'] }`)).nodes;
    expect(node?.exec).toEqual([
      ['sh', '-c', 'echo "a  b" > /x'],
      ['a b', 'c"d', ''],
    ]);
  });
  test("a link without an MTU has containerlab's 9500", () => {
    const links = '    - endpoints: ["a:eth1", "b:eth1"]';
    expect(topologyOf(around('    a:\n    b:', links)).links[0]?.mtu).toBe(9500);
  });
});

test('every fault of a topology is named at once, with its path, its value and what to do', async () => {
  const text = `
name: t
prefix: x
hosts: 1
topology:
  defaults: { image: x, entrypoint: sleep infinity, labels: { a: b } }
  knids: {}
  nodes:
    "a b": { kind: linux }
    r1: { kind: linux, group: nobody, stages: { create: {} }, exce: [x], exec: ["echo 'x"], network-mode: host }
    r2: { kind: linux, env: [a], sysctls: { kernel.pid_max: 1 }, binds: [/x, "a:b", "a:/proc/x", "a:/b:z"] }
    r3: { kind: srl, startup-config: x }
    r4: {}
    "bridge-with-a-long-name": { kind: bridge }
    "br0|r2": { kind: bridge, network-mode: "container:r1" }
    br1: { kind: bridge, network-mode: "container:r9" }
    r5: { kind: linux, entrypoint: "" }
  links:
    - endpoints: ["r1:eth1"]
    - endpoints: ["r1:eth1", "r22:eth1"]
    - endpoints: ["r1:eth1", "r2:eth0"]
    - endpoints: ["r1", "host:eth9"]
    - endpoints: ["r2:an-interface-too-long", "r2:eth3"]
    - { endpoints: ["r2:eth4", "r2:eth5"], mtu: 20 }
    - { type: veth, endpoints: [] }
    - eth1
`;
  await expect(faultsOf(text).join('\n')).toMatchFileSnapshot('golden/topology-faults.txt');
});

test('a node without an image, and one without a command, are named: nothing is pulled that could have one', () => {
  const faults = faultsOf('name: t\ntopology: { nodes: { n: { kind: linux } } }');
  expect(faults).toEqual([
    'topology.nodes.n.image: is missing. containerlab takes no node of kind linux without one.',
    "topology.nodes.n: has neither entrypoint nor cmd. No image is pulled here that could have one: write the node's.",
  ]);
});

test.each([
  ['', 'a topology is a map with name and topology, and this is none.'],
  ['[1]', 'a topology is a map with name and topology, and this is none.'],
  ['name: t', 'topology: is missing. It holds nodes and links.'],
  ['name: t\ntopology: { nodes: }', 'topology.nodes: is empty.'],
  ['topology: { nodes: { "br|x": { kind: bridge } } }', 'name: is missing. It names the lab.'],
  ['name: {{ .x }}', 'it holds "{{": a template.'],
  ['name: [', 'not YAML: '],
  ['a: &a [*a, *a]', 'a: no such field here'],
  [
    'constructor: 1\nname: t\ntopology: { nodes: { n: { toString: 1, kind: linux } } }',
    'n.toString: no such field here',
  ],
  [`a: &a [${'x,'.repeat(9)}]\nb: &b [${'*a,'.repeat(99)}]\nc: [${'*b,'.repeat(99)}]`, 'not YAML that can be read'],
])('%s is refused with a sentence', (text, fault) => {
  expect(faultsOf(text).join('\n')).toContain(fault);
});

test('two links may use the same device name in different nodes, and one bridge port each', () => {
  const nodes =
    '    a:\n    b:\n    sw: { network-mode: none }\n    "br0|sw": { kind: bridge, network-mode: "container:sw" }';
  const ok = '    - endpoints: ["a:eth1", "br0|sw:p1"]\n    - endpoints: ["b:eth1", "br0|sw:p2"]';
  expect(faultsOf(around(nodes, ok))).toEqual([]);
  // A bridge's ports are devices of the node it is in.
  const twice = '    - endpoints: ["a:eth1", "br0|sw:p1"]\n    - endpoints: ["b:eth1", "sw:p1"]';
  expect(faultsOf(around(nodes, twice))).toEqual([
    'topology.links[1].endpoints: "sw:p1": the device is taken by topology.links[0].',
  ]);
});
