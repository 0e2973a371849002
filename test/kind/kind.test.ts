/** A real cluster of three kind nodes whose only network is ours, in each encapsulation: what issue-free days look like, and
 *  what restarts, crashes and outages may not break. The cluster is deploy/kind's; between two encapsulations it is
 *  uninstalled, which is a test as well. GINGHAM_KIND_ENCAPS=vxlan,… narrows it; GINGHAM_KIND_KEEP=1 leaves it running and
 *  takes what runs: without it, a cluster that a run before left behind goes first. */
// needs: root docker kind kubectl tcpdump ping ip nft
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  beside,
  daemonOn,
  gingham,
  IMAGE,
  inNode,
  type KindNode,
  kubectl,
  kubectlTry,
  nodeSh,
  nodes,
  type Pod,
  parse,
  podExec,
  pods,
  podTry,
  run,
  script,
  until,
} from './cluster.ts';
import { removeSandbox } from './cri.ts';
import { pingPairs } from './ping.ts';
import { allocations, nodeState } from './snapshot.ts';

const NAMESPACE = 'gingham-proof';
const APP = ['-n', NAMESPACE] as const;
const TOP = new URL('../..', import.meta.url).pathname;
const BLOCK = String.raw`10\.244\.\d+\.\d+/26`;
const GATEWAY = String.raw`\d+\.\d+\.\d+\.\d+`;

interface Encapsulation {
  readonly overlay: string;
  readonly device: string | undefined;
  /** tcpdump's filter for pod packets between nodes. */
  readonly filter: string;
  /** What each line of that capture must show. */
  readonly onWire: RegExp;
  /** `ip route` of another node's block. */
  readonly route: RegExp;
  readonly overhead: number;
}

const ENCAPSULATIONS: readonly Encapsulation[] = [
  {
    overlay: 'ipip-always',
    device: 'tunl0',
    filter: 'ip proto 4',
    onWire: /IP \S+ > \S+: IP 10\.244\.\S+ > 10\.244\.\S+: ICMP/,
    route: new RegExp(`^${BLOCK} via ${GATEWAY} dev tunl0 proto bird onlink$`),
    overhead: 20,
  },
  {
    overlay: 'vxlan',
    device: 'vxlan.calico',
    filter: 'udp port 4789',
    onWire: /VXLAN|ICMP/,
    route: new RegExp(`^${BLOCK} via 10\\.244\\.\\d+\\.\\d+ dev vxlan\\.calico proto bird onlink$`),
    overhead: 50,
  },
  {
    overlay: 'no-encap',
    device: undefined,
    filter: 'icmp and net 10.244.0.0/16',
    onWire: /IP 10\.244\.\S+ > 10\.244\.\S+: ICMP/,
    route: new RegExp(`^${BLOCK} via ${GATEWAY} dev eth0 proto bird$`),
    overhead: 0,
  },
];
const asked = process.env['GINGHAM_KIND_ENCAPS']?.split(',');

let all: readonly KindNode[] = [];

const keep = process.env['GINGHAM_KIND_KEEP'] !== undefined;

beforeAll(async () => {
  // Docker starts the nodes of a run that was killed again with its engine, pools and pods of the former days in them.
  if (!keep) await script('down.sh');
  await script('cluster.sh');
  all = await nodes();
}, 1_800_000);

afterAll(async () => {
  if (!keep) await script('down.sh');
}, 120_000);

describe.each(ENCAPSULATIONS.filter((e) => asked === undefined || asked.includes(e.overlay)))('$overlay', (encap) => {
  let before: ReadonlyMap<string, readonly string[]>;
  let web: readonly Pod[] = [];
  const first = (): Pod => web[0] as Pod;
  const onOther = (pod: Pod): Pod => web.find((p) => p.node !== pod.node) as Pod;

  beforeAll(async () => {
    for (const node of all) await nodeSh(node, 'iptables -P FORWARD DROP');
    before = await states();
    await kubectlTry('create', '-k', 'deploy/crds');
    await kubectl('apply', '-k', `deploy/overlays/${encap.overlay}`);
    await rolledOut('gingham-system', 'daemonset/gingham');
    await kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s');
    await kubectl('-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=2');
    const proof = fs.readFileSync(`${TOP}/deploy/kind/proof.yaml`, 'utf8');
    await run('kubectl', ['apply', '-f', '-'], proof.replaceAll('IMAGE', IMAGE));
    await rolledOut(NAMESPACE, 'daemonset/web');
    await rolledOut('kube-system', 'deployment/coredns');
    web = await pods(NAMESPACE, 'app=web', all);
    expect(web).toHaveLength(3);
  }, 420_000);

  test('nodes are Ready by our configuration, and the network is said to be available', async () => {
    for (const node of all) {
      expect(await inNode(node.name, 'ls', '/etc/cni/net.d')).toBe('05-gingham.conflist\n');
      const condition = await kubectl(
        ...['get', 'node', node.name, '-o', 'jsonpath={.status.conditions[?(@.type=="NetworkUnavailable")].status}'],
      );
      expect(condition).toBe('False');
    }
  });

  test('pods on all pairs of nodes ping', async () => {
    for (const from of web)
      for (const to of web) {
        const { status, out } = await podTry(from, 'ping', '-n', '-c', '2', '-i', '0.2', '-W', '2', to.address);
        expect(status, `${from.node.name} -> ${to.node.name}: ${out}`).toBe(0);
      }
  });

  test('each node has one route to each other node, of the form of first light, and its own block as blackhole', async () => {
    for (const node of all) {
      const routes = (await nodeSh(node, 'ip route')).split('\n').map((l) => l.trim());
      expect(
        routes.filter((l) => encap.route.test(l)),
        routes.join('\n'),
      ).toHaveLength(2);
      expect(
        routes.some((l) => new RegExp(`^blackhole ${BLOCK} proto bird$`).test(l)),
        routes.join('\n'),
      ).toBe(true);
    }
  });

  test('packets between nodes are what the encapsulation says', async () => {
    const [from, to] = [first(), onOther(first())];
    const capture = beside('nsenter', [
      `--net=/proc/${from.node.pid}/ns/net`,
      ...['tcpdump', '-i', 'eth0', '-n', '-l', '-c', '6', encap.filter],
    ]);
    await until('tcpdump listens', async () => capture.said().includes('listening on'));
    await podTry(from, 'ping', '-n', '-c', '6', '-i', '0.2', to.address);
    await capture.ended;
    const lines = capture
      .said()
      .split('\n')
      .filter((l) => /^\d\d:/.test(l));
    expect(lines.length).toBeGreaterThanOrEqual(6);
    for (const line of lines) expect(line).toMatch(encap.onWire);
  });

  test('a packet of exactly the MTU passes unfragmented, and one byte more is refused', async () => {
    const [from, to] = [first(), onOther(first())];
    const link = await podTry(from, 'ip', '-o', 'link', 'show', 'eth0');
    const underlay = Number(/ mtu (\d+)/.exec(await nodeSh(from.node, 'ip -o link show eth0'))?.[1]);
    const mtu = Number(/ mtu (\d+)/.exec(link.out)?.[1]);
    expect(mtu).toBe(underlay - encap.overhead);
    const ping = (bytes: number) =>
      podTry(from, 'ping', '-n', '-c', '1', '-W', '2', '-M', 'do', '-s', String(bytes - 28), to.address);
    expect((await ping(mtu)).status).toBe(0);
    expect((await ping(mtu + 1)).status).not.toBe(0);
  });

  test('ClusterIP reaches every pod, the asking one too (hairpin), and the source stays the pod', async () => {
    const vip = (await kubectl(...APP, 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}')).trim();
    for (const pod of web) {
      const answers = await fetchOften(pod, `http://${vip}/`, 24);
      expect(new Set(answers.map((a) => a.split(' ')[1]))).toEqual(new Set(web.map((p) => p.name)));
      const elsewhere = answers.filter((a) => !a.startsWith(pod.node.name));
      for (const answer of elsewhere) expect(answer).toContain(`saw ${pod.address}`);
    }
  });

  test('cluster DNS resolves, and the name reaches the Service', async () => {
    for (const pod of web)
      expect((await fetchOften(pod, `http://web.${NAMESPACE}.svc.cluster.local/`, 1))[0]).toContain('saw');
  });

  test('NodePort and hostPort answer on every node, although FORWARD drops', async () => {
    for (const node of all) {
      expect(await nodeSh(node, 'iptables -S FORWARD | head -1')).toBe('-P FORWARD DROP\n');
      for (const port of [30080, 18080]) {
        const answer = await fetch(`http://${node.address}:${port}/`, { signal: AbortSignal.timeout(5000) });
        expect(await answer.text()).toContain('saw');
      }
    }
  });

  test("a pod's traffic to the host network wears the node's address", async () => {
    const gateway = /via (\S+)/.exec(await nodeSh(first().node, 'ip route show default'))?.[1] ?? '';
    const server = http.createServer((request, reply) => reply.end(`saw ${request.socket.remoteAddress}`));
    await new Promise<void>((up) => server.listen(0, gateway, up));
    try {
      const { port } = server.address() as AddressInfo;
      for (const pod of web)
        expect((await fetchOften(pod, `http://${gateway}:${port}/`, 1))[0]).toBe(`saw ${pod.node.address}`);
    } finally {
      server.close();
    }
  });

  test('30 pods made and deleted leave IPAM, handles and devices as they were', async () => {
    const wanted = await allocations(all);
    await kubectl(
      ...APP,
      'create',
      'deployment',
      'many',
      `--image=${IMAGE}`,
      '--replicas=30',
      '--',
      'sleep',
      'infinity',
    );
    await rolledOut(NAMESPACE, 'deployment/many');
    expect((await allocations(all)).length).toBeGreaterThanOrEqual(wanted.length + 90);
    await kubectl(...APP, 'patch', 'deployment', 'many', '--type=json', `-p=${NO_GRACE}`);
    await rolledOut(NAMESPACE, 'deployment/many');
    await kubectl(...APP, 'delete', 'deployment', 'many', '--wait');
    await kubectl(...APP, 'wait', '--for=delete', 'pod', '-l', 'app=many', '--timeout=120s');
    let now: readonly string[] = [];
    await until(
      'allocations are as before',
      async () => {
        now = await allocations(all);
        return difference(wanted, now).join('; ') || true;
      },
      30_000,
    );
  }, 300_000);

  test('a rolling restart loses no ping, no device, no route and no Ready', async () => {
    await undisturbed(async () => {
      await kubectl('-n', 'gingham-system', 'rollout', 'restart', 'daemonset/gingham');
      await rolledOut('gingham-system', 'daemonset/gingham');
    });
  }, 240_000);

  test('daemons killed with SIGKILL, one after the other, the same', async () => {
    await undisturbed(async () => {
      for (const node of all) {
        const former = await restarts();
        process.kill(daemonPid(node), 'SIGKILL');
        await until('the daemon was restarted', async () => (await restarts()) === former + 1, 120_000);
        await rolledOut('gingham-system', 'daemonset/gingham');
      }
    });
  }, 240_000);

  test('with the API server away pods ping on, and a sandbox removed meanwhile is released after', async () => {
    const manifest = '/etc/kubernetes/manifests/kube-apiserver.yaml';
    const control = all.find((n) => n.name.includes('control-plane')) as KindNode;
    const worker = all.find((n) => n !== control) as KindNode;
    await run('kubectl', ['apply', '-f', '-'], victim(worker));
    await kubectl(...APP, 'wait', '--for=condition=Ready', 'pod/victim', '--timeout=60s');
    const pings = pingPairs(web);
    let container = '';
    await inNode(control.name, 'mv', manifest, '/etc/kubernetes/kube-apiserver.yaml');
    try {
      await until('the API is away', async () => (await kubectlTry('get', '--raw', '/livez')).status !== 0);
      const awayAt = Date.now();
      container = await removeSandbox(worker, NAMESPACE, 'victim');
      await new Promise((on) => setTimeout(on, Math.max(0, 60_000 - (Date.now() - awayAt))));
    } finally {
      await inNode(control.name, 'mv', '/etc/kubernetes/kube-apiserver.yaml', manifest);
    }
    await until('the API is back', async () => (await kubectlTry('get', '--raw', '/readyz')).status === 0, 120_000);
    const { missing } = await pings.stop();
    expect(missing).toEqual([]);
    await until(
      'the address of the removed sandbox is released',
      async () => !(await allocations(all)).some((l) => l.includes(container.slice(0, 20))),
      120_000, // the queue's longest pause is a minute
    );
    await kubectl(...APP, 'delete', 'pod', 'victim', '--grace-period=0', '--force', '--ignore-not-found');
    await kubectl('wait', '--for=condition=Ready', 'nodes', '--all', '--timeout=60s');
  }, 360_000);

  test('the gingham command in a pod: peers, routes, blocks, pods, status', async () => {
    const node = first().node;
    expect(await gingham(node, 'peers')).toMatch(/Established/);
    for (const command of ['routes', 'blocks']) expect(await gingham(node, command)).toMatch(/10\.244\./);
    expect(await gingham(node, 'pods')).toContain(first().name);
    const status = await kubectlTry(
      ...['-n', 'gingham-system', 'exec', await daemonOn(node), '-c', 'gingham', '--', 'gingham', 'status'],
    );
    expect(status.out).toMatch(/not enforced/i);
  });

  test('uninstall waits for the pods of a node and lists them, and then leaves nothing behind', async () => {
    await kubectl('apply', '-k', 'deploy/uninstall');
    await until('a node lists its pods', async () => /are on our network/.test(await uninstallLogs()), 90_000);
    await kubectl('delete', 'namespace', NAMESPACE, '--wait');
    await kubectl('-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=0');
    for (const name of ['local-path-provisioner'])
      await kubectlTry('-n', 'local-path-storage', 'scale', `deployment/${name}`, '--replicas=0');
    await rolledOut('gingham-system', 'daemonset/gingham');
    const kept = new Map((await states()).entries());
    await kubectl('delete', '-k', 'deploy/uninstall', '--wait');
    for (const node of all) {
      expect(difference(before.get(node.name) ?? [], kept.get(node.name) ?? []), node.name).toEqual([]);
    }
  }, 420_000);

  afterAll(async () => {
    for (const kind of [
      'ippools',
      'ipamblocks',
      'blockaffinities',
      'ipamhandles',
      'ipamconfigs',
      'clusterinformations',
    ])
      await kubectlTry('delete', `${kind}.crd.projectcalico.org`, '--all');
  }, 60_000);

  /** Pings, routes, devices and Ready are watched while `what` happens. */
  async function undisturbed(what: () => Promise<void>): Promise<void> {
    const pings = pingPairs(web);
    const ready = beside('kubectl', ['get', 'nodes', '--watch', '--no-headers']);
    const changes = all.map((node) => ({
      node,
      ...beside('nsenter', [`--net=/proc/${node.pid}/ns/net`, 'ip', 'monitor', 'link', 'route']),
    }));
    try {
      await what();
    } finally {
      for (const { child } of [ready, ...changes]) child.kill('SIGTERM');
    }
    const { sent, missing } = await pings.stop();
    expect(missing).toEqual([]);
    expect(sent).toBeGreaterThan(100);
    expect(ready.said()).not.toMatch(/NotReady/);
    for (const { node, said } of changes) {
      const gone = said()
        .split('\n')
        .filter((l) => /^Deleted/.test(l) && /tunl0|vxlan|cali|10\.244\./.test(l));
      expect(gone, node.name).toEqual([]);
    }
    console.log(`${encap.overlay}: ${sent} pings answered, none missing`);
  }
});

const NO_GRACE = JSON.stringify([{ op: 'add', path: '/spec/template/spec/terminationGracePeriodSeconds', value: 0 }]);

const rolledOut = (namespace: string, what: string): Promise<string> =>
  kubectl('-n', namespace, 'rollout', 'status', what, '--timeout=240s');

const states = async (): Promise<ReadonlyMap<string, readonly string[]>> =>
  new Map(await Promise.all(all.map(async (node) => [node.name, await nodeState(node)] as const)));

const difference = (wanted: readonly string[], found: readonly string[]): readonly string[] => [
  ...wanted.filter((l) => !found.includes(l)).map((l) => `- ${l}`),
  ...found.filter((l) => !wanted.includes(l)).map((l) => `+ ${l}`),
];

/** One start of Node.js for many requests, each on a connection of its own. */
async function fetchOften(pod: Pod, url: string, times: number): Promise<readonly string[]> {
  const script = `(async()=>{for(let i=0;i<${times};i++)console.log(await(await fetch(${JSON.stringify(url)},{headers:{connection:'close'},signal:AbortSignal.timeout(5000)})).text())})()`;
  const { status, out } = await podExec(pod, 'node', '-e', script);
  if (status !== 0) throw new Error(`${pod.name} on ${pod.node.name}: ${url}: ${out}`);
  return out.trim().split('\n');
}

async function restarts(): Promise<number> {
  const list = parse<{ items: { status: { containerStatuses?: { restartCount: number }[] } }[] }>(
    await kubectl('-n', 'gingham-system', 'get', 'pods', '-o', 'json'),
  );
  return list.items.flatMap((p) => p.status.containerStatuses ?? []).reduce((sum, c) => sum + c.restartCount, 0);
}

/** The daemon shares the node's network namespace; its command line is ours. */
function daemonPid(node: KindNode): number {
  const namespace = fs.readlinkSync(`/proc/${node.pid}/ns/net`);
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const line = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8');
      if (line.includes('/etc/gingham/node.yaml') && fs.readlinkSync(`/proc/${name}/ns/net`) === namespace)
        return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  throw new Error(`no daemon runs on ${node.name}`);
}

/** Of all nodes: the first waits, the others have not been asked yet. */
async function uninstallLogs(): Promise<string> {
  const names = await kubectl('-n', 'gingham-system', 'get', 'pods', '-o', 'name');
  const logs = names
    .trim()
    .split('\n')
    .map((name) => kubectlTry('-n', 'gingham-system', 'logs', name, '-c', 'gingham', '--tail=40'));
  return (await Promise.all(logs)).map(({ out }) => out).join('\n');
}

/** Never restarted: what the runtime removes stays removed. */
const victim = (node: KindNode): string => `
apiVersion: v1
kind: Pod
metadata: { name: victim, namespace: ${NAMESPACE} }
spec:
  nodeName: ${node.name}
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  tolerations: [{ operator: Exists }]
  containers: [{ name: main, image: "${IMAGE}", command: [sleep, infinity] }]
`;
