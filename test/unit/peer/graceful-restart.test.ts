import { describe, expect, test } from 'vitest';
import { cidr } from '../../support/rib.ts';
import { MemoryNetwork, type MemorySpeaker, peerConfig } from '../../support/speakers.ts';

const A = '10.9.0.1';
const B = '10.9.0.2';
const C = '10.9.0.3';
const BLOCK_A = '10.244.1.0/26';
const OTHER_A = '10.244.9.0/26';
const BLOCK_B = '10.244.2.0/26';

function pair(more: Parameters<typeof peerConfig>[1] = {}): { net: MemoryNetwork; a: MemorySpeaker; b: MemorySpeaker } {
  const net = new MemoryNetwork();
  const a = net.speaker(A);
  const b = net.speaker(B);
  a.originate(BLOCK_A, OTHER_A);
  b.originate(BLOCK_B);
  a.peers.apply([peerConfig(B, more)]);
  b.peers.apply([peerConfig(A, more)]);
  net.time.pass(20_000);
  b.kernel.take();
  return { net, a, b };
}

describe('helper: a peer goes and comes back (RFC 4724 4.2)', () => {
  test('it restarts: the kernel is told nothing, and only what it announces no more goes, at its End-of-RIB', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(5000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A} stale`, `${BLOCK_B} from local`, `${OTHER_A} from ${A} stale`]);
    expect(b.peers.peer(A)).toMatchObject({ flaps: 1, routes: { stale: 2, used: 2 } });
    expect(b.peers.peer(A)?.staleUntil).toBe(net.time.wall() - 5000 + 120_000 + 1);
    expect(b.kernel.take()).toEqual([]);

    const again = net.speaker(A, { forwarding: true });
    again.originate(BLOCK_A);
    again.peers.apply([peerConfig(B)]);
    net.time.pass(20_000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`, `${BLOCK_B} from local`]);
    expect(b.kernel.take()).toEqual([`-${OTHER_A}`]);
    expect(b.peers.peer(A)?.staleUntil).toBeUndefined();
    expect(again.routes()).toEqual([`${BLOCK_A} from local`, `${BLOCK_B} from ${B}`]);
  });

  test('it does not come back: the routes go after the restart time, not before', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(119_000);
    expect(b.routes()).toHaveLength(3);
    net.time.pass(2000);
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
  });

  test('it comes back without having kept its forwarding state (F=0): the stale routes go at once', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(1000);
    const again = net.speaker(A, { forwarding: false, waitForLocalRoutes: true });
    again.peers.apply([peerConfig(B)]);
    net.time.pass(5000);
    expect(b.peers.peer(A)?.state).toBe('Established');
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
  });

  test('it comes back without the capability: the stale routes go at once', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(1000);
    const again = net.speaker(A, { forwarding: true, waitForLocalRoutes: true });
    const { gracefulRestart: _none, ...plain } = peerConfig(B);
    again.peers.apply([plain]);
    net.time.pass(5000);
    expect(b.peers.peer(A)?.state).toBe('Established');
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
  });

  test('it restarts twice before it has said everything: what is stale from the first time goes', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(1000);
    const second = net.speaker(A, { forwarding: true, waitForLocalRoutes: true });
    second.originate(BLOCK_A);
    second.peers.apply([peerConfig(B)]);
    net.time.pass(5000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`, `${BLOCK_B} from local`, `${OTHER_A} from ${A} stale`]);
    await second.crash();
    net.time.pass(1000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A} stale`, `${BLOCK_B} from local`]);
  });

  test('a peer that is back but never sends End-of-RIB keeps its stale routes for six minutes', async () => {
    const { net, a, b } = pair();
    await a.crash();
    const again = net.speaker(A, { forwarding: true, waitForLocalRoutes: true });
    again.originate(BLOCK_A);
    again.peers.apply([peerConfig(B)]);
    net.time.pass(350_000);
    expect(b.routes()).toHaveLength(3);
    net.time.pass(20_000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`, `${BLOCK_B} from local`]);
  });

  test('it leaves: the routes go at once, with the text it sent', async () => {
    const { net, a, b } = pair();
    const left = a.peers.stopAll({ kind: 'leave', text: 'drained for maintenance' });
    net.time.pass(300);
    await left;
    expect(b.routes()).toEqual([`${BLOCK_B} from local`]);
    expect(b.peers.peer(A)?.lastSessionEnd?.text).toContain('drained for maintenance');
    expect(b.log.at(-1)).toMatch(/^down 10.9.0.1 NOTIFICATION_RECEIVED .* 0 stale$/);
  });

  test('without graceful restart a lost session takes its routes at once', async () => {
    const net = new MemoryNetwork();
    const [a, b] = [net.speaker(A), net.speaker(B)];
    a.originate(BLOCK_A);
    const { gracefulRestart: _a, ...toB } = peerConfig(B);
    const { gracefulRestart: _b, ...toA } = peerConfig(A);
    a.peers.apply([toB]);
    b.peers.apply([toA]);
    net.time.pass(5000);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`]);
    await a.crash();
    net.time.pass(10);
    expect(b.routes()).toEqual([]);
  });

  test('the cable is cut: the routes stay until the hold timer says the peer is dead', () => {
    const { net, b } = pair();
    net.cutEverything();
    net.time.pass(59_000);
    expect(b.routes()).toHaveLength(3);
    net.time.pass(32_000);
    expect(b.peers.peer(A)?.lastSessionEnd?.code).toBe('HOLD_TIMER_EXPIRED');
    // Silence is how a dead host looks: nothing is kept for it, although RFC 8538 4 would allow that.
    expect(b.log.find((line) => line.startsWith('down'))).toMatch(/HOLD_TIMER_EXPIRED .* 0 stale$/);
  });
});

describe('restarter: when the restart is over (RFC 4724 4.1)', () => {
  test('nodes that start together set R and do not wait for each other', () => {
    const net = new MemoryNetwork();
    const speakers = [net.speaker(A), net.speaker(B), net.speaker(C)];
    for (const s of speakers) s.peers.apply([A, B, C].filter((at) => at !== s.at).map((at) => peerConfig(at)));
    net.time.pass(2500);
    expect(speakers.map((s) => s.completed?.split(' ')[0])).toEqual(['all-peers', 'all-peers', 'all-peers']);
  });

  test('it ends at once with nobody to wait for', () => {
    const net = new MemoryNetwork();
    const a = net.speaker(A);
    expect(a.peers.restarting).toBe(true);
    a.peers.apply([]);
    expect(a.completed).toBe('no-peers after 0 ms');
    expect(a.peers.restarting).toBe(false);
  });

  test('a dead peer is waited for 3 s, not the cap', () => {
    const { net, b } = pair();
    const c = net.speaker(C);
    b.peers.apply([peerConfig(A), peerConfig(C)]);
    c.peers.apply([peerConfig(B), peerConfig('10.9.0.99')]);
    net.time.pass(2900);
    expect(c.peers.awaited).toEqual(['10.9.0.99']);
    net.time.pass(200);
    expect(c.completed).toBe('all-peers after 3000 ms');
  });

  test('a process that ends in its restart keeps what it has: nothing is completed, and no timer is left', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(1000);
    const again = net.speaker(A, { forwarding: true });
    again.peers.apply([peerConfig(B), peerConfig(C)]);
    net.time.pass(2500);
    expect(again.peers.restarting).toBe(true);
    expect(again.routes()).toEqual([`${BLOCK_B} from ${B}`]);
    await again.crash();
    await b.crash();
    net.time.pass(10);
    expect(again.completed).toBeUndefined();
    expect(again.routes()).toEqual([`${BLOCK_B} from ${B} stale`]);
    expect(net.time.pending).toBe(0);
  });

  test('End-of-RIB waits for our own routes when told so, so that helpers keep what we have not said yet', async () => {
    const { net, a, b } = pair();
    await a.crash();
    net.time.pass(1000);
    const again = net.speaker(A, { forwarding: true, waitForLocalRoutes: true });
    again.peers.apply([peerConfig(B)]);
    net.time.pass(60_000);
    expect(again.peers.restarting).toBe(true);
    expect(b.routes()).toHaveLength(3);
    again.originate(BLOCK_A, OTHER_A);
    again.peers.localRoutesReady();
    net.time.pass(100);
    expect(again.peers.restarting).toBe(false);
    expect(b.routes()).toEqual([`${BLOCK_A} from ${A}`, `${BLOCK_B} from local`, `${OTHER_A} from ${A}`]);
    expect(b.kernel.take()).toEqual([]);
  });

  test('after the restart a flap sets R=0 and F=1: the peer keeps the routes, and is not waited for', () => {
    const { net, a, b } = pair();
    for (const near of net.tcp.dialled) near.closed();
    net.time.pass(10);
    expect(b.routes()).toHaveLength(3);
    net.time.pass(20_000);
    expect(b.peers.peer(A)?.agreed?.gracefulRestart).toMatchObject({ restarting: false, forwarding: true });
    expect(b.kernel.take()).toEqual([]);
    expect(a.rib.pathsOf(cidr(BLOCK_B))?.paths[0]?.stale).toBe(false);
  });
});
