/** The CNI executable, the daemon's side and IPAM together on a real kernel: one node, its pods as network namespaces. */
// needs: root ip ping
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { invariant } from '../../src/base/invariant.ts';
import { CniServer } from '../../src/cni/server.ts';
import { hostRoutes } from '../../src/daemon/pods.ts';
import { Ipam } from '../../src/ipam/allocator.ts';
import { GATEWAY_PREFIX, gatewayRoute } from '../../src/kernel/devices/gateway.ts';
import { type Interfaces, watchInterfaces } from '../../src/kernel/devices/interfaces.ts';
import { createPodWiring } from '../../src/kernel/pods/pod-wiring.ts';
import { createRouteProgrammer } from '../../src/kernel/routes/both-families.ts';
import { ROUTE_OWNERS, type RouteProgrammer } from '../../src/kernel/routes/route-programmer.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';
import { KINDS } from '../../src/store/kinds.ts';
import { StoreError } from '../../src/store/port.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/sys/time.ts';
import { FakeStore } from '../support/fake-store.ts';
import { allocationsIn, ipamFaults } from '../support/ipam-invariants.ts';
import { makeNamespaces, type Namespaces } from '../support/namespaces.ts';

interface Daemon {
  readonly server: CniServer;
  readonly routes: RouteProgrammer;
  readonly interfaces: Interfaces;
  readonly netlink: NetlinkClient;
}

let ns: Namespaces;
let directory: string;
let store: FakeStore;
let daemon: Daemon | undefined;

beforeEach(async () => {
  ns = makeNamespaces('gcni');
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cni-netns-'));
  const entry = new URL('../../src/cni/plugin.ts', import.meta.url).pathname;
  await build({ entryPoints: [entry], outfile: path.join(directory, 'plugin.cjs'), bundle: true, platform: 'node' });
  store = new FakeStore();
  store.seed(KINDS.ipPool, 'default-ipv4-ippool', { cidr: '10.244.0.0/16', blockSize: 26 });
  daemon = await start();
});
afterEach(async () => {
  if (daemon !== undefined) await stop(daemon);
  daemon = undefined;
  ns.remove();
  fs.rmSync(directory, { recursive: true, force: true });
});

async function start(): Promise<Daemon> {
  const netns = ns.path('node');
  const netlink = await openNetlink({ netns });
  const interfaces = await watchInterfaces({ client: netlink, netns });
  const clock = systemClock;
  const timers = systemTimers;
  const routes = createRouteProgrammer({ client: netlink, interfaces, clock, timers, protocol: 12, netns });
  await routes.start();
  routes.want('gateway', GATEWAY_PREFIX, gatewayRoute(12).target);
  const ipam = new Ipam({ store, nodeName: 'n1', now: Date.now, timers, random: systemRandom });
  const server = new CniServer({
    socketPath: path.join(directory, 'cni.sock'),
    stateDirectory: path.join(directory, 'state'),
    nodeName: 'n1',
    ports: {
      ipam,
      wiring: createPodWiring({ netlink }),
      routes: hostRoutes(routes),
      mtu: () => 1480,
      readiness: () => ({ kind: 'ready' }),
    },
    clock,
    timers,
  });
  await server.start();
  for (const owner of ROUTE_OWNERS) routes.inSync(owner);
  return { server, routes, interfaces, netlink };
}
async function stop({ server, routes, interfaces, netlink }: Daemon): Promise<void> {
  await server.stop();
  routes.stop();
  interfaces.close();
  netlink.close();
}

interface Outcome {
  readonly exit: number | null;
  readonly json: Readonly<Record<string, unknown>>;
}
const cni = (command: string, pod: string, conf: object = {}, id = pod): Promise<Outcome> =>
  new Promise((resolve, reject) => {
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: `${id}-0123456789abcdef`,
      CNI_NETNS: ns.path(pod),
      CNI_IFNAME: 'eth0',
      CNI_ARGS: `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
    };
    const child = spawn(process.execPath, [path.join(directory, 'plugin.cjs')], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk;
    });
    child.on('error', reject);
    child.on('close', (exit) => resolve({ exit, json: stdout === '' ? {} : JSON.parse(stdout) }));
    const socket = path.join(directory, 'cni.sock');
    child.stdin.end(JSON.stringify({ cniVersion: '1.1.0', name: 'net', type: 'gingham', socket, ...conf }));
  });
const addressOf = ({ json }: Outcome): string => {
  const [ip] = (json.ips ?? []) as readonly { readonly address: string }[];
  invariant(ip, JSON.stringify(json));
  return ip.address.replace('/32', '');
};
const caliLinks = (): readonly string[] =>
  ns
    .ip('node', '-o link show')
    .split('\n')
    .flatMap((line) => /(cali[0-9a-f]+)@/.exec(line)?.[1] ?? []);
const podRoutes = (): string => ns.ip('node', 'route').replaceAll(' \n', '\n');

test('two pods added by the executable ping each other through the node, and leave nothing behind', async () => {
  const a = await cni('ADD', 'a');
  const b = await cni('ADD', 'b');
  expect([a.exit, b.exit]).toEqual([0, 0]);
  expect(podRoutes()).toContain(
    `${addressOf(a)} dev ${caliLinks().find((l) => podRoutes().includes(`${addressOf(a)} dev ${l}`))} scope link\n`,
  );
  expect(ns.try('a', `ping -c1 -W2 ${addressOf(b)}`).status).toBe(0);
  expect((await cni('CHECK', 'a', { prevResult: a.json })).exit).toBe(0);
  expect((await cni('ADD', 'a')).json).toEqual(a.json);

  expect((await cni('DEL', 'a')).exit).toBe(0);
  expect(ns.try('a', 'ip link show eth0').status).not.toBe(0);
  expect((await cni('DEL', 'a')).exit).toBe(0);
  expect((await cni('DEL', 'b')).exit).toBe(0);
  expect(caliLinks()).toEqual([]);
  expect(podRoutes()).not.toContain('10.244.');
  expect([...allocationsIn(store)]).toEqual([]);
  expect(ipamFaults(store)).toEqual([]);
});

test('an ADD into a namespace that has eth0 already fails, and gives the address back', async () => {
  ns.ip('a', 'link add eth0 type bridge');
  const refused = await cni('ADD', 'a');
  expect(refused).toMatchObject({ exit: 1, json: { code: 103, details: 'POD_INTERFACE_TAKEN' } });
  expect([...allocationsIn(store)]).toEqual([]);
  expect(caliLinks()).toEqual([]);
  expect(ns.try('a', 'ip link show eth0').status).toBe(0);
});

test('CHECK finds a cable that somebody cut, and the repeated ADD mends it with the same address', async () => {
  const added = await cni('ADD', 'a');
  ns.ip('node', `link del ${caliLinks()[0]}`);
  expect((await cni('CHECK', 'a')).json.code).toBe(102);
  expect((await cni('ADD', 'a')).json).toEqual(added.json);
  expect((await cni('CHECK', 'a')).exit).toBe(0);
});

test('a restarted daemon keeps its pods and their routes, and can delete them', async () => {
  const a = await cni('ADD', 'a');
  const b = await cni('ADD', 'b');
  invariant(daemon, 'it runs');
  await stop(daemon);
  expect((await cni('ADD', 'c')).json.code).toBe(11);
  daemon = await start();
  expect(ns.try('a', `ping -c1 -W2 ${addressOf(b)}`).status).toBe(0);
  expect((await cni('CHECK', 'a')).exit).toBe(0);
  expect((await cni('ADD', 'a')).json).toEqual(a.json);
  await cni('DEL', 'a');
  expect(caliLinks()).toHaveLength(1);
  expect(podRoutes()).not.toContain(addressOf(a));
});

test('a DEL without datastore and without namespace succeeds, and the address comes back with the datastore', async () => {
  await cni('ADD', 'a');
  store.before = () => {
    throw new StoreError('Unreachable', 'connect ECONNREFUSED');
  };
  const gone = await cni('DEL', 'a');
  expect(gone.exit).toBe(0);
  expect(caliLinks()).toEqual([]);
  expect(daemon?.server.pendingReleases()).toEqual(['net.a-0123456789abcdef']);
  store.before = () => {};
  await expect.poll(() => daemon?.server.pendingReleases(), { timeout: 10_000 }).toEqual([]);
  expect([...allocationsIn(store)]).toEqual([]);
});

test('the next sandbox of a pod keeps its interface when the last one is deleted late', async () => {
  await cni('ADD', 'a', {}, 'old');
  ns.ip('a', 'link del eth0');
  const next = await cni('ADD', 'a', {}, 'new');
  expect((await cni('DEL', 'a', {}, 'old')).exit).toBe(0);
  expect((await cni('CHECK', 'a', {}, 'new')).exit).toBe(0);
  expect(podRoutes()).toContain(addressOf(next));
  await cni('DEL', 'a', {}, 'new');
  expect(caliLinks()).toEqual([]);
});
