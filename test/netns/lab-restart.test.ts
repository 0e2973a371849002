// needs: namespaces ip ping
/** What becomes of a node's block at the others when its daemon leaves, restarts, dies, or its link is cut. */
import fs from 'node:fs';
import { afterAll, afterEach, expect, test } from 'vitest';
import { eventually, type Lab, makeLabsDir, startLab } from '../support/lab.ts';
import { steadyPing } from '../support/ping.ts';

const labsDir = makeLabsDir();
afterAll(() => fs.rmSync(labsDir, { recursive: true, force: true }));

let lab: Lab | undefined;
afterEach(() => {
  lab?.down();
  lab = undefined;
});
const start = (...flags: string[]): Lab => {
  lab = startLab('life', '--nodes', '2', '--pods', '1', ...flags);
  return lab;
};

const has = (l: Lab, node: string, block: string): boolean =>
  l.routes(node).some((line) => line.startsWith(`${block} `));
const seconds = (from: number): number => (performance.now() - from) / 1000;

/** Pings twenty times a second until end(), which answers how many of how many were lost. */
const pinging = (l: Lab, from: string, to: string): ReturnType<typeof steadyPing> =>
  steadyPing(l.spawn(from, 'ping', '-n', '-i', '0.05', l.pods[to] ?? ''), () => {
    // nsenter passes nothing on; ping itself sums up on SIGINT.
    l.sh('fabric', `kill -INT $(pgrep -x ping)`);
  });

/** Every change of a block's route in a node, as the kernel tells it. */
function watching(l: Lab, node: string, block: string): { lines(): string[]; stop(): void } {
  const monitor = l.spawn(node, 'ip', 'monitor', 'route');
  let out = '';
  monitor.stdout?.on('data', (bytes) => {
    out += bytes;
  });
  return {
    lines: () => out.split('\n').filter((line) => line.includes(block)),
    stop: () => void monitor.kill('SIGKILL'),
  };
}

test('a node that leaves takes its block with it at once, without waiting for any timer', async () => {
  const l = start('--encap', 'vxlan');
  const block = l.block('node2');
  l.hold('node2');
  await l.ask('node2', (client) => client.drain({ waitMs: 0 }));
  await eventually('the block is gone', () => !has(l, 'node1', block), 30_000); // the hold time is 90 s
  const [peer] = await l.peers('node1');
  expect(peer?.lastDown?.reason.code ?? peer?.reason?.code).toMatch(/NOTIFICATION_RECEIVED|CEASE|SHUTDOWN/);
  l.release('node2');
  await eventually('it comes back', () => has(l, 'node1', block));
});

for (const encap of ['ipip', 'vxlan', 'none'] as const) {
  for (const signal of ['KILL', 'TERM'] as const) {
    test(`SIG${signal} and a restart lose no packet with encapsulation ${encap}: the kernel forwards, peers keep the routes (RFC 4724)`, async () => {
      const l = start('--encap', encap);
      const block = l.block('node2');
      const ping = pinging(l, 'web-1-1', 'web-2-1');
      const watch = watching(l, 'node1', block);
      const { process: daemonBefore, tunnel } = await l.ask('node2', (client) => client.status());
      const before = daemonBefore.pid;
      await l.kill('node2', signal);
      await eventually(
        'the session is up again with another process',
        async () => {
          const { process: daemon, phase } = await l.ask('node2', (client) => client.status());
          return daemon.pid !== before && phase === 'running' && (await l.established('node1')).includes('node2');
        },
        60_000,
      );
      await eventually(
        'no route of it is stale any more',
        async () => (await l.peers('node1')).every((peer) => (peer.counts?.stale ?? 0) === 0),
        60_000,
      );
      watch.stop();
      const { sent, lost } = await ping.end();
      expect(sent).toBeGreaterThan(3);
      // In a user namespace the daemon itself forwards: all but its absence has to work.
      if (tunnel?.carrier !== 'user-space') expect(lost).toBe(0);
      expect(watch.lines().filter((line) => line.startsWith('Deleted'))).toEqual([]);
      expect(has(l, 'node1', block)).toBe(true);
    });
  }
}

test('all daemons killed at once lose no packet and no route: everybody restarts, and nobody sweeps before the others have spoken', async () => {
  const l = start('--nodes', '3', '--encap', 'ipip');
  const nodes = ['node1', 'node2', 'node3'];
  const blocks = Object.fromEntries(nodes.map((node) => [node, l.block(node)]));
  const before = new Map<string, number>();
  for (const node of nodes) before.set(node, (await l.ask(node, (client) => client.status())).process.pid);
  const { tunnel } = await l.ask('node1', (client) => client.status());
  const ping = pinging(l, 'web-1-1', 'web-3-1');
  const watches = nodes.map((node) => ({ node, ...watching(l, node, '/26') }));
  await Promise.all(nodes.map((node) => l.kill(node, 'KILL')));
  for (const node of nodes) {
    const others = nodes.filter((n) => n !== node);
    await eventually(
      `${node} has another process, and all its sessions`,
      async () => {
        const { process: daemon, phase } = await l.ask(node, (client) => client.status());
        if (daemon.pid === before.get(node) || phase !== 'running') return false;
        const up = await l.established(node);
        return others.every((n) => up.includes(n)) && others.every((n) => has(l, node, blocks[n] as string));
      },
      60_000,
    );
  }
  for (const { stop } of watches) stop();
  const { sent, lost } = await ping.end();
  expect(sent).toBeGreaterThan(3);
  if (tunnel?.carrier !== 'user-space') expect(lost).toBe(0);
  for (const { node, lines } of watches)
    expect(
      lines().filter((line) => line.startsWith('Deleted')),
      node,
    ).toEqual([]);
});

test('a killed daemon that does not come back loses its block after the restart time, and not before (RFC 4724 4.2)', async () => {
  const l = start('--encap', 'none', '--restart-time', '12');
  const block = l.block('node2');
  const began = performance.now();
  await l.kill('node2', 'KILL', { hold: true });
  await eventually('node1 saw the session go', async () => !(await l.established('node1')).includes('node2'));
  expect(has(l, 'node1', block)).toBe(true);
  await eventually('the block is gone', () => !has(l, 'node1', block), 60_000);
  expect(seconds(began)).toBeGreaterThan(11.5);
});

test('a cut link takes the block within the hold time (RFC 4271 6.5)', async () => {
  const l = start('--encap', 'none', '--hold-time', '3');
  const block = l.block('node2');
  l.sh('fabric', 'ip link set node2 down');
  await eventually('the block is gone', () => !has(l, 'node1', block), 60_000); // and not after a restart time of 120 s
  const [peer] = await l.peers('node1');
  expect(peer?.lastDown?.reason.code).toBe('HOLD_TIMER_EXPIRED');
  l.sh('fabric', 'ip link set node2 up');
  const answers = (): boolean => l.try('web-1-1', `ping -c 1 -W 1 ${l.pods['web-2-1']}`).status === 0;
  await eventually('pods ping again', answers, 30_000);
});

test('without graceful restart a killed daemon loses its block at once', async () => {
  const l = start('--encap', 'none', '--no-graceful-restart');
  const block = l.block('node2');
  await l.kill('node2', 'KILL', { hold: true });
  await eventually('the block is gone', () => !has(l, 'node1', block), 60_000); // and not after a restart time of 120 s
});
