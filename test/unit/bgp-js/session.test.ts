/** One peer over memory TCP and fake time: coming up, ending, colliding, coming back. */
import { expect, test } from 'vitest';
import { prefixKey } from '../../../src/base/prefix.ts';
import { ourOpen } from '../../../src/bgp-js/session/negotiate.ts';
import type { Connection } from '../../../src/bgp-js/session/session-types.ts';
import { END_OF_RIB, packWithdrawals } from '../../../src/bgp-js/update/packer.ts';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { A, address, B, configOf, pairUp, type Speaker, World } from './two-speakers.ts';

const last = (s: Speaker): unknown => s.downs.at(-1);

test('two speakers come up and agree on 4-octet AS, refresh, graceful restart and the smaller hold time (RFC 4271 8.2.2)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { holdTimeSec: 30 });
  expect(one.log).toEqual(['Connect', 'OpenSent', 'OpenConfirm', 'Established', 'up dialled']);
  expect(two.log).toEqual(['Active', 'OpenSent', 'OpenConfirm', 'Established', 'up accepted']);
  expect(one.session.agreed).toMatchObject({
    peerAsn: 64512,
    peerBgpIdentifier: B,
    ibgp: true,
    holdTimeSec: 30,
    fourOctetAs: true,
    routeRefresh: true,
    gracefulRestart: { restartTimeSec: 120, ipv4: true, notification: true, forwarding: false },
    outgoing: true,
    peerPort: 179,
  });
  expect(two.session.agreed).toMatchObject({ holdTimeSec: 30, outgoing: false, peerBgpIdentifier: A });
});

test('keepalives hold a silent session up for an hour, and no timer is left after it is stopped (RFC 4271 4.4)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { holdTimeSec: 3 });
  world.time.pass(3_600_000);
  expect([one.session.state, two.session.state]).toEqual(['Established', 'Established']);
  expect(one.session.counters.establishedCount).toBe(1);
  expect(one.session.counters.sent.keepalive).toBeGreaterThan(3600);
  one.session.stop({ kind: 'leave', text: '' });
  two.session.stop({ kind: 'leave', text: '' });
  world.time.pass(10);
  expect(world.time.pending).toBe(0);
});

test('hold time 0 means no keepalives and no hold timer (RFC 4271 4.2)', () => {
  const world = new World();
  const [one] = pairUp(world, { holdTimeSec: 0 });
  const before = one.session.counters.sent.keepalive;
  world.time.pass(3_600_000);
  expect(one.session.state).toBe('Established');
  expect(one.session.counters.sent.keepalive).toBe(before);
});

test('updates arrive whole, End-of-RIB is reported as such, and a refresh reaches the other side (RFC 4724 2, RFC 2918)', () => {
  const world = new World();
  const [one, two] = pairUp(world);
  one.session.send(packWithdrawals([prefixKey(address('10.0.0.0'), 8)]));
  one.session.send(END_OF_RIB);
  two.session.requestRefresh();
  world.time.pass(10);
  expect(two.log.slice(-2)).toEqual(['update 2/0', 'end of RIB ipv4 unicast']);
  expect(one.log.at(-1)).toBe('refresh request ipv4 unicast');
  expect(two.session.counters.received.update).toBe(2);
});

test('the hold timer fires exactly at the hold time after the last message, with 4/0, and routes stay as both set N (RFC 4271 6.5, RFC 8538)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { holdTimeSec: 9 });
  const [near] = world.tcp.dialled;
  if (near?.other === undefined) throw new Error('no connection');
  const heard = world.time.now();
  near.other.cut = true;
  world.time.pass(heard + 8_900 - world.time.now());
  expect(one.session.state).toBe('Established');
  world.time.pass(150);
  expect(one.downs[0]).toMatchObject({ code: 'HOLD_TIMER_EXPIRED', wasEstablished: true, keepRoutes: true });
  expect(one.downs[0]?.sent).toMatchObject({ code: 4, subcode: 0 });
  expect(two.downs[0]).toMatchObject({ code: 'NOTIFICATION_RECEIVED', keepRoutes: true });
});

test('input that waits in the socket when the hold timer fires saves the session: we were slow, not the peer', () => {
  const world = new World();
  const [one] = pairUp(world, { holdTimeSec: 9 });
  const [near] = world.tcp.dialled;
  near?.pause();
  world.time.pass(8_900);
  if (near !== undefined) near.paused = false; // bytes wait; only readPending will fetch them
  world.time.pass(150);
  expect(one.session.state).toBe('Established');
});

test('while we do not read, the hold timer reads one slab first, and runs anew on resume; pauses are counted', () => {
  const world = new World();
  const [one] = pairUp(world, { holdTimeSec: 9 });
  one.session.pause();
  world.time.pass(60_000);
  expect(one.session.state).toBe('Established');
  one.session.resume();
  const [near] = world.tcp.dialled;
  if (near?.other !== undefined) near.other.cut = true;
  world.time.pass(8_000);
  expect(one.session.state).toBe('Established');
  world.time.pass(2_000);
  expect(one.downs[0]?.code).toBe('HOLD_TIMER_EXPIRED');
  expect(one.session.counters.pauses).toBe(1);
});

test('TCP loss keeps the routes when graceful restart was agreed, and drops them otherwise (RFC 4724 4.2)', () => {
  for (const gr of [true, false]) {
    const world = new World();
    const [one, two] = pairUp(world, gr ? {} : { gracefulRestart: undefined });
    two.session.stop({ kind: 'restart' });
    world.time.pass(5);
    expect(last(one)).toMatchObject({ code: 'TCP_CLOSED', keepRoutes: gr, wasEstablished: true });
    expect(one.downs[0]?.received).toBeUndefined();
    expect(last(two)).toMatchObject({ code: 'RESTART' });
  }
});

test('a lost session comes back by itself within about a second', () => {
  const world = new World();
  const [one, two] = pairUp(world);
  two.session.stop({ kind: 'restart' });
  world.time.pass(10);
  two.session.start();
  world.time.pass(1_100);
  expect(one.session.state).toBe('Established');
  expect(one.session.counters.establishedCount).toBe(2);
});

test('leaving is Cease/2 with its text inside a Hard Reset when both set N, and routes go (RFC 8538 3.1, RFC 9003)', () => {
  const world = new World();
  const [one, two] = pairUp(world);
  two.session.stop({ kind: 'leave', text: 'drained' });
  world.time.pass(5);
  expect(last(two)).toMatchObject({ code: 'ADMIN_DOWN', keepRoutes: false });
  expect(last(one)).toMatchObject({ code: 'NOTIFICATION_RECEIVED', keepRoutes: false });
  expect(one.downs[0]?.received).toMatchObject({ code: 6, subcode: 9 });
  expect(one.downs[0]?.text).toContain('"drained"');
});

test('leaving is a plain Cease/2 to a peer without N (RFC 4486)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { gracefulRestart: undefined });
  two.session.stop({ kind: 'leave', text: 'drained' });
  world.time.pass(5);
  expect(one.downs[0]?.received).toMatchObject({ code: 6, subcode: 2 });
  expect(one.downs[0]?.text).toContain('"drained"');
});

test('a peer taken out of the configuration hears Cease/3 (RFC 4486)', () => {
  const world = new World();
  const [one, two] = pairUp(world, { gracefulRestart: undefined });
  two.session.stop({ kind: 'deconfigured' });
  world.time.pass(5);
  expect(last(two)).toMatchObject({ code: 'DECONFIGURED', keepRoutes: false });
  expect(one.downs[0]?.received).toMatchObject({ code: 6, subcode: 3 });
});

test('reset sends the NOTIFICATION given and the session returns; N keeps the routes meanwhile (RFC 8538 4)', () => {
  const world = new World();
  const [one, two] = pairUp(world);
  one.session.reset(bgpError(3, 2, 'attribute 99'));
  world.time.pass(5);
  expect(last(one)).toMatchObject({ code: 'NOTIFICATION_SENT', keepRoutes: true });
  expect(last(two)).toMatchObject({ code: 'NOTIFICATION_RECEIVED', keepRoutes: true });
  world.time.pass(1_500);
  expect(one.session.state).toBe('Established');
});

test('a wrong AS is answered 2/2 and tried again ever more slowly, at most every minute (RFC 4271 6.2, 8.1.1)', () => {
  const world = new World();
  const one = world.speaker(A, B, { peerAsn: 64999 });
  const two = world.speaker(B, A, { passive: true });
  two.session.start();
  one.session.start();
  world.time.pass(600_000);
  expect(one.downs[0]).toMatchObject({ code: 'BAD_PEER_AS', wasEstablished: false, keepRoutes: false });
  expect(one.downs[0]?.text).toContain('64512');
  expect(one.downs.length).toBeGreaterThan(8);
  expect(one.downs.length).toBeLessThan(20);
});

test('hold times 1 and 2 are answered 2/6; our own identifier from an iBGP peer 2/3 (RFC 4271 6.2, RFC 6286 2.2)', () => {
  for (const [overrides, code] of [
    [{ holdTimeSec: 2 }, 'UNACCEPTABLE_HOLD_TIME'],
    [{ bgpIdentifier: A }, 'BAD_BGP_ID'],
  ] as const) {
    const world = new World();
    const [one] = pairUp(world, {}, overrides);
    expect(one.downs[0]?.code).toBe(code);
  }
});

test('a refused dial is tried again after about a second, then ever more slowly up to a minute', () => {
  const world = new World();
  const one = world.speaker(A, B, {}, false);
  one.session.start();
  world.time.pass(2_000);
  expect(one.downs[0]).toMatchObject({ code: 'TCP_REFUSED', wasEstablished: false });
  expect(one.downs.length).toBe(2);
  world.time.pass(600_000);
  expect(one.downs.length).toBeGreaterThan(10);
  expect(one.downs.length).toBeLessThan(20);
});

test('an incoming connection cuts the wait short', () => {
  const world = new World();
  const one = world.speaker(A, B);
  one.session.start();
  world.time.pass(300_000);
  const two = world.speaker(B, A);
  two.session.start();
  world.time.pass(20);
  expect(one.session.state).toBe('Established');
  expect(one.session.agreed?.outgoing).toBe(false);
});

test('a connection before start() is closed (RFC 4271 8.2.2, Idle)', () => {
  const world = new World();
  const one = world.speaker(A, B);
  const [near, far] = world.tcp.pair(B, A);
  one.session.accept(far);
  world.time.pass(5);
  expect(near.gone).toBe(true);
});

for (const [name, first, second] of [
  ['the side with the lower identifier starts first', A, B],
  ['the side with the higher identifier starts first', B, A],
] as const)
  test(`colliding connections leave the one that the higher identifier opened: ${name} (RFC 4271 6.8)`, () => {
    for (const lag of [0, 1, 2, 3]) {
      const world = new World();
      const one = world.speaker(first, second);
      const two = world.speaker(second, first);
      one.session.start();
      world.time.pass(lag);
      two.session.start();
      world.time.pass(10_000);
      expect([one.session.state, two.session.state], `lag ${lag}`).toEqual(['Established', 'Established']);
      expect([one.session.counters.establishedCount, two.session.counters.establishedCount], `lag ${lag}`).toEqual([
        1, 1,
      ]);
      // Who is not started yet closes what comes; no session may be lost.
      expect(
        [...one.downs, ...two.downs].filter((d) => lag === 0 || d.wasEstablished),
        `lag ${lag}`,
      ).toEqual([]);
      const higher = first === B ? one : two;
      if (lag === 0) expect(higher.session.agreed?.outgoing).toBe(true);
      expect(one.session.agreed?.localPort).toBe(two.session.agreed?.peerPort);
    }
  });

test('identifiers are compared unsigned, and equal ones by AS number (RFC 6286 2.3)', () => {
  const high = address('224.0.0.1');
  const world = new World();
  const one = world.speaker(A, B, { bgpIdentifier: high });
  const two = world.speaker(B, A, { bgpIdentifier: address('1.1.1.1') });
  one.session.start();
  two.session.start();
  world.time.pass(100);
  expect(one.session.agreed?.outgoing).toBe(true);

  const tie = new World();
  const low = tie.speaker(A, B, { bgpIdentifier: A, peerAsn: 4_200_000_000 });
  const top = tie.speaker(B, A, { bgpIdentifier: A, localAsn: 4_200_000_000 });
  low.session.start();
  top.session.start();
  tie.time.pass(100);
  expect(top.session.agreed?.outgoing).toBe(true);
  expect(low.session.agreed?.outgoing).toBe(false);
});

/** A peer by hand: connects, sends OPEN and KEEPALIVE. */
function knock(world: World, one: Speaker, overrides = {}): ReturnType<World['tcp']['pair']>[0] {
  const [near, far] = world.tcp.pair(B, A);
  near.onData = (_slab, _start, end) => end;
  one.session.accept(far);
  near.write(encodeOpen(ourOpen(configOf(B, A, overrides))));
  near.write(KEEPALIVE_MESSAGE);
  return near;
}

test('with graceful restart a valid OPEN on a new connection replaces the old one without NOTIFICATION (RFC 4724 4.2)', () => {
  const world = new World();
  const [one] = pairUp(world);
  const [old] = world.tcp.dialled;
  if (old?.other !== undefined) old.other.cut = true;
  world.time.pass(5_000);
  const written = old?.written.length;
  knock(world, one);
  world.time.pass(10);
  expect(one.log.slice(-5)).toEqual([
    'OpenSent',
    'down PEER_RESTARTED keep',
    'OpenConfirm',
    'Established',
    'up accepted',
  ]);
  expect(old?.written.length).toBe(written);
  expect(old?.gone).toBe(true);
});

test('without graceful restart the established connection wins and the new one hears Cease/7 (RFC 4271 6.8)', () => {
  const world = new World();
  const [one] = pairUp(world, { gracefulRestart: undefined });
  world.time.pass(5_000);
  const near = knock(world, one);
  world.time.pass(10);
  expect(one.session.state).toBe('Established');
  expect(one.downs).toEqual([]);
  expect(near.other?.written.at(-1)?.slice(18)).toEqual(new Uint8Array([3, 6, 7]));
});

test('a connection without a valid OPEN does not touch the established one', () => {
  const world = new World();
  const [one] = pairUp(world);
  world.time.pass(5_000);
  const near = knock(world, one, { localAsn: 1 });
  world.time.pass(10);
  expect(one.session.state).toBe('Established');
  expect(near.other?.written.at(-1)?.slice(18, 21)).toEqual(new Uint8Array([3, 2, 2]));
});

/** What a raw peer gets back for `bytes`, sent in place of its OPEN or behind its OPEN and KEEPALIVE. */
function answerTo(bytes: Uint8Array, established: boolean): Uint8Array | undefined {
  const world = new World();
  const one = world.speaker(A, B, { passive: true });
  one.session.start();
  const [near, far] = world.tcp.pair(B, A);
  near.onData = (_slab, _start, end) => end;
  one.session.accept(far);
  if (established) {
    near.write(encodeOpen(ourOpen(configOf(B, A))));
    near.write(KEEPALIVE_MESSAGE);
  }
  near.write(bytes);
  world.time.pass(10);
  const answer = far.written.at(-1);
  return answer?.[18] === 3 ? answer.slice(19) : undefined;
}
const raw = (type: number, body: number[], length = 19 + body.length): Uint8Array =>
  new Uint8Array([...Array.from({ length: 16 }, () => 0xff), length >> 8, length & 255, type, ...body]);

test.each([
  ['a broken marker: 1/1', new Uint8Array(19), false, [1, 1]],
  ['length 18: 1/2 with the length', raw(4, [], 18), true, [1, 2, 0, 18]],
  ['length 4097: 1/2 with the length', raw(2, [], 4097), true, [1, 2, 0x10, 0x01]],
  ['type 9: 1/3 with the type', raw(9, [0]), true, [1, 3, 9]],
  ['version 3: 2/1 with ours', raw(1, [3, 0xfc, 0, 0, 90, 1, 1, 1, 1, 0]), false, [2, 1, 0, 4]],
  ['a KEEPALIVE in OpenSent: 5/1 with its type (RFC 6608 4)', raw(4, []), false, [5, 1, 4]],
  ['an UPDATE in OpenSent: 5/1', raw(2, [0, 0, 0, 0]), false, [5, 1, 2]],
  ['an OPEN in Established: 5/3', encodeOpen(ourOpen(configOf(B, A))), true, [5, 3, 1]],
  ['attributes past the end: 3/1', raw(2, [0, 0, 0, 9]), true, [3, 1]],
  ['withdrawn routes past the end: 3/1', raw(2, [0, 9, 0, 0]), true, [3, 1]],
  ['a prefix of length 33: 3/10', raw(2, [0, 0, 0, 0, 33, 1, 1, 1, 1, 1]), true, [3, 10]],
  ['a prefix cut off: 3/10', raw(2, [0, 2, 24, 10, 0, 0]), true, [3, 10]],
])('NOTIFICATION for %s (RFC 4271 6)', (_name, bytes, established, expected) => {
  expect([...(answerTo(bytes, established) ?? [])]).toEqual(expected);
});

test('a NOTIFICATION is never answered, be it malformed, early or late (RFC 4271 6.4)', () => {
  for (const established of [true, false])
    for (const bytes of [raw(3, [6, 2]), raw(3, [], 19), raw(3, [9, 9, 1]), raw(3, [], 5000)])
      expect(answerTo(bytes, established)).toBeUndefined();
});

test('a refresh for another family or of an unknown subtype is ignored (RFC 2918 4, RFC 7313 5)', () => {
  expect(answerTo(raw(5, [0, 2, 0, 1]), true)).toBeUndefined();
  expect(answerTo(raw(5, [0, 1, 7, 1]), true)).toBeUndefined();
});

test('a dialler whose connection dies beside an established one does not dial again: to the peer that would mean a restart', () => {
  const world = new World();
  const one = world.speaker(A, B);
  let silent: Connection | undefined;
  world.tcp.listen(B, (c) => {
    silent = c;
  });
  one.session.start();
  world.time.pass(10);
  knock(world, one);
  world.time.pass(10);
  expect(one.session.state).toBe('Established');
  silent?.destroy();
  const dials = world.tcp.dialled.length;
  world.time.pass(60_000);
  expect(world.tcp.dialled.length).toBe(dials);
  expect(one.session.state).toBe('Established');
});

test('in a mesh the lower identifier lets the higher one dial first, so nothing collides; alone it dials all the same (RFC 4271 6.8)', () => {
  const world = new World();
  const [low, high] = A < B ? [A, B] : [B, A];
  const one = world.speaker(low, high, { yieldMs: 1000 });
  const two = world.speaker(high, low, { yieldMs: 1000 });
  one.session.start();
  two.session.start();
  world.time.pass(50);
  expect([one.session.state, two.session.state]).toEqual(['Established', 'Established']);
  expect([one.session.agreed?.outgoing, two.session.agreed?.outgoing]).toEqual([false, true]);
  expect([one.downs, two.downs]).toEqual([[], []]);

  const quiet = new World();
  const waiting = quiet.speaker(low, high, { yieldMs: 1000 });
  const passive = quiet.speaker(high, low, { passive: true });
  passive.session.start();
  waiting.session.start();
  quiet.time.pass(700);
  expect(waiting.session.state).toBe('Idle');
  quiet.time.pass(400);
  expect(waiting.session.state).toBe('Established');
});
