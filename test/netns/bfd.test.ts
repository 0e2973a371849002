// needs: root ip
/** BFD of ours with itself on a real kernel: link-local and bound paths, what is not there yet, and being late. */
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { BfdChild, type BfdFiles, buildBfd } from '../support/bfd-ours.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';

let files: BfdFiles;
let namespaces: Namespaces;
let children: BfdChild[];
beforeAll(async () => {
  files = await buildBfd();
});
beforeEach(() => {
  namespaces = makeNamespaces('bo');
  children = [];
  cable();
});
afterEach(async () => {
  for (const child of children) await child.kill();
  namespaces.remove();
});

/** 10.9.0.1 and fe80::1 in g, 10.9.0.2 and fe80::2 in b. */
function cable(): void {
  namespaces.ip('g', `link add eth0 type veth peer name eth0 netns ${namespaces.name('b')}`);
  for (const [side, n] of [
    ['g', 1],
    ['b', 2],
  ] as const) {
    namespaces.sh(side, 'echo 1 > /proc/sys/net/ipv6/conf/eth0/addr_gen_mode');
    namespaces.ip(side, `addr add 10.9.0.${n}/24 dev eth0`);
    namespaces.ip(side, 'link set eth0 up');
    namespaces.ip(side, `addr add fe80::${n}/64 dev eth0 nodad`);
  }
}
const child = (side: 'g' | 'b', thread = true): BfdChild => {
  const made = new BfdChild(files, namespaces, side, thread);
  children.push(made);
  return made;
};
const TIMING = { intervalMs: 100, multiplier: 3 };

test('link-local and bound to an interface beside one that is not: all come up, each on its own source port', async () => {
  const [g, b] = [child('g'), child('b')];
  const names = ['ll', 'bound', 'free'];
  // A second address, so that there are two sessions of IPv4.
  namespaces.ip('g', 'addr add 10.9.1.1/24 dev eth0');
  namespaces.ip('b', 'addr add 10.9.1.2/24 dev eth0');
  for (const [side, mine, theirs] of [
    [g, 1, 2],
    [b, 2, 1],
  ] as const) {
    await side.ask({ do: 'watch', name: 'll', address: `fe80::${theirs}`, interface: 'eth0', ...TIMING });
    await side.ask({ do: 'watch', name: 'bound', address: `10.9.0.${theirs}`, interface: 'eth0', ...TIMING });
    const localAddress = `10.9.1.${mine}`;
    await side.ask({ do: 'watch', name: 'free', address: `10.9.1.${theirs}`, localAddress, ...TIMING });
  }
  await g.all(names, 'up');
  await b.all(names, 'up');
  const ports = namespaces
    .sh('g', 'cat /proc/net/udp /proc/net/udp6')
    .match(/:[0-9A-F]{4} (?=0+:0000)/g)
    ?.map((text) => Number.parseInt(text.slice(1), 16))
    .filter((port) => port !== 3784);
  expect(ports).toHaveLength(3);
  expect(new Set(ports).size).toBe(3);
  expect(ports?.every((port) => port >= 49152)).toBe(true);
});

test('a thread that is late reads what waits before it believes in silence', async () => {
  // All of g runs on its main thread. It promises little and expects much: only its own detection can be wrong.
  const [g, b] = [child('g', false), child('b')];
  await g.ask({ do: 'watch', name: 'x', address: '10.9.0.2', intervalMs: 100, multiplier: 20 });
  await b.ask({ do: 'watch', name: 'x', address: '10.9.0.1', intervalMs: 100, multiplier: 3 });
  await g.all(['x'], 'up');
  await b.all(['x'], 'up');
  await g.viewWhen('x', (v) => v.detectionTimeMs === 300);
  await b.viewWhen('x', (v) => v.detectionTimeMs === 2000);
  await g.ask({ do: 'stall', ms: 700, times: 5 });
  expect(await g.view('x')).toMatchObject({ state: 'Up', flaps: 0 });
});

test('a device that goes and comes back under its name is used again', async () => {
  const [g, b] = [child('g'), child('b')];
  await g.ask({ do: 'watch', name: 'll', address: 'fe80::2', interface: 'eth0', ...TIMING });
  await b.ask({ do: 'watch', name: 'll', address: 'fe80::1', interface: 'eth0', ...TIMING });
  await g.all(['ll'], 'up');
  await b.all(['ll'], 'up');
  namespaces.ip('g', 'link del eth0');
  await g.all(['ll'], 'down');
  await g.viewWhen('ll', (v) => v.reason.code === 'BFD_INTERFACE_UNAVAILABLE');
  cable();
  await g.all(['ll'], 'up');
  await b.all(['ll'], 'up');
});

test('what is not there yet is named and waited for: the address, and the port that another program has', async () => {
  const [g, b] = [child('g'), child('b')];
  await b.ask({ do: 'watch', name: 'x', address: '10.9.0.9', ...TIMING });
  await g.ask({ do: 'watch', name: 'x', address: '10.9.0.2', localAddress: '10.9.0.9', ...TIMING });
  await g.viewWhen('x', (v) => v.reason.code === 'BFD_LOCAL_ADDRESS_UNAVAILABLE');
  namespaces.ip('g', 'addr add 10.9.0.9/24 dev eth0');
  await g.all(['x'], 'up');
  // One more of ours is another program.
  const second = child('g');
  await second.ask({ do: 'watch', name: 'y', address: '10.9.0.2', ...TIMING });
  const { reason } = await second.viewWhen('y', (v) => v.reason.code === 'BFD_PORT_IN_USE');
  expect(reason.text).toContain('3784');
  expect(await g.view('x')).toMatchObject({ state: 'Up', flaps: 0 });
});

test('leaving is no failure to the other side', async () => {
  const [g, b] = [child('g'), child('b')];
  await g.ask({ do: 'watch', name: 'x', address: '10.9.0.2', ...TIMING });
  await b.ask({ do: 'watch', name: 'x', address: '10.9.0.1', ...TIMING });
  await b.all(['x'], 'up');
  await g.ask({ do: 'close' });
  const [last] = await b.all(['x'], 'admin-down');
  expect(last?.code).toBe('BFD_PEER_ADMIN_DOWN');
  await until('its port is free again', () => !namespaces.sh('g', 'cat /proc/net/udp').includes(':0EC8'));
});
