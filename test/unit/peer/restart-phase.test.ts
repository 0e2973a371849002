import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import type { Agreed } from '../../../src/bgp-js/session/session-types.ts';
import { IPV4_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { RestartPhase } from '../../../src/peer/restart-phase.ts';
import { FakeTime } from '../../support/fake-time.ts';

const up = (gr?: Partial<NonNullable<Agreed['gracefulRestart']>>): Agreed => ({
  localAsn: 64512,
  peerAsn: 64512,
  peerBgpIdentifier: ipv4(1),
  ibgp: true,
  confederation: false,
  holdTimeSec: 90,
  fourOctetAs: true,
  families: [IPV4_UNICAST],
  addPath: { receive: [], send: [] },
  extendedNextHop: [],
  extendedMessages: false,
  routeRefresh: true,
  enhancedRouteRefresh: false,
  ...(gr && {
    gracefulRestart: {
      restartTimeSec: 120,
      restarting: false,
      ipv4: true,
      forwarding: true,
      notification: true,
      families: [{ family: IPV4_UNICAST, forwarding: true }],
      ...gr,
    },
  }),
  localAddress: ipv4(2),
  localPort: 1,
  peerPort: 179,
  outgoing: true,
});

function phase(...names: string[]) {
  const time = new FakeTime();
  const ends: string[] = [];
  const heard: string[] = [];
  const made = new RestartPhase(
    {
      forwarding: true,
      onComplete: (why) => ends.push(`${why} ${time.now()}`),
      onAllHeard: (why) => heard.push(`${why} ${time.now()}`),
    },
    time,
  );
  made.configured(names);
  return { time, ends, heard, phase: made };
}

describe('RestartPhase (RFC 4724 4.1)', () => {
  test('ends with the last awaited End-of-RIB', () => {
    const { time, ends, phase: p } = phase('a', 'b');
    p.up('a', up({}));
    p.up('b', up({}));
    p.endOfRib('a', IPV4_UNICAST);
    expect(p.awaited()).toEqual(['b']);
    expect(p.bits).toEqual({ restarting: true, forwarding: true });
    time.pass(500);
    p.endOfRib('b', IPV4_UNICAST);
    expect(ends).toEqual(['all-peers 500']);
    expect(p.bits).toEqual({ restarting: false, forwarding: true });
  });

  test('a living peer that owes its End-of-RIB is waited for until the cap', () => {
    const { time, ends, phase: p } = phase('a');
    p.up('a', up({}));
    time.pass(14_999);
    expect(ends).toEqual([]);
    time.pass(1);
    expect(ends).toEqual(['cap 15000']);
    expect(time.pending).toBe(0);
  });

  test('a peer without the capability, without the family, or restarting itself is not waited for', () => {
    const { ends, phase: p } = phase('plain', 'v6 only', 'restarting');
    p.up('plain', up());
    p.up('v6 only', up({ ipv4: false, families: [] }));
    p.up('restarting', up({ restarting: true }));
    expect(ends).toEqual(['all-peers 0']);
  });

  test('one that was up and went is waited for past the 3 s, one that never was is not', () => {
    const { time, ends, phase: p } = phase('flaps', 'dead');
    p.up('flaps', up({}));
    p.down('flaps');
    time.pass(5000);
    expect(p.awaited()).toEqual(['flaps']);
    p.up('flaps', up({}));
    p.endOfRib('flaps', IPV4_UNICAST);
    expect(ends).toEqual(['all-peers 5000']);
  });

  test('a peer that is removed from the configuration is not waited for any more', () => {
    const { ends, phase: p } = phase('a');
    p.configured([]);
    expect(ends).toEqual(['no-peers 0']);
  });

  test('after a power cut of all nodes the kernel keeps what it has until those that restarted too have spoken', () => {
    const { time, ends, heard, phase: p } = phase('a', 'b', 'late');
    p.up('a', up({ restarting: true }));
    p.up('b', up({ restarting: true }));
    time.pass(3000);
    expect(ends).toEqual(['all-peers 3000']);
    expect(p.bits.restarting).toBe(false);
    p.endOfRib('a', IPV4_UNICAST);
    p.endOfRib('b', IPV4_UNICAST);
    expect(p.awaited()).toEqual(['late']);
    p.up('late', up({ restarting: true }));
    expect(heard).toEqual([]);
    p.endOfRib('late', IPV4_UNICAST);
    expect(heard).toEqual(['all-peers 3000']);
    expect(time.pending).toBe(0);
  });

  test('a peer that stays away keeps nothing in the kernel beyond the cap', () => {
    const { time, ends, heard } = phase('dead');
    time.pass(15_000);
    expect(ends).toEqual(['all-peers 3000']);
    expect(heard).toEqual(['cap 15000']);
  });
});
