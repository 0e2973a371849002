/** Sessions through anything: what peers send, in whatever pieces, and what users ask, in any order. No exception, no timer left
 *  behind, no NOTIFICATION answered, and two good speakers always find each other again. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ourOpen } from '../../../src/bgp-js/session/negotiate.ts';
import type { BgpSession } from '../../../src/bgp-js/session/session.ts';
import type { SessionConfig } from '../../../src/bgp-js/session/session-types.ts';
import { END_OF_RIB } from '../../../src/bgp-js/update/packer.ts';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { KEEPALIVE_MESSAGE, message } from '../../../src/bgp-js/wire/message.ts';
import { encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { encodeRouteRefresh } from '../../../src/bgp-js/wire/route-refresh.ts';
import { A, B, configOf, World } from '../../unit/bgp-js/two-speakers.ts';

/** Settings that change how the FSM runs. */
const settings: fc.Arbitrary<Partial<SessionConfig>> = fc.record(
  {
    holdTimeSec: fc.constantFrom(0, 3, 9, 90),
    delayOpenSec: fc.constantFrom(0, 2),
    dampPeerOscillations: fc.boolean(),
    collisionDetectEstablishedState: fc.boolean(),
    sendNotificationWithoutOpen: fc.boolean(),
    enhancedRouteRefresh: fc.boolean(),
    extendedMessages: fc.boolean(),
    sendHoldTimeSec: fc.constantFrom(0, 30),
    families: fc.constantFrom([IPV4_UNICAST], [IPV4_UNICAST, IPV6_UNICAST]),
    yieldMs: fc.constantFrom(0, 1000),
  },
  { requiredKeys: [] },
);

/** What a peer by hand may send: good messages out of turn, good headers round noise, and noise. */
const OPEN = encodeOpen(ourOpen(configOf(B, A)));
const piece: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(OPEN, KEEPALIVE_MESSAGE, END_OF_RIB, message(3, new Uint8Array([6, 2]))) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 0, max: 3 }).map((subtype) => encodeRouteRefresh({ family: IPV4_UNICAST, subtype })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 40 }))
      .map(([type, body]) => message(type, body)),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
);

test('whatever a peer sends, cut anywhere: no exception, at most one NOTIFICATION a connection, none of them an answer to one, and no timer is left (RFC 4271 6.4)', () => {
  fc.assert(
    fc.property(
      settings,
      fc.array(fc.tuple(piece, fc.nat(60), fc.constantFrom(0, 1, 5, 4_000)), { maxLength: 12 }),
      (overrides, script) => {
        const world = new World();
        const one = world.speaker(A, B, { ...overrides, passive: true });
        one.session.start();
        const [near, far] = world.tcp.pair(B, A);
        let heard: number[] = [];
        near.onData = (slab, start, end) => {
          for (let at = start; at + 19 <= end; at += (slab[at + 16]! << 8) | slab[at + 17]!) heard.push(slab[at + 18]!);
          return end;
        };
        one.session.accept(far);
        for (const [bytes, cut, pause] of script) {
          near.write(bytes.subarray(0, cut));
          near.write(bytes.subarray(cut));
          world.time.pass(pause);
        }
        world.time.pass(10);
        const notifications = heard.filter((type) => type === 3).length;
        expect(notifications).toBeLessThanOrEqual(1);
        if (one.downs[0]?.received !== undefined) expect(notifications).toBe(0);
        heard = [];
        one.session.stop({ kind: 'leave', text: 'end' });
        near.destroy();
        world.time.pass(10);
        expect([one.session.state, world.time.pending]).toEqual(['Idle', 0]);
      },
    ),
    { numRuns: 400 },
  );
});

const ACTS: Readonly<Record<string, (session: BgpSession, world: World) => unknown>> = {
  start: (session) => session.start(),
  stop: (session) => session.stop({ kind: 'restart' }),
  leave: (session) => session.stop({ kind: 'leave', text: 'bye' }),
  reset: (session) => session.reset(bgpError(6, 4, 'a test')),
  refresh: (session) => session.requestRefresh(),
  mark: (session) => session.beginRefresh() && session.endRefresh(),
  send: (session) => session.send(END_OF_RIB),
  pause: (session) => session.pause(),
  resume: (session) => session.resume(),
  cut: (_session, world) => {
    const near = world.tcp.dialled.at(-1);
    near?.closed();
    near?.other?.closed();
  },
};

test('whatever users do to two sessions: no exception, states in order, and started they find each other again (RFC 4271 8.2.2)', () => {
  fc.assert(
    fc.property(
      settings,
      settings,
      fc.boolean(),
      fc.array(
        fc.tuple(fc.boolean(), fc.constantFrom(...Object.keys(ACTS)), fc.constantFrom(0, 1, 2, 50, 3_000, 20_000)),
        {
          maxLength: 15,
        },
      ),
      (a, b, passive, script) => {
        const world = new World();
        const one = world.speaker(A, B, a);
        const two = world.speaker(B, A, { ...b, passive });
        for (const [first, what, pause] of script) {
          ACTS[what]?.(first ? one.session : two.session, world);
          world.time.pass(pause);
        }
        for (const { session } of [one, two]) {
          session.resume();
          session.start();
        }
        world.time.pass(200_000);
        const states = [one.session.state, two.session.state];
        if (states.some((s) => s !== 'Established'))
          throw new Error(`${states} after ${JSON.stringify([one.log, two.log])}`);
        expect(one.session.agreed?.localPort).toBe(two.session.agreed?.peerPort);
        for (const { session } of [one, two]) session.stop({ kind: 'leave', text: '' });
        world.time.pass(10);
        expect(world.time.pending).toBe(0);
      },
    ),
    { numRuns: 300 },
  );
});
