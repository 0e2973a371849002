/** Two sessions over a channel that loses, delays and reorders: they come Up once it is good, they notice when it is cut, and
 *  they do not flap on a good one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeControlPacket } from '../../../src/bfd/packet.ts';
import { bfdSession, type TestSession } from '../../support/bfd.ts';
import { FakeTime } from '../../support/fake-time.ts';

interface Channel {
  /** 0..1 */
  loss: number;
  /** Each packet takes from the least to the most, so that they overtake each other. */
  leastMs: number;
  mostMs: number;
}

const channels = fc.record({
  loss: fc.constantFrom(0, 0.1, 0.3, 0.6, 1),
  leastMs: fc.integer({ min: 0, max: 20 }),
  mostMs: fc.integer({ min: 20, max: 2000 }),
});
const timings = fc.record({
  intervalMs: fc.constantFrom(10, 50, 100, 300, 1000, 1500),
  multiplier: fc.integer({ min: 1, max: 5 }),
});
/** No float of fast-check is slow enough to matter here: a plain generator from a seed. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

function pair(time: FakeTime, ab: Channel, ba: Channel, timing: [Timing, Timing], seed: number) {
  const random = randomFrom(seed);
  const side = (mine: number, timing: Timing, channel: Channel, other: () => TestSession): TestSession =>
    bfdSession({
      time,
      random,
      timing,
      discriminator: mine,
      onSend: (bytes) => {
        if (random() < channel.loss) return;
        time.after(channel.leastMs + random() * (channel.mostMs - channel.leastMs), () => {
          const decoded = decodeControlPacket(bytes);
          if (decoded.ok && (decoded.value.yourDiscriminator === 0 || decoded.value.yourDiscriminator === 3 - mine))
            other().session.receive(decoded.value);
        });
      },
    });
  const a: TestSession = side(1, timing[0], ab, () => b);
  const b: TestSession = side(2, timing[1], ba, () => a);
  a.session.start();
  b.session.start();
  return [a, b] as const;
}
type Timing = { readonly intervalMs: number; readonly multiplier: number };

const GOOD: Channel = { loss: 0, leastMs: 0, mostMs: 1 };
const timingPairs = fc.tuple(timings, timings);

test('after any trouble both come Up within 5 s of a good channel and agree on the intervals', () => {
  fc.assert(
    fc.property(channels, channels, timingPairs, fc.nat(), (ab, ba, timing, seed) => {
      const time = new FakeTime();
      const [there, back] = [{ ...ab }, { ...ba }];
      const [a, b] = pair(time, there, back, timing, seed);
      time.pass(10_000);
      Object.assign(there, GOOD);
      Object.assign(back, GOOD);
      // What is still under way from the bad time may take one of them down once more.
      const slow = 2 * Math.max(timing[0].intervalMs, timing[1].intervalMs, 1000);
      time.pass(2000 + 5000 + 6 * slow);
      expect([a.session.state, b.session.state]).toEqual(['Up', 'Up']);
      const agreed = Math.max(timing[0].intervalMs, timing[1].intervalMs);
      for (const { session } of [a, b])
        expect(session.snapshot()).toMatchObject({ sendIntervalMs: agreed, receiveIntervalMs: agreed });
      // And on a good channel nothing happens any more.
      const before = a.changes.length + b.changes.length;
      time.pass(20_000);
      expect(a.changes.length + b.changes.length).toBe(before);
    }),
    { numRuns: 150, verbose: 1 },
  );
});

test('a cut is noticed within the detection time after the last packet, also when only one direction is cut', () => {
  fc.assert(
    fc.property(
      timingPairs,
      fc.boolean(),
      fc.nat(),
      fc.integer({ min: 0, max: 3000 }),
      (timing, bothWays, seed, when) => {
        const time = new FakeTime();
        const [there, back] = [{ ...GOOD }, { ...GOOD }];
        const [a, b] = pair(time, there, back, timing, seed);
        time.pass(20_000 + when);
        expect([a.session.state, b.session.state]).toEqual(['Up', 'Up']);
        const detection = b.session.detectionTimeMs;
        there.loss = 1;
        if (bothWays) back.loss = 1;
        // A packet of the last millisecond may be under way.
        time.pass(detection + there.mostMs);
        expect(b.session.state).toBe('Down');
        time.pass(a.session.detectionTimeMs + 2 * back.mostMs);
        expect(a.session.state === 'Up').toBe(false);
      },
    ),
    { numRuns: 150, verbose: 1 },
  );
});
