/** The verbs against a world in memory, with records on a real disk. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { invariant } from '../../../src/base/invariant.ts';
import { formatIpv4 } from '../../../src/base/ipv4.ts';
import type { Timers } from '../../../src/base/ports.ts';
import { add } from '../../../src/cni/add.ts';
import { check } from '../../../src/cni/check.ts';
import type { CniContext } from '../../../src/cni/context.ts';
import { del } from '../../../src/cni/del.ts';
import { CniError } from '../../../src/cni/fault.ts';
import { gc } from '../../../src/cni/gc.ts';
import { ReleaseQueue } from '../../../src/cni/release-queue.ts';
import { type CniRequest, parseCniRequest } from '../../../src/cni/request.ts';
import { status } from '../../../src/cni/status.ts';
import { Workloads } from '../../../src/cni/workloads.ts';
import { World } from '../../support/fake-cni-ports.ts';

let directory: string;
let world: World;
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cni-verbs-'));
  world = new World();
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

/** Timers of which the test fires what it wants. */
const manual = () => {
  const waiting = new Set<() => void>();
  const timers: Timers = {
    after: (_ms, fire) => {
      waiting.add(fire);
      return () => waiting.delete(fire);
    },
  };
  const fire = (): void => {
    const due = [...waiting];
    waiting.clear();
    for (const f of due) f();
  };
  return { timers, fire };
};

/** A daemon started on what the last one left. */
const daemon = (timers: Timers = manual().timers): CniContext => ({
  nodeName: 'n1',
  ports: world.ports,
  clock: { now: () => 0, wall: () => 1_795_272_333_123 + world.effects.length },
  timers,
  log: () => {},
  workloads: new Workloads(path.join(directory, 'workloads'), () => {}),
  releases: new ReleaseQueue(path.join(directory, 'releases'), (h) => world.ports.ipam.release(h), timers),
});
const parse = (wire: unknown): CniRequest => {
  const parsed = parseCniRequest(wire);
  invariant(parsed.ok, parsed.ok ? '' : parsed.error.msg);
  return parsed.value;
};
interface Names {
  readonly id?: string;
  readonly pod?: string;
  readonly netns?: string;
  readonly ifName?: string;
  readonly conf?: object;
}
const request = (
  command: string,
  { id = 'c1', pod = 'nginx', netns = '/run/netns/a', ifName = 'eth0', conf = {} }: Names,
) =>
  parse({
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_NETNS: netns,
      CNI_IFNAME: ifName,
      CNI_ARGS: pod === '' ? '' : `K8S_POD_NAMESPACE=default;K8S_POD_NAME=${pod}`,
    },
    conf: { cniVersion: '1.1.0', name: 'net', ...conf },
  });
const runAdd = (context: CniContext, names: Names = {}): Promise<object> => {
  const r = request('ADD', names);
  invariant(r.verb === 'ADD', 'an ADD');
  return add(context, r);
};
const runCheck = (context: CniContext, names: Names = {}): Promise<void> => {
  const r = request('CHECK', names);
  invariant(r.verb === 'CHECK', 'a CHECK');
  return check(context, r);
};
const runDel = (context: CniContext, names: Names = {}): Promise<void> => {
  const r = request('DEL', names);
  invariant(r.verb === 'DEL', 'a DEL');
  return del(context, r.attachment);
};
const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (error instanceof CniError ? error.fault : { code: -1, msg: String(error) }),
  );

test('ADD gives an address, a cable, a route and a record, with Calico’s attributes', async () => {
  const context = daemon();
  const result = await runAdd(context);
  expect(result).toMatchObject({
    ips: [{ address: '10.244.0.1/32', interface: 1 }],
    interfaces: [{ name: 'calic440f455693' }, { mtu: 1480 }],
  });
  expect(world.effects).toEqual(['assignmentsOf', 'assign', 'wire', 'want']);
  expect(world.handles.get('net.c1')?.attributes).toEqual({
    namespace: 'default',
    pod: 'nginx',
    node: 'n1',
    timestamp: '2026-11-21 14:45:33.123 +0000 UTC',
  });
  expect(context.workloads.all()).toMatchObject([{ pod: 'nginx', address: '10.244.0.1', handleId: 'net.c1' }]);
});

test('a repeated ADD gives the same answer, also after a restart of the daemon, and mends a lost cable', async () => {
  const first = await runAdd(daemon());
  const context = daemon();
  expect(await runAdd(context)).toEqual(first);
  world.links.clear();
  expect(await runAdd(context)).toEqual(first);
  expect(world.links.size).toBe(1);
  expect(world.handles.size).toBe(1);
});

test('a container that starts anew under its old id in another namespace is wired anew', async () => {
  const context = daemon();
  await runAdd(context);
  await runAdd(context, { netns: '/run/netns/b' });
  expect([...world.links.values()].map((l) => l.netns)).toEqual(['/run/netns/b']);
  expect(world.handles.size).toBe(1);
  expect(world.routes.size).toBe(1);
});

test('ADD before the daemon is ready says to try again later, with the reason', async () => {
  world.readiness = { kind: 'notReady', reason: { code: 'NO_POOL', text: 'no pool serves this node' } };
  expect(await faultOf(runAdd(daemon()))).toMatchObject({ code: 11, details: 'NO_POOL' });
  expect(world.effects).toEqual([]);
});

test.each(['assign', 'wire', 'want'])('an ADD whose "%s" fails leaves nothing behind', async (effect) => {
  world.failing.add(effect);
  const context = daemon();
  expect((await faultOf(runAdd(context)))?.code).toBe(effect === 'assign' ? 100 : 103);
  expect(world.isEmpty).toBe(true);
  expect(context.workloads.all()).toEqual([]);
});

test('an ADD without datastore says to try again later', async () => {
  world.storeAway = true;
  expect(await faultOf(runAdd(daemon()))).toMatchObject({ code: 11, details: 'IPAM_STORE_UNREACHABLE' });
});

test('DEL takes all away, succeeds twice, and for a container that never was', async () => {
  const context = daemon();
  await runAdd(context);
  await runDel(context);
  expect(world.isEmpty).toBe(true);
  await runDel(context);
  await runDel(context, { id: 'never', pod: 'never' });
  expect(fs.readdirSync(path.join(directory, 'workloads'))).toEqual([]);
});

test('DEL without CNI_NETNS and without CNI_ARGS finds the interface in the record', async () => {
  const context = daemon();
  await runAdd(context);
  await runDel(daemon(), { netns: '', pod: '' });
  expect(world.isEmpty).toBe(true);
});

test('DEL without datastore succeeds and queues the release, which outlives the daemon and is tried until done', async () => {
  const before = daemon();
  await runAdd(before);
  world.storeAway = true;
  await runDel(before);
  expect(world.links.size).toBe(0);
  const { timers, fire } = manual();
  const context = daemon(timers);
  expect(context.releases.pending()).toEqual(['net.c1']);
  context.releases.start();
  fire();
  await context.releases.drain();
  expect(context.releases.pending()).toEqual(['net.c1']);
  world.storeAway = false;
  await context.releases.drain();
  expect(context.releases.pending()).toEqual([]);
  expect(world.isEmpty).toBe(true);
  context.releases.stop();
});

test('a datastore that does not answer does not hold up a DEL', async () => {
  const { timers, fire } = manual();
  const context = daemon(timers);
  await runAdd(context);
  world.before = (effect) => (effect === 'release' ? new Promise(() => {}) : Promise.resolve());
  const done = runDel(context);
  await expect.poll(() => world.effects.at(-1)).toBe('release');
  fire();
  await done;
  expect(context.releases.pending()).toEqual(['net.c1']);
});

test('a new ADD of a container whose release still waits is not robbed of its address later', async () => {
  const context = daemon();
  await runAdd(context);
  world.storeAway = true;
  await runDel(context);
  expect((await faultOf(runAdd(context)))?.code).not.toBeUndefined();
  world.storeAway = false;
  await runAdd(context);
  await context.releases.drain();
  expect([...world.handles.keys()]).toEqual(['net.c1']);
});

test('the DEL of a pod’s old sandbox leaves the new one’s interface alone, and the other way round', async () => {
  const context = daemon();
  await runAdd(context, { id: 'old' });
  await runAdd(context, { id: 'new', netns: '/run/netns/b' });
  await runDel(context, { id: 'old' });
  expect([...world.links.values()].map((l) => l.netns)).toEqual(['/run/netns/b']);
  expect([...world.routes.keys()].map(formatIpv4)).toEqual(['10.244.0.2']);
  await runAdd(context, { id: 'newer', netns: '/run/netns/c' });
  await runDel(context, { id: 'newer' });
  expect(world.links.size).toBe(0);
});

test('a second interface of a pod in the same network is refused', async () => {
  const context = daemon();
  await runAdd(context);
  expect((await faultOf(runAdd(context, { ifName: 'net1' })))?.code).toBe(101);
  expect(world.links.size).toBe(1);
});

test('CHECK passes after ADD, and names everything that is wrong at once', async () => {
  const context = daemon();
  expect((await faultOf(runCheck(context)))?.code).toBe(102);
  await runAdd(context);
  await runCheck(context);
  world.links.clear();
  world.handles.clear();
  const fault = await faultOf(runCheck(context, { conf: { prevResult: { ips: [{ address: '10.9.9.9/32' }] } } }));
  for (const part of ['is missing', 'does not hold 10.244.0.1', '10.9.9.9']) expect(fault?.msg).toContain(part);
});

test('GC deletes what is not valid in its own network, and goes on over a failure', async () => {
  const context = daemon();
  for (const id of ['a', 'b', 'c']) await runAdd(context, { id, pod: id });
  await runAdd(context, { id: 'd', pod: 'd', conf: { name: 'other' } });
  const r = parse({
    env: { CNI_COMMAND: 'GC' },
    conf: { cniVersion: '1.1.0', name: 'net', 'cni.dev/valid-attachments': [{ containerID: 'b', ifname: 'eth0' }] },
  });
  invariant(r.verb === 'GC', 'a GC');
  world.failing.add('unwire');
  expect((await faultOf(gc(context, r, (attachment) => del(context, attachment))))?.msg).toContain('a/eth0');
  expect(context.workloads.all().map((w) => w.containerId)).toEqual(['a', 'b', 'd']);
  await gc(context, r, (attachment) => del(context, attachment));
  expect(context.workloads.all().map((w) => w.containerId)).toEqual(['b', 'd']);
});

test('STATUS is 50 when no ADD can be served and 51 when pods are cut off', () => {
  const reason = { code: 'NO_PEER_UP', text: 'no peer is up' };
  expect(() => status({ kind: 'ready' }, 'n1')).not.toThrow();
  for (const [kind, code] of [
    ['notReady', 50],
    ['limited', 51],
  ] as const) {
    try {
      status({ kind, reason }, 'n1');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ fault: { code, details: 'NO_PEER_UP' } });
    }
  }
});

test('a record that cannot be read is told, and the others serve', async () => {
  await runAdd(daemon());
  fs.writeFileSync(path.join(directory, 'workloads', 'torn@eth0.json'), '{"containerId":');
  const told: string[] = [];
  const workloads = new Workloads(path.join(directory, 'workloads'), (file) => told.push(path.basename(file)));
  expect(told).toEqual(['torn@eth0.json']);
  expect(workloads.all()).toHaveLength(1);
});

/** Runs `work` in a daemon that is killed before or after its n-th effect; true when it came to its end alive. */
async function killed(work: () => Promise<unknown>, moment: 'before' | 'after', nth: number): Promise<boolean> {
  const never = new Promise<never>(() => {});
  let left = nth;
  let die: () => void = () => {};
  const death = new Promise<boolean>((resolve) => {
    die = () => resolve(false);
  });
  const step = (): Promise<void> => {
    if (--left > 0) return Promise.resolve();
    die();
    return never;
  };
  world[moment] = step;
  if (moment === 'after') world.before = () => (left <= 0 ? never : Promise.resolve());
  const alive = await Promise.race([work().then(() => true), death]);
  world.before = async () => {};
  world.after = async () => {};
  return alive;
}

test.each(['before', 'after'] as const)(
  'a daemon killed %s any effect of an ADD: the repeated ADD and the DEL both converge',
  async (moment) => {
    for (let nth = 1; ; nth++) {
      world = new World();
      fs.rmSync(directory, { recursive: true, force: true });
      if (await killed(() => runAdd(daemon()), moment, nth)) {
        expect(nth).toBeGreaterThan(4);
        return;
      }
      const next = daemon();
      if (nth % 2 === 0) await runAdd(next);
      if (nth % 2 === 0) expect([world.handles.size, world.links.size, world.routes.size]).toEqual([1, 1, 1]);
      await runDel(next);
      expect(world.isEmpty, `killed ${moment} effect ${nth}`).toBe(true);
      const again = await runAdd(next);
      expect(await runAdd(daemon())).toEqual(again);
      expect([world.handles.size, world.links.size, world.routes.size]).toEqual([1, 1, 1]);
    }
  },
);

test.each(['before', 'after'] as const)(
  'a daemon killed %s any effect of a DEL: the repeated DEL converges',
  async (moment) => {
    for (let nth = 1; ; nth++) {
      world = new World();
      fs.rmSync(directory, { recursive: true, force: true });
      await runAdd(daemon());
      if (await killed(() => runDel(daemon()), moment, nth)) {
        expect(nth).toBeGreaterThan(3);
        return;
      }
      const next = daemon();
      await runDel(next);
      await next.releases.drain();
      expect(world.isEmpty, `killed ${moment} effect ${nth}`).toBe(true);
      expect(next.workloads.all()).toEqual([]);
    }
  },
);
