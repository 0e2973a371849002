import fs from 'node:fs';
import { expect, test } from 'vitest';
import { formatIp, formatIpPrefix } from '../../../src/base/ip.ts';
import { formatIpv4, ipv4 } from '../../../src/base/ipv4.ts';
import { formatFault, formatFaults } from '../../../src/config/format.ts';
import type { NodeConfig } from '../../../src/config/node-config.ts';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { EBGP_WITHOUT_POLICY, REJECT_ALL } from '../../../src/model/policy.ts';

const golden = (name: string): URL => new URL(`golden/${name}`, import.meta.url);

function valid(text: string): NodeConfig {
  const parsed = parseNodeConfig(text, 'node.yaml');
  if (!parsed.ok) throw new Error(formatFaults(parsed.error, 'node.yaml'));
  return parsed.value;
}
function faults(text: string): string[] {
  const parsed = parseNodeConfig(text, 'node.yaml');
  return parsed.ok ? [] : parsed.error.map((f) => formatFault(f, 'node.yaml'));
}

test('an empty file is a node with every default', () => {
  expect(valid('')).toEqual({
    path: 'node.yaml',
    asn: 64512,
    listen: { address: 0, port: 179 },
    holdTimeSec: 90,
    connectRetrySec: 5,
    ebgpRequiresPolicy: false,
    families: ['ipv4-unicast'],
    gracefulRestart: { restartTimeSec: 120 },
    logLevel: 'info',
    control: { socket: '/run/gingham/control.sock' },
    stateDir: '/var/lib/gingham',
    kernel: { install: true, protocol: 186, table: 254, allow: [] },
    originate: [],
    neighbors: [],
    dynamicNeighbors: [],
    maxPaths: { ebgp: 1, ibgp: 1 },
    preferOlder: false,
  });
});

test('with ebgpRequiresPolicy an eBGP neighbor without a policy has none (RFC 8212); one of our AS needs none', () => {
  const { neighbors } = valid(`
asn: 65001
ebgpRequiresPolicy: true
neighbors:
  - { address: 10.9.0.2, asn: 65002 }
  - { address: 10.9.0.3, asn: 65003, import: all, export: none }
  - { address: 10.9.0.4, asn: 65001 }
`);
  const policies = neighbors.map((p) => [p.importPolicy ?? 'all', p.exportPolicy ?? 'all']);
  expect(policies).toEqual([
    [EBGP_WITHOUT_POLICY, EBGP_WITHOUT_POLICY],
    ['all', REJECT_ALL],
    ['all', 'all'],
  ]);
});

test('JSON and YAML of the same settings are the same configuration', () => {
  const yaml = valid(`
asn: 65001
routerId: 10.9.0.1
listen: { address: 127.0.0.1, port: 1179 }
originate: [10.1.0.0/24]
kernel: { install: false, allow: [0.0.0.0/0] }
neighbors:
  - { name: rack1, address: 10.9.0.2, asn: 65002, password: "s3cret" }
`);
  const json = valid(
    JSON.stringify(
      {
        asn: 65001,
        routerId: '10.9.0.1',
        listen: { address: '127.0.0.1', port: 1179 },
        originate: ['10.1.0.0/24'],
        kernel: { install: false, allow: ['0.0.0.0/0'] },
        neighbors: [{ name: 'rack1', address: '10.9.0.2', asn: 65002, password: 's3cret' }],
      },
      null,
      '\t',
    ),
  );
  expect(json).toEqual(yaml);
  expect(yaml.originate.map(formatIpPrefix)).toEqual(['10.1.0.0/24']);
  expect(formatIpv4(yaml.routerId ?? 0)).toBe('10.9.0.1');
});

test("a neighbor inherits the node's timers and graceful restart unless it has its own", () => {
  const config = valid(`
asn: 65001
holdTime: 30
connectRetry: 2
gracefulRestart: { restartTime: 60 }
neighbors:
  - { address: 10.9.0.2, asn: 65001 }
  - { name: b, address: 10.9.0.3, asn: 65002, holdTime: 0, gracefulRestart: false, nextHop: keep }
`);
  expect(config.neighbors).toEqual([
    {
      name: '10.9.0.2',
      kind: 'file',
      configuredBy: 'neighbors of node.yaml',
      address: 0x0a090002,
      port: 179,
      asn: 65001,
      localAsn: 65001,
      passive: false,
      holdTimeSec: 30,
      connectRetrySec: 2,
      gracefulRestart: { restartTimeSec: 60 },
      localPref: 100,
      nextHop: 'auto',
      transit: false,
    },
    {
      name: 'b',
      kind: 'file',
      configuredBy: 'neighbors of node.yaml',
      address: 0x0a090003,
      port: 179,
      asn: 65002,
      localAsn: 65001,
      passive: false,
      holdTimeSec: 0,
      connectRetrySec: 2,
      localPref: 100,
      nextHop: 'keep',
      transit: false,
    },
  ]);
});

test("gracefulRestart: true of a neighbor is the full 120 s when the node's is off", () => {
  const config = valid('gracefulRestart: false\nneighbors: [{address: 10.9.0.2, asn: 1, gracefulRestart: true}]');
  expect(config.gracefulRestart).toBeUndefined();
  expect(config.neighbors[0]?.gracefulRestart).toEqual({ restartTimeSec: 120 });
});

test('a node of a cluster has protocol 12, a CNI socket and the LOCAL_PREF of the mesh', () => {
  const config = valid('cluster: { nodeName: node1, store: { server: "http://192.168.34.1:6443/" } }');
  expect(config.kernel.protocol).toBe(12);
  expect(config.cni).toEqual({ socket: '/run/gingham/cni.sock' });
  expect(config.cluster).toEqual({
    nodeName: 'node1',
    store: { server: 'http://192.168.34.1:6443' },
    namespace: 'gingham-system',
    localPref: 2147482623,
    blockOrigin: 'warn',
    tunnel: { carrier: 'auto' },
  });
});

test('the store of a cluster is a URL, the API of our pod, or a kubeconfig: one of them', () => {
  const of = (store: string) => `cluster: { nodeName: n, store: ${store} }`;
  expect(valid(of('{ kubernetes: true }')).cluster?.store).toEqual({ kubernetes: true });
  expect(valid(of('{ kubeconfig: /etc/kubernetes/g.conf }')).cluster?.store).toEqual({
    kubeconfig: '/etc/kubernetes/g.conf',
  });
  expect(faults(of('{ kubeconfig: g.conf }'))).toEqual([
    'node.yaml:1: cluster.store.kubeconfig: g.conf is not an absolute path. Write the whole path, as /etc/g.conf.',
  ]);
  expect(faults(of('{ kubernetes: false }'))[0]).toContain('false is not true. Write true, or leave the line out.');
  expect(faults('cluster: { nodeName: n }')[0]).toContain('cluster.store: does not say where the API is.');
  expect(faults(of('{ kubernetes: true, server: http://a:1 }'))).toEqual([
    'node.yaml:1: cluster.store.kubernetes: is a second store beside server. Keep one of them.',
  ]);
});

test('the default pool: in a real cluster always, beside an embedded store only where it is written', () => {
  const of = (text: string) => valid(`cluster: { nodeName: n, ${text} }`).cluster?.defaultPool;
  const pool = { ipipMode: 'Always', vxlanMode: 'Never', natOutgoing: true, blockSize: 26 };
  expect(of('store: { kubernetes: true }')).toEqual(pool);
  expect(of('store: { server: http://a:1 }')).toBeUndefined();
  expect(of('store: { server: http://a:1 }, defaultPool: { blockSize: 27 }')).toEqual({ ...pool, blockSize: 27 });
  expect(of('store: { kubernetes: true }, defaultPool: { vxlanMode: CrossSubnet }')).toEqual({
    ...pool,
    ipipMode: 'Never',
    vxlanMode: 'CrossSubnet',
  });
  expect(
    faults(
      'cluster: { nodeName: n, store: { kubernetes: true }, defaultPool: { ipipMode: Always, vxlanMode: Always } }',
    ),
  ).toEqual([
    'node.yaml:1: cluster.defaultPool.vxlanMode: Always is a second encapsulation beside ipipMode Always. Set one of the two to Never.',
  ]);
});

test('health is served at 9099 for a kubelet, and elsewhere only where a port is written', () => {
  const of = (text: string) => valid(text).health;
  expect(of('cluster: { nodeName: n, store: { kubernetes: true } }')).toEqual({ port: 9099 });
  expect(of('cluster: { nodeName: n, store: { server: http://a:1 } }')).toBeUndefined();
  expect(of('asn: 65001')).toBeUndefined();
  expect(of('health: { port: 9100 }')).toEqual({ port: 9100 });
});

test('the namespace is that of our pod, unless the file names another', () => {
  const of = (text: string, POD_NAMESPACE: string | undefined) => {
    const parsed = parseNodeConfig(`cluster: { nodeName: n, store: { kubernetes: true }${text} }`, 'f', {
      POD_NAMESPACE,
    });
    return parsed.ok ? parsed.value.cluster?.namespace : undefined;
  };
  expect(of('', 'net')).toBe('net');
  expect(of('', undefined)).toBe('gingham-system');
  expect(of(', namespace: other', 'net')).toBe('other');
});

test('NODE_NAME of the environment stands for an absent cluster.nodeName, and only for that', () => {
  const parse = (text: string, NODE_NAME: string | undefined) => parseNodeConfig(text, 'node.yaml', { NODE_NAME });
  const name = (text: string, NODE_NAME: string | undefined): unknown => {
    const parsed = parse(text, NODE_NAME);
    return parsed.ok
      ? parsed.value.cluster?.nodeName
      : formatFaults(parsed.error, 'node.yaml').split('\n').at(1)?.trim();
  };
  const store = 'store: { kubernetes: true }';
  expect(name(`cluster: { ${store} }`, 'worker-1')).toBe('worker-1');
  expect(name(`cluster: { nodeName: own, ${store} }`, 'worker-1')).toBe('own');
  expect(name('asn: 65001', 'worker-1')).toBeUndefined();
  for (const absent of [undefined, ''])
    expect(name(`cluster: { ${store} }`, absent)).toBe(
      'node.yaml:1: cluster.nodeName: is missing. Write the name of our Node object, or set the environment variable NODE_NAME to it.',
    );
  expect(name(`cluster: { ${store} }`, 'a b')).toContain('cluster.nodeName: a b (from NODE_NAME) is not a name.');
});

test('cluster.localPref: legacy is 100, a number is itself', () => {
  const of = (v: string) =>
    valid(`cluster: { nodeName: n, store: { server: http://a:1 }, localPref: ${v} }`).cluster?.localPref;
  expect([of('legacy'), of('mesh'), of('250')]).toEqual([100, 2147482623, 250]);
});

test('a neighbor has an address of either family, with what its wire needs', () => {
  const [neighbor] = valid(
    'neighbors: [{ address: "fe80::2", asn: 65001, interface: eth0, localAddress: "FE80::1", ttlSecurity: 1 }]',
  ).neighbors;
  expect(neighbor).toMatchObject({ name: 'fe80::2', interface: 'eth0', ttlSecurity: 1 });
  expect(formatIp(neighbor?.localAddress ?? ipv4(0))).toBe('fe80::1');
  expect(valid('listen: { also: ["::", 10.9.0.1] }').listen.also?.map(formatIp)).toEqual(['::', '10.9.0.1']);
  expect(valid('neighbors: [{ address: 10.9.0.2, asn: 65001, ttl: 1 }]').neighbors[0]?.ttl).toBe(1);
});

test.each([
  ['address: "fe80::2%eth0"', 'names an interface. Write fe80::2 here, and interface: eth0 beside it.'],
  [
    'address: "fe80::2"',
    'is good on one link only (RFC 4291 2.5.6). Add interface: the device that the neighbor is on.',
  ],
  ['address: "2001:db8::2", localAddress: 10.9.0.1', 'localAddress: 10.9.0.1 is of another family than address.'],
  ['address: 10.9.0.2, ttl: 2, ttlSecurity: 1', 'ttl: is 255 with ttlSecurity (RFC 5082 3). Remove one of the two.'],
  ['address: "ff02::1"', 'address: ff02::1 is not a unicast address.'],
  ['address: "::ffff:10.9.0.2"', 'is not a unicast address.'],
  ['address: "2001:db8::/64"', 'is a prefix, not an address. Write it without its length: 2001:db8::.'],
  ['address: 10.9.0.2, interface: a/b', 'is no name of a network interface.'],
  ['address: 10.9.0.2, ttlSecurity: 0', 'is not a number of hops. Write a whole number from 1 to 255.'],
])('a neighbor with %s says what is wrong', (fields, text) => {
  expect(faults(`neighbors: [{ ${fields}, asn: 65001 }]`).join()).toContain(text);
});

test('every fault of a file is named at once, with line, path, value and remedy', async () => {
  const text = fs.readFileSync(golden('faulty.yaml'), 'utf8');
  const parsed = parseNodeConfig(text, 'faulty.yaml');
  const shown = parsed.ok ? 'no faults' : `${formatFaults(parsed.error, 'faulty.yaml')}\n`;
  await expect(shown).toMatchFileSnapshot(golden('faulty.txt').pathname);
});

test('a password is never shown, whatever is wrong with it', () => {
  const all = faults(
    'neighbors: [{address: 10.9.0.2, asn: 1, password: [hunter2]}, {address: 10.9.0.3, asn: 1, password: 4711}]',
  );
  expect(all).toHaveLength(2);
  expect(all.join()).not.toMatch(/hunter2|4711/);
});

test('an unknown setting names the one that was meant, also when it belongs elsewhere', () => {
  expect(faults('neighbours: []')).toEqual(['node.yaml:1: neighbours: is not a setting. Did you mean neighbors?']);
  expect(faults('hold_time: 30')).toEqual(['node.yaml:1: hold_time: is not a setting. Did you mean holdTime?']);
  expect(faults('nodeName: a')).toEqual(['node.yaml:1: nodeName: is not a setting. Did you mean cluster.nodeName?']);
});

test.each([
  ['a: [1,\nb: 2', 'node.yaml:2: is not YAML or JSON'],
  ['asn: 1\nasn: 2', 'node.yaml:2: is not YAML or JSON: Map keys must be unique'],
  ['- 1', 'node.yaml:1: - 1 is not a map of settings'],
  ['asn: 1\n---\nasn: 2', 'is not YAML or JSON: Source contains multiple documents'],
  ['just text', 'node.yaml:1: just text is not a map of settings'],
  ['constructor: 1', 'constructor: is not a setting'],
  [`asn: ${'9'.repeat(500)}`, 'asn: 999'],
])('%j is a fault and not an exception', (text, start) => {
  const [first] = faults(text);
  expect(first).toContain(start);
  expect(first?.length).toBeLessThan(300);
});

test('an anchor may be repeated by its alias', () => {
  expect(valid('holdTime: &t 30\nconnectRetry: *t').connectRetrySec).toBe(30);
});

test('a file of more than 1 MiB is refused without being parsed, and at most 100 faults are kept', () => {
  expect(faults(`# ${'x'.repeat(1 << 20)}`)[0]).toContain('Keep it below 1048576');
  expect(faults(Array.from({ length: 500 }, (_, i) => `x${i}: 1`).join('\n'))).toHaveLength(100);
});

test('a neighbor has what is written for it, and nothing else', () => {
  const { neighbors } = valid(`
asn: 65001
families: [ipv4-unicast, ipv6-unicast]
clusterId: 10.0.0.1
longLivedGracefulRestart: 3600
neighbors:
  - address: 2001:db8::2
    asn: 65002
    localAs: { asn: 65010, replaceAs: true }
    addPath: { receive: true, send: true, max: 4 }
    maxPrefixes: { limit: 100, action: drop }
    removePrivateAs: replace
    allowOwnAs: 1
    multihop: 3
    role: customer
    strictRole: true
    extendedMessages: true
    thirdPartyNextHop: true
    extendedNextHop: true
    med: keep
    withhold: [standard, large, extended, large]
    sendBlackhole: true
  - { address: 10.9.0.3, asn: 65001, routeReflectorClient: true, bfd: { interval: 100 }, families: [ipv4-unicast], gracefulRestart: false }
  - { address: 10.9.0.4, asn: 65001, bfd: true, maxPrefixes: 50 }
`);
  expect(neighbors[0]).toMatchObject({
    localAsn: 65010,
    localAs: { nodeAsn: 65001, noPrepend: false, replaceAs: true },
    addPath: { receive: true, send: true, max: 4 },
    maxPrefixes: { limit: 100, action: 'drop', warnPercent: 75, idleRestartSec: 300 },
    families: ['ipv4-unicast', 'ipv6-unicast'],
    longLivedGracefulRestart: { staleTimeSec: 3600 },
    removePrivateAs: 'replace',
    allowOwnAs: 1,
    multihop: 3,
    role: 'customer',
    strictRole: true,
    extendedMessages: true,
    thirdPartyNextHop: true,
    extendedNextHop: true,
    med: 'keep',
    withhold: ['extended', 'large', 'standard'],
    sendBlackhole: true,
  });
  for (const absent of ['thirdPartyNextHop', 'extendedNextHop', 'med', 'withhold', 'gracefulShutdown', 'sendBlackhole'])
    expect(Object.keys(neighbors[1] ?? {})).not.toContain(absent);
  expect(neighbors[1]).toMatchObject({ client: true, clusterId: 0x0a000001, bfd: { intervalMs: 100, multiplier: 3 } });
  expect(Object.keys(neighbors[1] ?? {})).not.toContain('families');
  expect(Object.keys(neighbors[1] ?? {})).not.toContain('longLivedGracefulRestart');
  expect(neighbors[2]).toMatchObject({ bfd: { intervalMs: 300, multiplier: 3 }, maxPrefixes: { limit: 50 } });
});

test('a range of neighbors has AS numbers, a limit, and settings as a neighbor', () => {
  const { dynamicNeighbors } = valid(`
asn: 65001
holdTime: 30
dynamicNeighbors:
  - { prefix: 10.9.0.0/16, asns: [65001, 64512-64999, "65100 - 65200"], limit: 7, import: none }
  - { prefix: 2001:db8::/32, asn: 65001 }
`);
  expect(dynamicNeighbors.map((r) => [formatIpPrefix(r.prefix), r.asns, r.limit])).toEqual([
    [
      '10.9.0.0/16',
      [
        { from: 65001, to: 65001 },
        { from: 64512, to: 64999 },
        { from: 65100, to: 65200 },
      ],
      7,
    ],
    ['2001:db8::/32', [{ from: 65001, to: 65001 }], 100],
  ]);
  expect(dynamicNeighbors[0]?.settings).toMatchObject({
    kind: 'dynamic',
    passive: true,
    holdTimeSec: 30,
    importPolicy: REJECT_ALL,
    configuredBy: 'dynamicNeighbors 10.9.0.0/16 of node.yaml',
  });
});

test('what is announced, and where it is listened, is of either family', () => {
  const { originate, listen } = valid("originate: [10.1.0.0/24, 2001:db8:1::/48]\nlisten: { address: '::' }");
  expect(originate.map(formatIpPrefix)).toEqual(['10.1.0.0/24', '2001:db8:1::/48']);
  expect(formatIp(listen.address)).toBe('::');
});
