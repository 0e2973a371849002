/** Timers, Poll Sequences and intervals of one session, in fake time, by the letter of RFC 5880. */
import { expect, test } from 'vitest';
import { bfdSession } from '../../support/bfd.ts';

test('until it is Up it sends no faster than once a second, whatever is configured (6.8.3)', () => {
  const s = bfdSession({ random: () => 0 });
  s.session.start();
  s.time.pass(10_000);
  expect(s.sent.every((p) => p.desiredMinTxUs === 1_000_000)).toBe(true);
  const gaps = s.sent.slice(1).map((p, i) => p.at - (s.sent[i]?.at ?? 0));
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(750);
  expect(s.sent.length).toBeGreaterThan(9);
});

test('an interval of 3 s stays 3 s while it is not Up', () => {
  const s = bfdSession({ timing: { intervalMs: 3000, multiplier: 3 } });
  s.session.start();
  expect(s.last().desiredMinTxUs).toBe(3_000_000);
});

test('three-way handshake: Down to Init to Up, each said at once, and the wanted interval with a Poll (6.2, 6.8.3, 6.8.7)', () => {
  const s = bfdSession();
  s.session.start();
  expect(s.last()).toMatchObject({ state: 'Down', yourDiscriminator: 0, poll: false, requiredMinEchoRxUs: 0 });
  s.hear({ state: 'Down', yourDiscriminator: 0 });
  expect(s.last()).toMatchObject({ state: 'Init', yourDiscriminator: 0xbbbb, desiredMinTxUs: 1_000_000, poll: false });
  s.hear({ state: 'Init' });
  expect(s.last()).toMatchObject({ state: 'Up', desiredMinTxUs: 100_000, requiredMinRxUs: 100_000, poll: true });
  expect(s.sent).toHaveLength(3);
  expect(s.changes.map((c) => c.to)).toEqual(['Init', 'Up']);
});

test('all packets of a Poll Sequence have the P bit, until a Final comes (6.5)', () => {
  const s = bfdSession();
  s.session.start();
  s.hear({ state: 'Down', yourDiscriminator: 0 });
  s.hear({ state: 'Init' });
  s.sent.length = 0;
  for (let i = 0; i < 3; i++) {
    s.time.pass(100);
    s.hear({ state: 'Up' });
  }
  expect(s.sent.length).toBeGreaterThan(2);
  expect(s.sent.every((p) => p.poll)).toBe(true);
  s.hear({ state: 'Up', final: true });
  s.sent.length = 0;
  s.time.pass(200);
  expect(s.sent.length).toBeGreaterThan(1);
  expect(s.sent.every((p) => !p.poll)).toBe(true);
});

test('a Poll is answered at once with F and without P, also in the middle of our own Poll (6.5, 6.8.7)', () => {
  const s = bfdSession();
  s.session.start();
  s.hear({ state: 'Down', yourDiscriminator: 0 });
  s.hear({ state: 'Init', poll: true });
  expect(s.sent.at(-2)).toMatchObject({ state: 'Up', poll: true, final: false });
  expect(s.last()).toMatchObject({ state: 'Up', poll: false, final: true });
});

test('intervals are 75 to 100 % of what was agreed, and 75 to 90 % when the multiplier is 1 (6.8.7)', () => {
  for (const [multiplier, random, least, most] of [
    [3, 0, 75, 75],
    [3, 0.999999, 98, 100],
    [1, 0, 75, 75],
    [1, 0.999999, 88, 90],
  ] as const) {
    const s = bfdSession({ timing: { intervalMs: 100, multiplier }, random: () => random });
    s.comeUp();
    for (let i = 0; i < 20; i++) {
      s.time.pass(50);
      s.hear({ state: 'Up' });
    }
    const gaps = s.sent.slice(1).map((p, i) => p.at - (s.sent[i]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(most);
  }
});

test('the slower of our wish and the peer’s Required Min RX decides, at once in both directions (6.8.2, 6.8.3)', () => {
  const s = bfdSession({ random: () => 0 });
  s.comeUp();
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 100, receiveIntervalMs: 100, detectionTimeMs: 300 });
  s.hear({ state: 'Up', requiredMinRxUs: 400_000, desiredMinTxUs: 200_000, multiplier: 5 });
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 400, receiveIntervalMs: 200, detectionTimeMs: 1000 });
  s.sent.length = 0;
  s.time.pass(290);
  s.hear({ state: 'Up', requiredMinRxUs: 400_000 });
  expect(s.sent).toHaveLength(0);
  // Less is honoured counting from the last packet, so now.
  s.hear({ state: 'Up', requiredMinRxUs: 50_000 });
  s.time.pass(0);
  expect(s.sent).toHaveLength(1);
});

test('Required Min RX 0 stops our periodic packets, and a Poll is answered all the same (6.8.7)', () => {
  const s = bfdSession();
  s.comeUp();
  s.hear({ state: 'Up', requiredMinRxUs: 0 });
  for (let i = 0; i < 20; i++) {
    s.time.pass(100);
    s.hear({ state: 'Up', requiredMinRxUs: 0 });
  }
  expect(s.sent).toHaveLength(0);
  s.hear({ state: 'Up', requiredMinRxUs: 0, poll: true });
  expect(s.last()).toMatchObject({ final: true });
});

test('a peer in Demand mode gets no periodic packets but those of a Poll Sequence; it gets them again when it is not Up (6.6)', () => {
  const s = bfdSession();
  s.comeUp();
  const demand = { state: 'Up', demand: true } as const;
  for (let i = 0; i < 10; i++) {
    s.hear(demand);
    s.time.pass(100);
  }
  expect(s.sent).toHaveLength(0);
  s.session.change({ intervalMs: 50, multiplier: 3 });
  s.time.pass(100);
  expect(s.last()).toMatchObject({ poll: true, desiredMinTxUs: 50_000, demand: false });
  s.hear({ ...demand, final: true });
  s.sent.length = 0;
  s.hear(demand);
  s.time.pass(200);
  expect(s.sent).toHaveLength(0);
  s.hear({ state: 'Down', demand: true });
  s.time.pass(3000);
  expect(s.sent.length).toBeGreaterThan(2);
});

test('silence of the detection time takes it down, not a moment earlier: diagnostic 1, slow again, peer forgotten (6.8.4, 6.8.1)', () => {
  const s = bfdSession();
  s.comeUp();
  s.time.pass(299);
  expect(s.session.state).toBe('Up');
  s.time.pass(1);
  expect(s.session.state).toBe('Down');
  expect(s.changes).toEqual([{ from: 'Up', to: 'Down', cause: 'DetectionExpired', detectionTimeMs: 300 }]);
  expect(s.last()).toMatchObject({
    state: 'Down',
    diagnostic: 1,
    yourDiscriminator: 0,
    desiredMinTxUs: 1_000_000,
    poll: false,
  });
});

test('any good packet counts for the detection time, a Final and one with another state too', () => {
  const s = bfdSession();
  s.comeUp();
  for (let i = 0; i < 10; i++) {
    s.time.pass(290);
    s.hear({ state: i % 2 === 0 ? 'Init' : 'Up', final: i % 3 === 0 });
  }
  expect(s.session.state).toBe('Up');
});

test('who is late reads what waits before it believes in silence', () => {
  let waiting = 0;
  const s = bfdSession({
    readWaiting: () => {
      if (waiting-- > 0) s.hear({ state: 'Up' });
    },
  });
  s.comeUp();
  waiting = 1;
  // The thread stood still: no packet was handed on, and one lies in the socket.
  s.time.pass(300);
  expect(s.session.state).toBe('Up');
  s.time.pass(300);
  expect(s.session.state).toBe('Down');
});

test('the peer’s Down takes it down with diagnostic 3, and the peer’s AdminDown too (6.8.6)', () => {
  for (const state of ['Down', 'AdminDown'] as const) {
    const s = bfdSession();
    s.comeUp();
    s.hear({ state });
    expect(s.session.state).toBe('Down');
    expect(s.last()).toMatchObject({ state: 'Down', diagnostic: 3, desiredMinTxUs: 1_000_000 });
    // The change of our interval is polled for, since the peer is there.
    expect(s.last().poll).toBe(true);
  }
});

test('a slower interval is used only after the Final; a faster one at once (6.8.3)', () => {
  const s = bfdSession({ random: () => 0 });
  s.comeUp();
  s.session.change({ intervalMs: 400, multiplier: 3 });
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 100 });
  s.time.pass(100);
  // On a packet that was due anyway, with the new values in it.
  expect(s.last()).toMatchObject({ poll: true, desiredMinTxUs: 400_000, requiredMinRxUs: 400_000 });
  // What we can take less often is so at once: the detection time must not be shorter than what the peer may now do.
  expect(s.session.snapshot()).toMatchObject({ receiveIntervalMs: 400 });
  s.hear({ state: 'Up', final: true });
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 400 });
  s.hear({ state: 'Up' });
  s.session.change({ intervalMs: 50, multiplier: 3 });
  // The peer waits for 100 ms between packets as it asked, and we would detect after 3 x 100 ms.
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 100 });
});

test('a shorter Required Min RX shortens the detection time only after the Final (6.8.3)', () => {
  const s = bfdSession({ timing: { intervalMs: 400, multiplier: 3 } });
  s.comeUp();
  expect(s.session.detectionTimeMs).toBe(1200);
  s.session.change({ intervalMs: 100, multiplier: 3 });
  expect(s.session.detectionTimeMs).toBe(1200);
  s.hear({ state: 'Up' });
  expect(s.session.detectionTimeMs).toBe(1200);
  s.hear({ state: 'Up', final: true });
  expect(s.session.detectionTimeMs).toBe(300);
});

test('changes while a Poll runs wait for a Poll of their own, which begins after a packet without F (6.8.3)', () => {
  const s = bfdSession({ random: () => 0 });
  s.comeUp();
  s.session.change({ intervalMs: 200, multiplier: 3 });
  s.time.pass(100);
  expect(s.last().poll).toBe(true);
  s.session.change({ intervalMs: 300, multiplier: 3 });
  s.hear({ state: 'Up', final: true });
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 100 });
  s.time.pass(100);
  expect(s.last()).toMatchObject({ poll: false });
  s.hear({ state: 'Up' });
  s.time.pass(100);
  expect(s.last()).toMatchObject({ poll: true, desiredMinTxUs: 300_000 });
  s.hear({ state: 'Up', final: true });
  expect(s.session.snapshot()).toMatchObject({ sendIntervalMs: 300 });
});

test('AdminDown: said at once with diagnostic 7, all packets discarded, and back to Down on enabling (6.8.16, 6.8.6)', () => {
  const s = bfdSession();
  s.comeUp();
  s.session.disable();
  expect(s.last()).toMatchObject({ state: 'AdminDown', diagnostic: 7, desiredMinTxUs: 1_000_000 });
  s.hear({ state: 'Down' });
  s.hear({ state: 'Init', poll: true });
  expect(s.session.state).toBe('AdminDown');
  expect(s.last()).toMatchObject({ final: false });
  s.time.pass(1000);
  expect(s.last()).toMatchObject({ state: 'AdminDown' });
  s.session.enable();
  expect(s.last()).toMatchObject({ state: 'Down' });
});

test('an Up of an old session does not bring a new one up (6.8.6)', () => {
  const s = bfdSession();
  s.session.start();
  s.hear({ state: 'Up' });
  expect(s.session.state).toBe('Down');
});

test('a closed session leaves no timer', () => {
  const s = bfdSession();
  s.comeUp();
  s.session.close();
  expect(s.time.pending).toBe(0);
});
