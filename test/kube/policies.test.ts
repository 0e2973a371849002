// needs: kube-apiserver kubectl openssl curl root ip bird
/** What BGPFilters, the annotation of the mesh and block origin validation do in a cluster with a real API server: two daemons,
 *  a BIRD outside that is a BGPPeer, and a BIRD that is a node of the mesh, as Calico's would be. */
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PeerView } from '../../src/control/views-of-peers.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { bridge, type Credentials, HUB, type KubeNode, kubeNodes } from '../support/kube-nodes.ts';
import { eventually } from '../support/lab.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';
import { type Bird, speakersIn } from '../support/speaker.ts';

const NODES = { n1: '172.30.0.11', n2: '172.30.0.12', n3: '172.30.0.13' } as const;
const RACK = '172.30.0.99';
const PATIENCE_MS = 60_000;
const base = new URL('../../deploy/base/', import.meta.url).pathname;
const namespaces = makeNamespaces('kp');
const speakers = speakersIn(namespaces);
const nodes = kubeNodes(namespaces);
const daemons: Partial<Record<'n1' | 'n2', KubeNode>> = {};
let api: KubeApi;
let rack: Bird;
let calico: Bird;
const blocks: Partial<Record<string, string>> = {};

const node = (name: string, address: string): string => `---
apiVersion: v1
kind: Node
metadata: { name: ${name}, labels: { kubernetes.io/hostname: ${name} } }
status: { addresses: [{ type: InternalIP, address: ${address} }] }
`;
const CLUSTER = `---
apiVersion: crd.projectcalico.org/v1
kind: IPPool
metadata: { name: pods }
spec: { cidr: 10.244.0.0/16, blockSize: 26, ipipMode: Never, vxlanMode: Never, nodeSelector: all() }
---
apiVersion: crd.projectcalico.org/v1
kind: BGPConfiguration
metadata: { name: default }
spec: { asNumber: 64512 }
---
apiVersion: crd.projectcalico.org/v1
kind: BGPFilter
metadata: { name: rack }
spec:
  importV4:
  - { cidr: 198.51.100.0/24, matchOperator: In, prefixLength: { min: 25, max: 32 }, action: Reject }
  - { cidr: 192.0.2.0/24, matchOperator: Equal, action: Reject }
  - { cidr: 203.0.113.0/24, matchOperator: Equal, interface: "tunl*", action: Reject }
  - { cidr: 203.0.113.0/24, matchOperator: Equal, interface: "eth?", action: Accept, operations: [{ addCommunity: { value: "65001:77" } }] }
  - { cidr: 0.0.0.0/0, matchOperator: NotIn, prefixLength: { max: 29 }, action: Reject }
  exportV4:
  - { source: RemotePeers, action: Reject }
---
apiVersion: crd.projectcalico.org/v1
kind: BGPPeer
metadata: { name: rack }
spec: { node: n1, peerIP: ${RACK}, asNumber: 65001, filters: [rack] }
`;

/** What the rack announces, and which of it the filter lets in. */
const OFFERED = {
  '198.51.100.0/24': true,
  '198.51.100.128/25': false,
  '192.0.2.0/24': false,
  '192.0.2.64/26': true,
  '203.0.113.0/24': true,
  '100.64.7.0/29': true,
  '192.0.2.128/30': false,
} as const;

/** A router behind the rack; it sends back what bears our own AS number. */
const FAR = '198.18.0.9';
const FAR_BIRD = `log stderr all;
router id ${FAR};
protocol device { }
protocol static { ipv4; route 100.70.0.0/24 unreachable; }
protocol bgp n1 {
  local ${FAR} as 65002; neighbor ${NODES.n1} as 64512; multihop;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; next hop self; export filter { bgp_path.prepend(64512); accept; }; };
}
`;
function behindTheRack(): void {
  namespaces.ip('rack', `link add far type veth peer name eth0 netns ${namespaces.name('far')}`);
  namespaces.ip('rack', 'addr add 198.18.0.1/24 dev far');
  namespaces.ip('rack', 'link set far up');
  namespaces.ip('far', `addr add ${FAR}/24 dev eth0`);
  namespaces.ip('far', 'link set eth0 up');
  namespaces.ip('far', 'route add default via 198.18.0.1');
  namespaces.sh('rack', 'sysctl -qw net.ipv4.ip_forward=1');
}

const bird = (router: string, as: number, statics: readonly string[], more: string): string => `log stderr all;
router id ${router};
protocol device { }
protocol direct { ipv4; interface "eth0"; }
protocol static { ipv4; ${statics.map((prefix) => `route ${prefix} unreachable;`).join(' ')} }
template bgp node {
  local ${router} as ${as};
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}
protocol bgp n1 from node { neighbor ${NODES.n1} as 64512; }
${more}`;

beforeAll(async () => {
  bridge(namespaces, { ...NODES, rack: RACK });
  api = await startKubeApi({ inside: { namespace: namespaces.name('hub'), address: HUB } });
  await api.createCrds();
  for (const file of ['namespace.yaml', 'rbac.yaml']) await api.kubectl('apply', '-f', path.join(base, file));
  const token = (await api.kubectl('create', 'token', 'gingham', '-n', 'gingham-system')).trim();
  const nodeObjects = Object.entries(NODES).map(([name, address]) => node(name, address));
  await api.feed(nodeObjects.join('') + CLUSTER, 'create');
  const credentials: Credentials = { server: api.server, token, ca: path.join(api.folder, 'ca.crt') };
  daemons.n1 = nodes.start('n1', credentials);
  daemons.n2 = nodes.start('n2', credentials, 'blockOrigin: reject');
  rack = await speakers.bird('rack', bird(RACK, 65001, Object.keys(OFFERED), ''));
  for (const name of ['n1', 'n2']) {
    await eventually(`the block of ${name}`, async () => (await affinityOf(name)) !== '', PATIENCE_MS);
    blocks[name] = await affinityOf(name);
  }
});
afterAll(async () => {
  await nodes.remove();
  await speakers.remove();
  await api?.stop();
  namespaces.remove();
});

const affinityOf = (name: string): Promise<string> =>
  api.kubectl(
    ...['get', 'blockaffinities.crd.projectcalico.org', '-o'],
    `jsonpath={.items[?(@.spec.node=="${name}")].spec.cidr}`,
  );
const daemon = (name: 'n1' | 'n2'): KubeNode => {
  const found = daemons[name];
  if (found === undefined) throw new Error(`${name} was not started`);
  return found;
};
const block = (name: string): string => blocks[name] ?? 'no block';
const routes = (place: string): string[] =>
  namespaces
    .ip(place, 'route')
    .split('\n')
    .map((line) => line.trim());
const hasRoute = (place: string, prefix: string, via: string): boolean =>
  routes(place).some((line) => line.startsWith(`${prefix} via ${via} `));
/** Prefixes that a BIRD has from one of its sessions. */
const heard = (by: Bird, protocol: string): string[] =>
  [...by.birdc('show', 'route', 'protocol', protocol).matchAll(/^(\d[\d./]+)/gm)]
    .map(([, prefix = '']) => prefix)
    .sort();
const patch = (kind: string, name: string, change: object): Promise<string> =>
  api.kubectl('patch', `${kind}.crd.projectcalico.org`, name, '--type=merge', '-p', JSON.stringify(change));
const peers = (name: 'n1' | 'n2'): readonly PeerView[] => {
  const answer: { readonly items: readonly PeerView[] } = JSON.parse(daemon(name).cli('peers', '-o', 'json').out);
  return answer.items;
};
/** Which session it is: another one has begun at another time. */
const sessionOf = (name: 'n1' | 'n2', peer: string): string => {
  const view = peers(name).find((p) => p.name === peer);
  return `${view?.state} since ${view?.stateSince}, ${view?.flaps} ended`;
};
const why = (name: 'n1' | 'n2', prefix: string): string => daemon(name).cli('why', prefix).out;

test('what a BGPPeer names decides by prefix, length and device what is taken, and by source what is told', async () => {
  const taken = Object.entries(OFFERED).filter(([, isTaken]) => isTaken);
  await until(
    'n1 has what the filter lets in',
    () => taken.every(([prefix]) => hasRoute('n1', prefix, RACK)),
    PATIENCE_MS,
  );
  for (const [prefix, isTaken] of Object.entries(OFFERED)) {
    expect([prefix, hasRoute('n1', prefix, RACK)]).toEqual([prefix, isTaken]);
    if (!isTaken) expect(why('n1', prefix)).toMatch(/BGPFilter\/rack#[125]/);
  }
  expect(daemon('n1').cli('routes', '203.0.113.0/24', '-o', 'json').out).toContain('65001:77');
  expect(daemon('n1').cli('routes', '192.0.2.64/26', '-o', 'json').out).not.toContain('65001:77');
  await until('the rack has the block of n1', () => heard(rack, 'n1').includes(block('n1')), PATIENCE_MS);
  await until('n1 has the block of n2', () => hasRoute('n1', block('n2'), NODES.n2), PATIENCE_MS);
  // Until everybody is heard, learned routes are told to nobody, whatever the filter says.
  await until('n1 waits for nobody', () => !why('n1', block('n2')).includes('RESTARTING'), PATIENCE_MS);
  expect(heard(rack, 'n1')).toEqual([block('n1')]);
  expect(why('n1', block('n2'))).toMatch(/BGPFilter\/rack#1/);
});

test('a changed BGPFilter is in force both ways within the same session', async () => {
  const before = sessionOf('n1', 'rack');
  await patch('bgpfilters', 'rack', {
    spec: { importV4: [{ cidr: '203.0.113.0/24', matchOperator: 'Equal', action: 'Reject' }], exportV4: [] },
  });
  await until(
    'what was kept out is in, and what was in is out',
    () => Object.keys(OFFERED).every((prefix) => hasRoute('n1', prefix, RACK) === (prefix !== '203.0.113.0/24')),
    PATIENCE_MS,
  );
  await until(
    'the rack is told of both blocks',
    () => [block('n1'), block('n2')].every((one) => heard(rack, 'n1').includes(one)),
    PATIENCE_MS,
  );
  expect(sessionOf('n1', 'rack')).toBe(before);
});

test('a BGPFilter that cannot be read is told on the object, and what it said before stays', async () => {
  const [before, table] = [sessionOf('n1', 'rack'), routes('n1')];
  await patch('bgpfilters', 'rack', {
    spec: { importV4: [{ cidr: '203.0.113.0/33', matchOperator: 'Equal', action: 'Reject' }] },
  });
  await eventually(
    'an Event names field, value and remedy',
    async () =>
      /Warning.*bgpfilter\/rack.*importV4\[0\]\.cidr is "203\.0\.113\.0\/33"\. Write an IPv4 prefix/.test(
        await api.kubectl('get', 'events', '-n', 'default'),
      ),
    PATIENCE_MS,
  );
  // The fault is still there when the next change comes.
  const another = { peerIP: '172.30.0.98', asNumber: 65002, node: 'n1' };
  const object = {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'BGPPeer',
    metadata: { name: 'absent' },
    spec: another,
  };
  await api.feed(JSON.stringify(object), 'create');
  await until('n1 knows the next peer', () => peers('n1').some((p) => p.name === 'absent'), PATIENCE_MS);
  expect(routes('n1')).toEqual(table);
  await patch('bgpfilters', 'rack', { spec: { importV4: [] } });
  await until('the mended one is in force', () => hasRoute('n1', '203.0.113.0/24', RACK), PATIENCE_MS);
  expect(sessionOf('n1', 'rack')).toBe(before);
});

test('prefixAdvertisements: blocks leave with communities by value and by name, and a fault is told', async () => {
  const before = sessionOf('n1', 'rack');
  const communities = [{ name: 'site', value: '65001:1:2' }];
  const advertise = (cidr: string, names: readonly string[]): Promise<string> =>
    patch('bgpconfigurations', 'default', {
      spec: { communities, prefixAdvertisements: [{ cidr, communities: names }] },
    });
  const said = (): string => rack.birdc('show', 'route', block('n1'), 'protocol', 'n1', 'all');
  await advertise('10.244.0.0/16', ['site', '65001:300']);
  await until('both are there', () => said().includes('(65001,300)') && said().includes('(65001, 1, 2)'), PATIENCE_MS);
  await advertise('10.244.0.0/16', ['nobody']);
  await eventually(
    'the name that is none is told',
    async () =>
      /Warning.*bgpconfiguration\/default.*prefixAdvertisements\[0\]\.communities\[0\] is "nobody"/.test(
        await api.kubectl('get', 'events', '-n', 'default'),
      ),
    PATIENCE_MS,
  );
  await advertise('10.99.0.0/16', ['site']);
  await until('they are gone', () => !/65001,/.test(said()), PATIENCE_MS);
  expect(sessionOf('n1', 'rack')).toBe(before);
});

test('a peer behind a gateway has the way that reachableBy names, and so have its routes; the object says timers and loops', async () => {
  behindTheRack();
  const far = await speakers.bird('far', FAR_BIRD);
  const spec = {
    ...{ node: 'n1', peerIP: FAR, asNumber: 65002, reachableBy: RACK, numAllowedLocalASNumbers: 1 },
    ...{ keepaliveTime: '5s', maxRestartTime: '77s' },
  };
  await api.feed(
    JSON.stringify({ apiVersion: 'crd.projectcalico.org/v1', kind: 'BGPPeer', metadata: { name: 'far' }, spec }),
    'create',
  );
  await until('the kernel has the way', () => hasRoute('n1', FAR, RACK), PATIENCE_MS);
  await until('the route of the peer goes there too', () => hasRoute('n1', '100.70.0.0/24', RACK), PATIENCE_MS);
  expect(far.birdc('show', 'protocols', 'all', 'n1')).toMatch(/Restart time: 77/);
  await patch('bgppeers', 'far', { spec: { numAllowedLocalASNumbers: 0 } });
  await until('our own AS number is a loop again', () => !hasRoute('n1', '100.70.0.0/24', RACK), PATIENCE_MS);
  expect(why('n1', '100.70.0.0/24')).toContain('AS_LOOP');
  await api.kubectl('delete', 'bgppeers.crd.projectcalico.org', 'far');
  await until('the way goes with the object', () => !hasRoute('n1', FAR, RACK), PATIENCE_MS);
  expect(daemon('n1').log()).not.toContain('no effect in this version');
});

/** Half of the block of n1, and a block that nobody holds. */
const STRAY = '10.244.255.192/26';
const half = (): string => block('n1').replace('/26', '/27');

test('filters that the annotation names hold for the mesh, both ways, and go with it', async () => {
  const mesh = `protocol bgp n2 from node { neighbor ${NODES.n2} as 64512; }`;
  calico = await speakers.bird('n3', bird(NODES.n3, 64512, [half(), STRAY, '100.99.0.0/24'], mesh));
  await until('n1 has what the BIRD of the mesh says', () => hasRoute('n1', '100.99.0.0/24', NODES.n3), PATIENCE_MS);
  await until('BIRD has both blocks', () => heard(calico, 'n1').includes(block('n1')), PATIENCE_MS);
  const before = sessionOf('n1', 'n3');
  const filter = {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'BGPFilter',
    metadata: { name: 'mesh' },
    spec: {
      importV4: [{ cidr: '100.64.0.0/10', matchOperator: 'In', action: 'Reject' }],
      exportV4: [{ action: 'Accept', operations: [{ addCommunity: { value: '64512:9' } }] }],
    },
  };
  await api.feed(JSON.stringify(filter), 'create');
  const annotate = (text: string): Promise<string> =>
    api.kubectl('annotate', '--overwrite', 'bgpconfigurations.crd.projectcalico.org', 'default', text);
  const marked = (): boolean => calico.birdc('show', 'route', 'protocol', 'n1', 'all').includes('(64512,9)');
  await annotate('gingham/mesh-filters=mesh');
  await until('import holds', () => !hasRoute('n1', '100.99.0.0/24', NODES.n3), PATIENCE_MS);
  await until('export holds', marked, PATIENCE_MS);
  expect(why('n1', '100.99.0.0/24')).toContain('BGPFilter/mesh#1');
  expect(sessionOf('n1', 'n3')).toBe(before);
  await annotate('gingham/mesh-filters=mesh, gone');
  await eventually(
    'a name without an object is told',
    async () =>
      /Warning.*bgpconfiguration\/default.*"gone", which does not exist/.test(
        await api.kubectl('get', 'events', '-n', 'default'),
      ),
    PATIENCE_MS,
  );
  await annotate('gingham/mesh-filters-');
  await until('all is as it was', () => hasRoute('n1', '100.99.0.0/24', NODES.n3) && !marked(), PATIENCE_MS);
  expect(sessionOf('n1', 'n3')).toBe(before);
});

test('with blockOrigin reject, a part of a block that another node holds is refused, and why says so', async () => {
  // Where origins are not judged, the more specific route wins: that is what the setting is for.
  await until('n1 believes it', () => hasRoute('n1', half(), NODES.n3), PATIENCE_MS);
  await until('n2 has the block where it belongs', () => hasRoute('n2', block('n1'), NODES.n1), PATIENCE_MS);
  await until('n2 has heard of both', () => why('n2', STRAY).includes(NODES.n3), PATIENCE_MS);
  expect(hasRoute('n2', half(), NODES.n3)).toBe(false);
  expect(why('n2', half())).toContain(`IPAM says block ${block('n1')} belongs to n1, not to n3`);
  expect(why('n2', half())).toContain('ORIGIN_INVALID');
  // Of what nobody holds, nothing can be said against it.
  expect(hasRoute('n2', STRAY, NODES.n3)).toBe(true);
});
