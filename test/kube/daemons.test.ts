// needs: kube-apiserver kubectl openssl curl root ip bird ping
/** Three daemons on a real API server with the service account and roles of deploy/, and a BIRD that BGPPeers come and go
 *  to. The API server is in a namespace of the test, on the bridge that the nodes are on. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';
import { bridge, HUB, type KubeNode, kubeNodes } from '../support/kube-nodes.ts';
import { eventually } from '../support/lab.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';
import { type Bird, speakersIn } from '../support/speaker.ts';

const NODES = { n1: '172.30.0.11', n2: '172.30.0.12', n3: '172.30.0.13' } as const;
const RACK = '172.30.0.99';
const PATIENCE_MS = 60_000;
const base = new URL('../../deploy/base/', import.meta.url).pathname;
const namespaces = makeNamespaces('kd');
const speakers = speakersIn(namespaces);
const nodes = kubeNodes(namespaces);
const daemons: KubeNode[] = [];
let api: KubeApi;
let token: string;
let lateKubeconfig: string;

const node = (name: string, address: string): string => `---
apiVersion: v1
kind: Node
metadata: { name: ${name}, labels: { kubernetes.io/hostname: ${name} } }
status: { addresses: [{ type: InternalIP, address: ${address} }] }
`;
const KUBEADM = `---
apiVersion: v1
kind: ConfigMap
metadata: { name: kubeadm-config, namespace: kube-system }
data:
  ClusterConfiguration: |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    networking: { podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/16 }
`;

beforeAll(async () => {
  bridge(namespaces, { ...NODES, rack: RACK });
  api = await startKubeApi({ inside: { namespace: namespaces.name('hub'), address: HUB } });
  await api.createCrds();
  for (const file of ['namespace.yaml', 'rbac.yaml']) await api.kubectl('apply', '-f', path.join(base, file));
  token = (await api.kubectl('create', 'token', 'gingham', '-n', 'gingham-system')).trim();
  await api.feed(
    Object.entries(NODES)
      .map(([name, address]) => node(name, address))
      .join('') + KUBEADM,
    'create',
  );
});
afterAll(async () => {
  await nodes.remove();
  await speakers.remove();
  await api?.stop();
  if (lateKubeconfig) fs.rmSync(path.dirname(lateKubeconfig), { recursive: true, force: true });
  namespaces.remove();
});

const base64 = (file: string): string => fs.readFileSync(file.trim()).toString('base64');
const routes = (place: string): string[] =>
  namespaces
    .ip(place, 'route')
    .split('\n')
    .map((line) => line.trim());
const get = async (kind: string, jsonpath: string): Promise<string[]> =>
  (await api.kubectl('get', `${kind}.crd.projectcalico.org`, '-o', `jsonpath={${jsonpath}}`))
    .split(' ')
    .filter(Boolean);
const birdState = (bird: Bird, protocol: string): string => bird.birdc('show', 'protocols', 'all', protocol);
const logs = (): string => daemons.map((d) => `--- ${d.name}\n${d.log()}`).join('\n');

test('three daemons make pool and cluster object, claim a block each, and route to the others through tunl0', async () => {
  const { kubeconfig } = api.kubeconfigFor('daemons', token);
  // The API server's folder goes with it.
  lateKubeconfig = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'gkc-')), 'kubeconfig');
  const inline = (text: string): string =>
    text
      .replace(/tokenFile: .*/, `token: ${token}`)
      .replace(/certificate-authority: (.*)/, (_, file: string) => `certificate-authority-data: ${base64(file)}`);
  fs.writeFileSync(lateKubeconfig, inline(fs.readFileSync(kubeconfig, 'utf8')));
  daemons.push(nodes.start('n1', { kubeconfig }), nodes.start('n2', { kubeconfig }));
  daemons.push(nodes.start('n3', { server: api.server, token, ca: path.join(api.folder, 'ca.crt') }));
  const others = (place: string): string[] => routes(place).filter((r) => / dev tunl0 proto bird onlink/.test(r));
  await until(
    'two routes on each node',
    () => Object.keys(NODES).every((n) => others(n).length === 2),
    PATIENCE_MS,
  ).catch((error) => {
    throw new Error(`${error}\n${logs()}`);
  });
  expect(await get('ippools', '.items[*].metadata.name')).toEqual(['default-ipv4-ippool']);
  expect(await get('ippools', '.items[*].spec.cidr')).toEqual(['10.244.0.0/16']);
  expect(await get('clusterinformations', '.items[*].spec.datastoreReady')).toEqual(['true']);
  const blocks = await get('ipamblocks', '.items[*].spec.cidr');
  expect((await get('ipamblocks', '.items[*].spec.affinity')).sort()).toEqual(['host:n1', 'host:n2', 'host:n3']);
  expect(blocks).toHaveLength(3);
  for (const [name, address] of Object.entries(NODES)) {
    const block = (await get('blockaffinities', `.items[?(@.spec.node=="${name}")].spec.cidr`))[0];
    expect(blocks).toContain(block);
    expect(routes(name)).toContain(`blackhole ${block} proto bird`);
    for (const other of Object.keys(NODES).filter((n) => n !== name))
      expect(others(other)).toContain(`${block} via ${address} dev tunl0 proto bird onlink`);
  }
  const tunnel = await api.kubectl(
    'get',
    'nodes',
    '-o',
    String.raw`jsonpath={.items[*].metadata.annotations.projectcalico\.org/IPv4IPIPTunnelAddr}`,
  );
  for (const address of tunnel.split(' ')) namespaces.sh('n1', `ping -c 1 -W 5 ${address}`);
});

test('all of it with the roles of deploy/: nothing was forbidden', () => {
  expect(
    logs()
      .split('\n')
      .filter((line) => /forbidden/i.test(line)),
  ).toEqual([]);
});

const PEER = (spec: string): string => `apiVersion: crd.projectcalico.org/v1
kind: BGPPeer
metadata: { name: rack }
spec: { peerIP: ${RACK}, asNumber: 65001, password: { secretKeyRef: { name: bgp, key: rack } }, ${spec} }
`;
const BIRD = `log stderr all;
router id ${RACK};
protocol device { }
protocol static { ipv4; route 203.0.113.0/24 unreachable; }
template bgp node {
  local ${RACK} as 65001;
  password "s3cret";
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  graceful restart off;
  ipv4 { import all; export where source = RTS_STATIC; };
}
protocol bgp n1 from node { neighbor ${NODES.n1} as 64512; }
protocol bgp n2 from node { neighbor ${NODES.n2} as 64512; }
`;

test('a BGPPeer waits for its Secret and says so, comes up with it, moves to another node, and goes', async () => {
  const bird = await speakers.bird('rack', BIRD);
  const established = (protocol: string): boolean => /BGP state:\s+Established/.test(birdState(bird, protocol));
  const hasRack = (place: string, via: string): boolean =>
    routes(place).some((r) => r.startsWith(`203.0.113.0/24 via ${via} `));

  // Created without its Secret: named on the object, and no session without the password that was meant.
  await api.feed(PEER('node: n1'), 'create');
  await eventually(
    'an Event names the missing Secret',
    async () => /Warning.*bgppeer\/rack.*(secret|Secret)/.test(await api.kubectl('get', 'events', '-n', 'default')),
    PATIENCE_MS,
  );
  expect(established('n1')).toBe(false);
  await api.kubectl('create', 'secret', 'generic', 'bgp', '-n', 'gingham-system', '--from-literal=rack=s3cret');
  await until('the session with n1 is up', () => established('n1'), PATIENCE_MS);
  const block = (await get('blockaffinities', '.items[?(@.spec.node=="n1")].spec.cidr'))[0] ?? '';
  await until(
    'BIRD has the block of n1',
    () => bird.birdc('show', 'route', 'protocol', 'n1').includes(block),
    PATIENCE_MS,
  );
  await until("n1 routes BIRD's prefix", () => hasRack('n1', RACK), PATIENCE_MS);
  expect(established('n2')).toBe(false);

  // Changed: the old session ends with a word, the new one begins.
  await api.kubectl('patch', 'bgppeers.crd.projectcalico.org', 'rack', '--type=merge', '-p', '{"spec":{"node":"n2"}}');
  await until('the session with n2 is up', () => established('n2'), PATIENCE_MS);
  await until('the session with n1 is over', () => !established('n1'), PATIENCE_MS);
  expect(birdState(bird, 'n1')).toMatch(/Last error:\s+Received: Peer de-configured/);
  await until(
    "n1 no longer routes BIRD's prefix to BIRD itself",
    () => !hasRack('n1', RACK) && hasRack('n2', RACK),
    PATIENCE_MS,
  );
  expect(bird.birdc('show', 'route', 'protocol', 'n1')).not.toContain(block);

  // A faulty one beside it is named, and harms nothing.
  await api.feed(PEER('node: n2').replace('name: rack', 'name: faulty').replace('65001', '0'), 'create');
  await eventually(
    'an Event names the faulty object',
    async () => /Warning.*bgppeer\/faulty.*asNumber/.test(await api.kubectl('get', 'events', '-n', 'default')),
    PATIENCE_MS,
  );
  expect(established('n2')).toBe(true);

  // Deleted.
  await api.kubectl('delete', 'bgppeers.crd.projectcalico.org', 'rack', 'faulty');
  await until('the session with n2 is over', () => !established('n2'), PATIENCE_MS);
  await until(
    'nobody routes it',
    () => Object.keys(NODES).every((n) => !routes(n).some((r) => r.includes('203.0.113.0/24'))),
    PATIENCE_MS,
  );
});

test('when the API server is gone the daemons say so and every route stays, also over a restart without it', async () => {
  const before = Object.keys(NODES).map(routes);
  await api.stop();
  for (const daemon of daemons)
    await until(`${daemon.name} says so`, () => daemon.log().includes('the store does not answer'), PATIENCE_MS);
  expect(Object.keys(NODES).map(routes)).toEqual(before);
  await daemons[0]?.stop('SIGTERM');
  const again = nodes.start('n1', { kubeconfig: lateKubeconfig });
  await until('it waits, and says for whom', () => again.log().includes('the store does not answer'), PATIENCE_MS);
  expect(again.log()).toContain(api.server);
  const status = again.cli('status');
  expect(status.out).toMatch(/cannot be reached/);
  expect(Object.keys(NODES).map(routes)).toEqual(before);
});
