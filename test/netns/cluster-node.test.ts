// needs: root ip bird nft iptables
/** One daemon of a cluster beside the embedded store and a BIRD: what it creates, follows, tells, and leaves. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StatusView } from '../../src/control/views.ts';
import type { Resource } from '../../src/store/port.ts';
import { attempt, makeNamespaces, until } from '../support/namespaces.ts';
import {
  type Bird,
  cable,
  type EmbeddedStore,
  GINGHAM,
  type GinghamNode,
  httpIn,
  speakersIn,
} from '../support/speaker.ts';

const ns = makeNamespaces('gkn');
const speakers = speakersIn(ns);
const CALICO = '/apis/crd.projectcalico.org/v1';
const GINGHAM_CNI = path.join(path.dirname(GINGHAM), 'gingham-cni.cjs');
let store: EmbeddedStore;
let node: GinghamNode;
let bird: Bird;

const calico = (kind: string, name: string, spec: object): object => ({
  apiVersion: 'crd.projectcalico.org/v1',
  kind,
  metadata: { name },
  spec,
});
const KIND_OF: Readonly<Record<string, string>> = {
  configmaps: 'ConfigMap',
  nodes: 'Node',
  pods: 'Pod',
  secrets: 'Secret',
};
const create = (at: string, object: object): void => {
  const kind = KIND_OF[path.basename(at)];
  store.api('POST', at, kind === undefined ? object : { apiVersion: 'v1', kind, ...object });
};
const get = (at: string): Resource => store.api<Resource>('GET', at);
const status = (): StatusView => node.json<StatusView>('status');
const ready = () => httpIn(ns, 'n1', 'http://127.0.0.1:9099/readyz');
const isReady = (): boolean => ready().status === 200;
const sessions = (): readonly { name: string; state: string }[] =>
  node.json<{ items: { name: string; state: string }[] }>('peers').items;
const events = (): readonly { reason: string; involvedObject: { name: string }; message: string }[] =>
  store.api<{ items: never[] }>('GET', '/api/v1/events').items;
const codes = (): string[] => status().problems.map((p) => p.code);

const BIRD = (extra: string): string => `
log stderr all;
router id 10.9.0.2;
protocol device { }
protocol direct { ipv4; interface "eth0"; }
protocol static { ipv4; route 198.51.100.0/24 unreachable; }
protocol bgp gingham {
  local 10.9.0.2 as 65001;
  neighbor 10.9.0.1 as 64512;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  ${extra}
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}`;

beforeAll(async () => {
  cable(ns, 'n1', 'tor');
  store = speakers.store('tor', '10.9.0.2:6443');
  node = speakers.gingham(
    'n1',
    `cluster: { nodeName: n1, store: { server: http://10.9.0.2:6443 }, defaultPool: { ipipMode: Never } }
connectRetry: 1
health: { port: 9099 }
logLevel: debug`,
  );
  node.write(`cluster: { nodeName: n1, store: { server: http://10.9.0.2:6443 }, defaultPool: { ipipMode: Never } }
cni: { socket: ${node.folder}/cni.sock }
connectRetry: 1
health: { port: 9099 }`);
});
afterAll(async () => {
  await speakers.remove();
  ns.remove();
});

test('without an API at the start the daemon waits and says so: alive, not ready, and `status` answers', async () => {
  // A new namespace has the settings of the machine, whatever they are.
  ns.sh('n1', 'sysctl -qw net.ipv4.ip_forward=0');
  ns.sh('n1', 'iptables-nft -P FORWARD DROP && iptables-nft -N DOCKER-USER && iptables-nft -A FORWARD -j DOCKER-USER');
  await node.start();
  expect(httpIn(ns, 'n1', 'http://127.0.0.1:9099/livez')).toEqual({ status: 200, out: 'ok\n' });
  const { status: code, out } = ready();
  expect(code).toBe(503);
  expect(out).toContain('[-]daemon STARTING');
  await until('it says so', () => node.log().includes('the store does not answer'));
  expect(out).toMatch(/\[-\]store STORE_UNREACHABLE: http:\/\/10\.9\.0\.2:6443 cannot be reached/);
});

test('with the store there it creates ClusterInformation and the default pool of kubeadm’s podSubnet, and opens the node', async () => {
  await store.start();
  create('/api/v1/namespaces/kube-system/configmaps', {
    metadata: { name: 'kubeadm-config' },
    data: { ClusterConfiguration: 'networking: { podSubnet: 10.99.0.0/16 }' },
  });
  create('/api/v1/nodes', { metadata: { name: 'n1' }, status: {} });
  store.api('PATCH', '/api/v1/nodes/n1/status', {
    status: {
      addresses: [{ type: 'InternalIP', address: '10.9.0.1' }],
      conditions: [
        { type: 'NetworkUnavailable', status: 'True' },
        { type: 'Ready', status: 'False' },
      ],
    },
  });
  await until('the node is ready', isReady, 60_000);
  expect(get(`${CALICO}/clusterinformations/default`).spec).toMatchObject({ datastoreReady: true });
  expect(get(`${CALICO}/ippools/default-ipv4-ippool`).spec).toMatchObject({
    cidr: '10.99.0.0/16',
    ipipMode: 'Never',
    natOutgoing: true,
    blockSize: 26,
  });
  await until('the condition is false', () => {
    const conditions = get('/api/v1/nodes/n1').status?.conditions as {
      type: string;
      status: string;
      reason?: string;
    }[];
    return conditions.some((c) => c.type === 'NetworkUnavailable' && c.status === 'False') && conditions.length === 2;
  });
  expect(get('/api/v1/nodes/n1').metadata.annotations).toMatchObject({
    'projectcalico.org/IPv4Address': '10.9.0.1/24',
  });
  expect(status().policy).toEqual({ enforced: false, ignored: 0 });
  expect(node.cli('status').out).toContain('NetworkPolicy is not enforced');
});

test('where FORWARD drops, two marked rules stand at its end', async () => {
  const chain = (): string[] => ns.sh('n1', 'iptables-nft -S FORWARD').trim().split('\n');
  await until('the rules are there', () => chain().length === 4);
  expect(chain()).toEqual([
    '-P FORWARD DROP',
    '-A FORWARD -j DOCKER-USER',
    '-A FORWARD -i cali+ -m comment --comment "gingham: pods forward" -j ACCEPT',
    '-A FORWARD -o cali+ -m comment --comment "gingham: pods forward" -j ACCEPT',
  ]);
});

test('a BGPPeer whose Secret is missing is held alone, told as an Event, in status and in the log; then it comes up', async () => {
  bird = await speakers.bird('tor', BIRD('password "s3cret"; ttl security on;'));
  create(`${CALICO}/bgppeers`, calico('BGPPeer', 'faulty', { peerIP: 'nonsense', asNumber: 65001 }));
  create(
    `${CALICO}/bgppeers`,
    calico('BGPPeer', 'tor', {
      peerIP: '10.9.0.2',
      asNumber: 65001,
      node: 'n1',
      ttlSecurity: 1,
      localWorkloadSelector: "app == 'router'",
      password: { secretKeyRef: { name: 'bgp', key: 'tor' } },
    }),
  );
  await until('status says so', () => codes().includes('SECRET_MISSING') && codes().includes('BGP_PEER_INVALID'));
  const told = await until('three Events', () => {
    const found = events().map((e) => `${e.reason} ${e.involvedObject.name}`);
    return found.length >= 3 && found;
  });
  expect([...told].sort()).toEqual(['BgpPeerInvalid faulty', 'FieldNotHonoured tor', 'SecretMissing tor']);
  expect(node.log()).toContain('bgppeers \\"tor\\": localWorkloadSelector has no effect');
  expect(node.log().split('localWorkloadSelector has no effect')).toHaveLength(2);
  expect(isReady()).toBe(true);
  expect(sessions()).toEqual([]);

  create('/api/v1/namespaces/gingham-system/secrets', {
    metadata: { name: 'bgp' },
    data: { tor: Buffer.from('s3cret\n').toString('base64') },
  });
  await until('the session is up', () => sessions()[0]?.state === 'Established', 30_000);
  expect(sessions()[0]?.name).toBe('tor');
  await until('BIRD has our block', () => bird.birdc('show', 'route').includes('10.99.'));
  await until('we have its route', () => ns.ip('n1', 'route').includes('198.51.100.0/24 via 10.9.0.2'));
});

test('a BGPPeer that changes takes effect, and one that is deleted ends its session and its routes', async () => {
  const change = (spec: object): void => void store.api('PATCH', `${CALICO}/bgppeers/tor`, { spec });
  change({ asNumber: 65099 });
  await until('the wrong AS ends it', () => sessions()[0]?.state !== 'Established');
  change({ asNumber: 65001 });
  await until('the right one brings it back', () => sessions()[0]?.state === 'Established', 30_000);
  store.api('DELETE', `${CALICO}/bgppeers/tor`);
  await until('no session', () => sessions().length === 0);
  await until('BIRD lost our block', () => !bird.birdc('show', 'route').includes('10.99.'));
  await until('we lost its route', () => !ns.ip('n1', 'route').includes('198.51.100.0/24'));
  store.api('DELETE', `${CALICO}/bgppeers/faulty`);
  await until('nothing is wrong any more', () => codes().length === 0);
});

test('listenPort and logSeverityScreen of the BGPConfiguration are followed live', async () => {
  create(
    `${CALICO}/bgpconfigurations`,
    calico('BGPConfiguration', 'default', { listenPort: 1790, logSeverityScreen: 'Debug' }),
  );
  const listening = (): string => ns.sh('n1', 'ss -Hltn');
  await until('1790 is listened on', () => listening().includes(':1790'));
  expect(listening()).not.toMatch(/:179\b/);
  store.api('DELETE', `${CALICO}/bgpconfigurations/default`);
  await until('179 is listened on again', () => /:179\b/.test(listening()) && !listening().includes(':1790'));
});

test('a Node that is deleted takes its peer along; its blocks stay, and that is said', async () => {
  create('/api/v1/nodes', {
    metadata: { name: 'n2', annotations: { 'projectcalico.org/IPv4Address': '10.9.0.9/24' } },
  });
  await until('a peer', () => sessions().some((p) => p.name === 'n2'));
  expect(isReady(), 'one dead node does not make this one unready').toBe(true);
  store.api('DELETE', '/api/v1/nodes/n2');
  await until('no peer', () => sessions().length === 0);
});

const cni = (
  command: string,
  pod: string,
): { exit: number | null; json: { code?: number; ips?: { address: string }[] } } => {
  const { status: exit, stdout } = spawnSync(process.execPath, [GINGHAM_CNI], {
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: `${pod}-0123456789abcdef`,
      CNI_NETNS: ns.path(pod),
      CNI_IFNAME: 'eth0',
      CNI_PATH: '/opt/cni/bin',
      CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
    },
    input: JSON.stringify({ cniVersion: '1.0.0', name: 'gingham', type: 'gingham', socket: `${node.folder}/cni.sock` }),
    encoding: 'utf8',
  });
  return { exit, json: stdout === '' ? {} : JSON.parse(stdout) };
};
const handles = (): string[] =>
  store.api<{ items: Resource[] }>('GET', `${CALICO}/ipamhandles`).items.map((h) => h.metadata.name);

test('a pod’s address is written onto its Pod object, and taken from it again', async () => {
  create('/api/v1/namespaces/default/pods', { metadata: { name: 'web' }, spec: { nodeName: 'n1' } });
  const added = cni('ADD', 'web');
  expect(added.exit, JSON.stringify(added.json)).toBe(0);
  const annotations = (): Readonly<Record<string, string>> =>
    get('/api/v1/namespaces/default/pods/web').metadata.annotations ?? {};
  const address = added.json.ips?.[0]?.address;
  await until('annotated', () => annotations()['cni.projectcalico.org/podIP'] === address);
  expect(annotations()).toEqual({
    'cni.projectcalico.org/podIP': address,
    'cni.projectcalico.org/podIPs': address,
    'cni.projectcalico.org/containerID': 'web-0123456789abcdef',
  });
  expect(cni('DEL', 'web').exit).toBe(0);
  await until('the address is gone', () => annotations()['cni.projectcalico.org/podIP'] === '');
});

test('with datastoreReady false no address is given or taken back; afterwards the release is done', async () => {
  expect(cni('ADD', 'locked').exit).toBe(0);
  store.api('PATCH', `${CALICO}/clusterinformations/default`, { spec: { datastoreReady: false } });
  await until('not ready', () => ready().out.includes('[-]cni DATASTORE_NOT_READY'));
  expect(cni('ADD', 'other').json.code).toBe(11);
  const before = handles();
  expect(cni('DEL', 'locked').exit).toBe(0);
  expect(handles()).toEqual(before);
  store.api('PATCH', `${CALICO}/clusterinformations/default`, { spec: { datastoreReady: true } });
  await until('ready', isReady);
  await until('released', () => !handles().some((h) => h.includes('locked')), 30_000);
});

test('the store is killed: pods and routes stay, DEL succeeds, and the release is done when it is back', async () => {
  expect(cni('ADD', 'stays').exit).toBe(0);
  expect(cni('ADD', 'goes').exit).toBe(0);
  const routes = ns.ip('n1', 'route');
  await store.stop('SIGKILL');
  await until('it is noticed', () => codes().includes('STORE_UNREACHABLE'), 30_000);
  expect(isReady()).toBe(true);
  expect(cni('DEL', 'goes').exit).toBe(0);
  expect(ns.ip('n1', 'route').split('\n').length).toBe(routes.split('\n').length - 1);
  await store.start();
  await until('released', () => !handles().some((h) => h.includes('goes')), 60_000);
  expect(handles().some((h) => h.includes('stays'))).toBe(true);
  expect(cni('DEL', 'stays').exit).toBe(0);
});

test('uninstall leaves routes, devices, rules and settings as they were before', async () => {
  await node.stop('SIGTERM');
  expect(ns.ip('n1', 'route')).toContain('blackhole 10.99.');
  const done = attempt(
    ...(['ip', 'netns', 'exec', ns.name('n1'), process.execPath, GINGHAM, 'uninstall'] as const),
    ...[
      '--state-dir',
      `${node.folder}/state`,
      '--run-dir',
      node.folder,
      '--conf-dir',
      node.folder,
      '--bin-dir',
      node.folder,
    ],
  );
  expect(done.status, done.out).toBe(0);
  expect(ns.ip('n1', 'route').trim()).toBe('10.9.0.0/24 dev eth0 proto kernel scope link src 10.9.0.1');
  expect(
    ns
      .ip('n1', '-br link')
      .split('\n')
      .filter(Boolean)
      .map((l) => l.split(/[ @]/)[0]),
  ).toEqual(['lo', 'eth0']);
  expect(ns.sh('n1', 'iptables-nft -S FORWARD').trim()).toBe('-P FORWARD DROP\n-A FORWARD -j DOCKER-USER');
  expect(ns.sh('n1', 'nft list tables')).not.toContain('gingham');
  expect(ns.sh('n1', 'sysctl -n net.ipv4.ip_forward net.ipv4.conf.default.forwarding')).toBe('0\n0\n');
});
