/** The optional timers and attributes of the FSM at work: DelayOpen, IdleHold, DampPeerOscillations, keepalive and send hold
 *  timers, collisions with an established connection, and a peer that does not read. */
import { expect, test } from 'vitest';
import { prefixKey } from '../../../src/base/prefix.ts';
import { ourOpen } from '../../../src/bgp-js/session/negotiate.ts';
import type { Connection } from '../../../src/bgp-js/session/session-types.ts';
import { packWithdrawals } from '../../../src/bgp-js/update/packer.ts';
import { KEEPALIVE_MESSAGE, message, NOTIFICATION } from '../../../src/bgp-js/wire/message.ts';
import { encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { hex } from '../../support/hex.ts';
import type { MemoryConnection } from '../../support/memory-tcp.ts';
import { A, address, B, configOf, pairUp, type Speaker, World } from './two-speakers.ts';

/** Our end of a session that `one` dialled. */
function nearEnd(world: World): MemoryConnection {
  const [near] = world.tcp.dialled;
  if (near === undefined) throw new Error('nothing was dialled');
  return near;
}
/** The kinds of messages that it was given. */
const types = (connection: MemoryConnection): number[] => connection.written.map((bytes) => bytes[18] ?? 0);
const UPDATE = packWithdrawals([prefixKey(address('10.0.0.0'), 8)]);

/** A raw peer on a connection that `one` accepts. */
function knock(world: World, one: Speaker, ...messages: Uint8Array[]): MemoryConnection {
  const [near, far] = world.tcp.pair(B, A);
  near.onData = (_slab, _start, end) => end;
  one.session.accept(far);
  for (const bytes of messages) near.write(bytes);
  return far;
}
const theirOpen = (overrides = {}): Uint8Array => encodeOpen(ourOpen(configOf(B, A, overrides)));

test('DelayOpen: our OPEN goes out when the timer expires, and not before (RFC 4271 8.2.2, event 12)', () => {
  const world = new World();
  const one = world.speaker(A, B, { passive: true, delayOpenSec: 3 });
  one.session.start();
  const far = knock(world, one);
  world.time.pass(2_900);
  expect([types(far), one.session.state]).toEqual([[], 'Active']);
  world.time.pass(200);
  expect([types(far), one.session.state]).toEqual([[1], 'OpenSent']);
});

test("DelayOpen: the peer's OPEN ends the wait, ours and a KEEPALIVE answer it at once (RFC 4271 8.2.2, event 20)", () => {
  const world = new World();
  const one = world.speaker(A, B, { passive: true, delayOpenSec: 60 });
  one.session.start();
  const far = knock(world, one, theirOpen());
  world.time.pass(5);
  expect([types(far), one.session.state]).toEqual([[1, 4], 'OpenConfirm']);
  far.other?.write(KEEPALIVE_MESSAGE);
  world.time.pass(5);
  expect(one.session.state).toBe('Established');
});

test('DelayOpen also holds for who dials, and two sides that both delay come up (RFC 4271 8.1.1)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { delayOpenSec: 5 }, { delayOpenSec: 5 });
  expect([one.session.state, two.session.state]).toEqual(['Connect', 'Active']);
  world.time.pass(5_100);
  expect([one.session.state, two.session.state]).toEqual(['Established', 'Established']);
});

test('DelayOpen: a connection lost while it runs is dialled again (RFC 4271 8.2.2, event 18)', () => {
  const world = new World();
  const one = world.speaker(A, B, { delayOpenSec: 60 }, false);
  const peers: Connection[] = [];
  world.tcp.listen(B, (c) => peers.push(c));
  one.session.start();
  world.time.pass(10);
  peers[0]?.destroy();
  world.time.pass(5);
  expect(one.session.state).toBe('Active');
  world.time.pass(2_000);
  expect(peers.length).toBe(2);
});

test.each([
  ['a broken header', new Uint8Array(19)],
  ['a bad OPEN', theirOpen({ localAsn: 1 })],
  ['a KEEPALIVE', KEEPALIVE_MESSAGE],
])('in front of our OPEN %s is answered by closing, with no NOTIFICATION (RFC 4271 8.2.2)', (_name, bytes) => {
  const world = new World();
  const one = world.speaker(A, B, { passive: true, delayOpenSec: 60 });
  one.session.start();
  const far = knock(world, one, bytes);
  world.time.pass(5);
  expect([types(far), far.gone]).toEqual([[], true]);
});

test('SendNOTIFICATIONwithoutOPEN has it answered with one, and a stop too (RFC 4271 8.1.1)', () => {
  const config = { passive: true, delayOpenSec: 60, sendNotificationWithoutOpen: true };
  for (const [bytes, said] of [
    [new Uint8Array(19), [3, 1, 1]],
    [theirOpen({ localAsn: 1 }), [3, 2, 2]],
  ] as const) {
    const world = new World();
    const one = world.speaker(A, B, config);
    one.session.start();
    const far = knock(world, one, bytes);
    world.time.pass(5);
    expect([...(far.written.at(-1)?.slice(18, 21) ?? [])]).toEqual(said);
  }
  const world = new World();
  const one = world.speaker(A, B, config);
  one.session.start();
  const far = knock(world, one);
  one.session.stop({ kind: 'leave', text: '' });
  expect([...(far.written.at(-1)?.slice(18, 21) ?? [])]).toEqual([3, 6, 2]);
});

/** Milliseconds between the ends of a session with a peer that refuses every OPEN. */
function gaps(overrides: object): number[] {
  const world = new World();
  const one = world.speaker(A, B, { peerAsn: 64999, ...overrides });
  const two = world.speaker(B, A, { passive: true });
  two.session.start();
  one.session.start();
  const ends: number[] = [];
  for (let seen = 0; ends.length < 8; ) {
    world.time.pass(10);
    if (one.downs.length > seen) ends.push(world.time.now());
    seen = one.downs.length;
  }
  return ends.slice(1).map((end, i) => Math.round((end - (ends[i] ?? 0)) / 1000));
}

test('DampPeerOscillations: each failure makes the idle hold longer, up to a minute (RFC 4271 8.1.1)', () => {
  // Jitter of the fixed chance 0.5 makes 87.5 % of it.
  expect(gaps({})).toEqual([1, 2, 4, 7, 14, 28, 53]);
});

test('after a session that lasted, failures are counted from the beginning, and they count (RFC 4271 8.1.1)', () => {
  const world = new World();
  const [one, two] = pairUp(world);
  world.time.pass(120_000);
  two.session.stop({ kind: 'restart' });
  world.tcp.listen(B, (c) => {
    c.onData = (_slab, _start, end) => {
      c.end(message(NOTIFICATION, hex`06 05`));
      return end;
    };
  });
  world.time.pass(60_000);
  // 1, 1, 2, 4, 8, 16 s and so on, not one a second.
  expect(one.downs.length).toBeLessThan(9);
});

test('without DampPeerOscillations the idle hold stays at a second', () => {
  expect(gaps({ dampPeerOscillations: false })).toEqual([1, 1, 1, 1, 1, 1, 1]);
});

test('stop() ends the idle hold too: nothing starts again, and no timer is left (RFC 4271 8.2.2, Idle)', () => {
  const world = new World();
  const one = world.speaker(A, B, { peerAsn: 64999 });
  const two = world.speaker(B, A, { passive: true });
  two.session.start();
  one.session.start();
  world.time.pass(500);
  expect(one.session.state).toBe('Idle');
  one.session.stop({ kind: 'leave', text: '' });
  two.session.stop({ kind: 'leave', text: '' });
  world.time.pass(120_000);
  expect([one.session.state, world.time.pending]).toEqual(['Idle', 0]);
  expect(one.downs.at(-1)?.code).toBe('ADMIN_DOWN');
});

test('timers of who dials are 75 to 100 % of their length, by the chance given; the hold timer is not (RFC 4271 10)', () => {
  for (const [chance, ms] of [
    [0, 22_500],
    [0.999999, 30_000],
  ] as const) {
    const world = new World();
    world.random = () => chance;
    const [one] = pairUp(world);
    const before = one.session.counters.sent.keepalive;
    world.time.pass(ms - 150);
    expect(one.session.counters.sent.keepalive).toBe(before);
    world.time.pass(200);
    expect(one.session.counters.sent.keepalive).toBe(before + 1);
  }
});

test('who sends UPDATEs sends no KEEPALIVEs beside them (RFC 4271 8.2.2: an UPDATE restarts the KeepaliveTimer)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { holdTimeSec: 9 });
  const before = one.session.counters.sent.keepalive;
  for (let i = 0; i < 60; i++) {
    world.time.pass(1_000);
    one.session.send(UPDATE);
  }
  expect(one.session.counters.sent.keepalive).toBe(before);
  expect(two.session.state).toBe('Established');
  world.time.pass(10_000);
  expect(one.session.counters.sent.keepalive).toBeGreaterThan(before + 2);
});

/** A peer that goes on talking, whatever we do, for so long. */
function talk(world: World, far: MemoryConnection, ms: number): void {
  for (let passed = 0; passed < ms; passed += 1_000) {
    far.other?.write(KEEPALIVE_MESSAGE);
    world.time.pass(1_000);
  }
}
/** `one` established with such a peer, whose TCP takes nothing any more, and an UPDATE in the queue. */
function unheard(overrides: object): { world: World; one: Speaker; far: MemoryConnection } {
  const world = new World();
  const one = world.speaker(A, B, { passive: true, ...overrides });
  one.session.start();
  const far = knock(world, one, theirOpen({ holdTimeSec: 1000 }), KEEPALIVE_MESSAGE);
  world.time.pass(10);
  far.stalled = true;
  one.session.send(UPDATE);
  return { world, one, far };
}

test('the send hold timer: a TCP that takes nothing for 8 minutes ends the session, without a word (RFC 9687 3)', () => {
  const { world, one, far } = unheard({});
  talk(world, far, 479_000);
  expect(one.session.state).toBe('Established');
  talk(world, far, 61_000);
  expect(one.downs.at(-1)).toMatchObject({ code: 'SEND_HOLD_TIMER_EXPIRED', wasEstablished: true, keepRoutes: false });
  expect(one.downs.at(-1)?.sent).toBeUndefined();
  expect([far.gone, types(far)]).toEqual([true, [1, 4, 2]]);
});

test('the send hold timer: who takes something, however slowly, is alive (RFC 9687 3.2)', () => {
  const { world, one, far } = unheard({});
  one.session.send(UPDATE);
  for (let i = 0; i < 30; i++) {
    talk(world, far, 60_000);
    one.session.send(UPDATE);
    far.unsent -= UPDATE.length;
  }
  expect(one.session.state).toBe('Established');
});

test.each([
  [{ holdTimeSec: 1000 }, 2000],
  [{ sendHoldTimeSec: 20 }, 20],
  [{ sendHoldTimeSec: 0 }, undefined],
  [{ holdTimeSec: 0 }, undefined],
])('the send hold time of %j is %s seconds (RFC 9687 3.1)', (config, seconds) => {
  const { world, one, far } = unheard(config);
  talk(world, far, (seconds ?? 3_000) * 1000 - 1_000);
  expect(one.session.state).toBe('Established');
  talk(world, far, (seconds ?? 0) * 150);
  expect(one.session.state).toBe(seconds === undefined ? 'Established' : 'Active');
});

test('behind a queue that does not move no KEEPALIVE piles up', () => {
  const { world, far } = unheard({ sendHoldTimeSec: 0 });
  talk(world, far, 3_600_000);
  expect(far.unsent).toBe(UPDATE.length);
});

test('the KEEPALIVE that confirms an OPEN goes out though the OPEN still waits (RFC 4271 8.2.2)', () => {
  const world = new World();
  const one = world.speaker(A, B, { passive: true });
  one.session.start();
  const [near, far] = world.tcp.pair(B, A);
  far.stalled = true;
  one.session.accept(far);
  near.write(theirOpen());
  world.time.pass(5);
  expect(types(far)).toEqual([1, 4]);
});

test('send() answers false above the mark; who goes on all the same ends the session with Cease/8 at a stated size', () => {
  const world = new World();
  const [one] = pairUp(world);
  const near = nearEnd(world);
  near.stalled = true;
  const megabyte = packWithdrawals(Array.from({ length: 210_000 }, (_, i) => prefixKey(i * 256, 24)));
  expect(one.session.send(megabyte)).toBe(false);
  for (let i = 0; i < 100; i++) one.session.send(megabyte);
  expect(one.downs.at(-1)).toMatchObject({ code: 'OUT_OF_RESOURCES', wasEstablished: true });
  expect(one.downs.at(-1)?.sent).toMatchObject({ code: 6, subcode: 8 });
  expect(near.unsent).toBeLessThan(18 * 1024 * 1024);
  expect(one.session.send(megabyte)).toBe(true);
});

test('CollisionDetectEstablishedState: the established connection is compared as well, and the higher identifier wins (RFC 4271 6.8)', () => {
  const config = { gracefulRestart: undefined, collisionDetectEstablishedState: true };
  for (const [peersIdentifier, survives] of [
    [address('192.0.2.200'), false],
    [address('1.1.1.1'), true],
  ] as const) {
    const world = new World();
    const [one] = pairUp(world, config, { bgpIdentifier: peersIdentifier, gracefulRestart: undefined });
    world.time.pass(5_000);
    const far = knock(world, one, theirOpen({ bgpIdentifier: peersIdentifier }), KEEPALIVE_MESSAGE);
    world.time.pass(10);
    // `one` dialled: where the peer's identifier is the higher, the connection that the peer opened lives.
    expect(one.session.agreed?.outgoing).toBe(survives);
    const loser = survives ? far : nearEnd(world);
    expect([...(loser.written.at(-1)?.slice(18) ?? [])]).toEqual([3, 6, 7]);
  }
});

test('a connection with a delayed OPEN does not keep another one from coming up', () => {
  const world = new World();
  const one = world.speaker(A, B, { delayOpenSec: 30 });
  world.tcp.listen(B, () => {});
  one.session.start();
  world.time.pass(10);
  knock(world, one, theirOpen(), KEEPALIVE_MESSAGE);
  world.time.pass(10);
  expect(one.session.state).toBe('Established');
  world.time.pass(60_000);
  expect(one.session.counters.establishedCount).toBe(1);
});

test('with the shortest hold time keepalives come a second apart, whatever the jitter (RFC 4271 4.4)', () => {
  const world = new World();
  world.random = () => 0;
  pairUp(world, { holdTimeSec: 3 }, { holdTimeSec: 3 });
  const near = nearEnd(world);
  const keepalives = (): number => types(near).filter((type) => type === 4).length;
  const before = keepalives();
  world.time.pass(10_000);
  expect(keepalives() - before).toBe(10);
});

test.each([
  [{ keepaliveSec: 4 }, 3, 4],
  [{ keepaliveSec: 60 }, 22.5, 30],
  [{}, 22.5, 30],
])('with %o and 90 s of hold time KEEPALIVEs are %d to %d s apart (RFC 4271 4.4 and 10)', (more, least, most) => {
  const world = new World();
  pairUp(world, { holdTimeSec: 90, ...more }, { holdTimeSec: 90 });
  const near = nearEnd(world);
  const count = (): number => types(near).filter((type) => type === 4).length;
  world.time.pass(1);
  const before = count();
  world.time.pass(600_000);
  expect(count() - before).toBeGreaterThanOrEqual(Math.floor(600 / most));
  expect(count() - before).toBeLessThanOrEqual(Math.ceil(600 / least));
});
