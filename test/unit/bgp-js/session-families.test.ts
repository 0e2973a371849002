/** A session with several families: End-of-RIB and refresh of each, enhanced refresh, extended messages, what may be kept. */
import { expect, test } from 'vitest';
import { ourOpen } from '../../../src/bgp-js/session/negotiate.ts';
import type { SessionConfig } from '../../../src/bgp-js/session/session-types.ts';
import { END_OF_RIB } from '../../../src/bgp-js/update/packer.ts';
import { IPV4_UNICAST, IPV6_UNICAST, L2VPN_EVPN } from '../../../src/bgp-js/wire/family.ts';
import { KEEPALIVE_MESSAGE, message, NOTIFICATION, ROUTE_REFRESH, UPDATE } from '../../../src/bgp-js/wire/message.ts';
import { encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { encodeRouteRefresh } from '../../../src/bgp-js/wire/route-refresh.ts';
import { hex } from '../../support/hex.ts';
import type { MemoryConnection } from '../../support/memory-tcp.ts';
import { A, B, configOf, type Speaker, World } from './two-speakers.ts';

const BOTH = [IPV4_UNICAST, IPV6_UNICAST];
const END_OF_RIB_IPV6 = message(UPDATE, hex`0000 0006 80 0f 03 0002 01`);
/** FRR and GoBGP write two octets of length. */
const END_OF_RIB_IPV6_LONG = message(UPDATE, hex`0000 0007 90 0f 0003 0002 01`);

function pairUp(a: Partial<SessionConfig> = {}, b: Partial<SessionConfig> = {}): [Speaker, Speaker, World] {
  const world = new World();
  const one = world.speaker(A, B, { families: BOTH, enhancedRouteRefresh: true, ...a });
  const two = world.speaker(B, A, { passive: true, families: BOTH, enhancedRouteRefresh: true, ...b });
  two.session.start();
  one.session.start();
  world.time.pass(50);
  one.log.length = two.log.length = 0;
  return [one, two, world];
}

/** A raw peer behind a session: what it said is told by `one.log`, what it was told by the last thing written. */
function raw(overrides: Partial<SessionConfig>, theirs: Partial<SessionConfig>, ...messages: Uint8Array[]) {
  const world = new World();
  const one = world.speaker(A, B, { passive: true, ...overrides });
  one.session.start();
  const [near, far] = world.tcp.pair(B, A);
  near.onData = (_slab, _start, end) => end;
  one.session.accept(far);
  near.write(encodeOpen(ourOpen(configOf(B, A, theirs))));
  near.write(KEEPALIVE_MESSAGE);
  world.time.pass(5);
  one.log.length = 0;
  for (const bytes of messages) near.write(bytes);
  world.time.pass(5);
  return { one, far, log: one.log.filter((line) => line.startsWith('refresh') || line.startsWith('end')) };
}
const lastWords = (far: MemoryConnection): number[] => [...(far.written.at(-1)?.slice(18) ?? [])];
const enhanced = { enhancedRouteRefresh: true, gracefulRestart: undefined } as unknown as Partial<SessionConfig>;
const refresh = (subtype: number, family = IPV4_UNICAST): Uint8Array => encodeRouteRefresh({ family, subtype });

test('End-of-RIB is told per family, in all its spellings (RFC 4724 2)', () => {
  const [one, two, world] = pairUp();
  for (const bytes of [END_OF_RIB_IPV6, END_OF_RIB, END_OF_RIB_IPV6_LONG]) one.session.send(bytes);
  world.time.pass(5);
  expect(two.log).toEqual(['end of RIB ipv6 unicast', 'end of RIB ipv4 unicast', 'end of RIB ipv6 unicast']);
});

test('a refresh asks for one family, and not for one that the session has not got (RFC 2918 4)', () => {
  const [one, two, world] = pairUp();
  expect(one.session.requestRefresh(IPV6_UNICAST)).toBe(true);
  expect(one.session.requestRefresh(L2VPN_EVPN)).toBe(false);
  world.time.pass(5);
  expect(two.log).toEqual(['refresh request ipv6 unicast']);
  expect([one.session.counters.sent.routeRefresh, two.session.counters.received.routeRefresh]).toEqual([1, 1]);
});

test('BoRR and EoRR mark a refresh, after our End-of-RIB where graceful restart promises one (RFC 7313 4)', () => {
  const [one, two, world] = pairUp();
  expect(one.session.beginRefresh(IPV6_UNICAST)).toBe(false);
  one.session.send(END_OF_RIB_IPV6);
  expect(one.session.beginRefresh(IPV6_UNICAST)).toBe(true);
  expect(one.session.beginRefresh()).toBe(false);
  expect(one.session.endRefresh(IPV6_UNICAST)).toBe(true);
  world.time.pass(5);
  expect(two.log).toEqual(['end of RIB ipv6 unicast', 'refresh begin ipv6 unicast', 'refresh end ipv6 unicast']);
});

test('a peer without the capability gets no marks, and a plain request still (RFC 7313 4)', () => {
  const [one] = pairUp({}, { enhancedRouteRefresh: false });
  one.session.send(END_OF_RIB);
  expect([one.session.beginRefresh(), one.session.endRefresh(), one.session.requestRefresh()]).toEqual([
    false,
    false,
    true,
  ]);
});

test('an EoRR without a BoRR is ignored, a second BoRR begins anew, and marks nobody agreed on are ignored (RFC 7313 4)', () => {
  expect(raw(enhanced, enhanced, refresh(2), refresh(1), refresh(1), refresh(2), refresh(2)).log).toEqual([
    'refresh begin ipv4 unicast',
    'refresh begin ipv4 unicast',
    'refresh end ipv4 unicast',
  ]);
  expect(raw({}, enhanced, refresh(1), refresh(2)).log).toEqual([]);
  expect(raw(enhanced, enhanced, refresh(1, IPV6_UNICAST), refresh(0, IPV6_UNICAST), refresh(7)).log).toEqual([]);
});

test('a BoRR in front of the End-of-RIB is ignored where graceful restart promises one (RFC 7313 4)', () => {
  const both = { enhancedRouteRefresh: true };
  expect(raw(both, both, refresh(1), refresh(2), END_OF_RIB, refresh(1), refresh(2)).log).toEqual([
    'end of RIB ipv4 unicast',
    'refresh begin ipv4 unicast',
    'refresh end ipv4 unicast',
  ]);
});

test('a BoRR of wrong length is 7/1 with the whole message, where enhanced refresh was agreed (RFC 7313 5)', () => {
  for (const body of [hex`0001 01 01 00`, hex`0001`, hex`0001 02 01 ffff`]) {
    const bytes = message(ROUTE_REFRESH, body);
    const { far, one } = raw(enhanced, enhanced, bytes);
    expect(lastWords(far)).toEqual([3, 7, 1, ...bytes]);
    expect(one.downs.at(-1)?.code).toBe('NOTIFICATION_SENT');
  }
});

test('without it, one that is too short is 1/2 with its length, and a longer mark means nothing (RFC 4271 6.1)', () => {
  expect(lastWords(raw({}, {}, message(ROUTE_REFRESH, hex`0001 00`)).far)).toEqual([3, 1, 2, 0, 22]);
  const { one, log } = raw({}, {}, message(ROUTE_REFRESH, hex`0001 01 01 00`));
  expect([one.session.state, log]).toEqual(['Established', []]);
});

test('a request with filters behind it is a request (RFC 5291 4)', () => {
  expect(raw({}, {}, message(ROUTE_REFRESH, hex`0001 00 01  01 40 0001 80`)).log).toEqual([
    'refresh request ipv4 unicast',
  ]);
});

test('ROUTE-REFRESH in OpenConfirm is 5/2 with its type (RFC 6608 4)', () => {
  const world = new World();
  const one = world.speaker(A, B, { passive: true });
  one.session.start();
  const [near, far] = world.tcp.pair(B, A);
  near.onData = (_slab, _start, end) => end;
  one.session.accept(far);
  near.write(encodeOpen(ourOpen(configOf(B, A))));
  near.write(refresh(0));
  world.time.pass(5);
  expect(lastWords(far)).toEqual([3, 5, 2, 5]);
});

/** An UPDATE of so many octets: one prefix withdrawn over and over. */
const update = (octets: number): Uint8Array => {
  const body = new Uint8Array(octets - 19);
  const prefixes = octets - 19 - 4;
  body[0] = prefixes >>> 8;
  body[1] = prefixes & 0xff;
  return message(UPDATE, body); // the rest are zeros: prefixes of length 0
};

test('a message of 4097 octets is read where we offered extended messages, and only there (RFC 8654 4)', () => {
  expect(raw({ extendedMessages: true }, { extendedMessages: true }, update(65_535)).one.log).toEqual([
    'update 65512/0',
  ]);
  expect(raw({ extendedMessages: true }, {}, update(4097)).one.log).toEqual(['update 4074/0']);
  expect(lastWords(raw({}, { extendedMessages: true }, update(4097)).far)).toEqual([3, 1, 2, 0x10, 0x01]);
  expect(raw({}, {}, update(4096)).one.log).toEqual(['update 4073/0']);
});

test('an OPEN or a KEEPALIVE beyond 4096 octets is 1/2 even with extended messages (RFC 8654 4)', () => {
  const long = { extendedMessages: true };
  for (const type of [1, 4])
    expect(lastWords(raw(long, long, message(type, new Uint8Array(4097 - 19))).far)).toEqual([3, 1, 2, 0x10, 0x01]);
});

test('what may be kept is told family by family (RFC 4724 4.2)', () => {
  const gr = { gracefulRestart: { restartTimeSec: 120, bits: () => ({ restarting: false, forwarding: true }) } };
  const [one, two, world] = pairUp(gr, gr);
  two.session.stop({ kind: 'restart' });
  world.time.pass(5);
  expect(one.downs.at(-1)).toMatchObject({ keepRoutes: true, keepFamilies: BOTH });

  const [six, other, later] = pairUp({ ...gr, families: [IPV6_UNICAST] }, { ...gr, families: [IPV6_UNICAST] });
  other.session.stop({ kind: 'restart' });
  later.time.pass(5);
  expect(six.downs.at(-1)).toMatchObject({ keepRoutes: false, keepFamilies: [IPV6_UNICAST] });
});

test('with restart time 0 only what is long-lived may be kept (RFC 9494 4.2)', () => {
  const lived = {
    gracefulRestart: { restartTimeSec: 0, bits: () => ({ restarting: false, forwarding: true }) },
    longLivedGracefulRestart: [{ family: IPV6_UNICAST, staleTimeSec: 3600 }],
  };
  const [one, two, world] = pairUp(lived, lived);
  two.session.stop({ kind: 'restart' });
  world.time.pass(5);
  expect(one.downs.at(-1)).toMatchObject({ keepRoutes: false, keepFamilies: [IPV6_UNICAST] });
});

test('a Hard Reset keeps nothing, whatever was agreed (RFC 8538 4, RFC 9494 4.2)', () => {
  const [one, two, world] = pairUp();
  two.session.stop({ kind: 'leave', text: 'bye' });
  world.time.pass(5);
  expect(one.downs.at(-1)).toMatchObject({ keepRoutes: false, keepFamilies: [] });
});

test('a role that does not match ends the attempt with a code of its own (RFC 9234 4.2)', () => {
  const ebgp = { localAsn: 64513, peerAsn: 64512 };
  const [one] = pairUp({ peerAsn: 64513, role: 'provider' }, { ...ebgp, role: 'provider' });
  expect(one.downs.at(-1)).toMatchObject({ code: expect.stringMatching(/^(ROLE_MISMATCH|NOTIFICATION_RECEIVED)$/) });
  const [good] = pairUp({ peerAsn: 64513, role: 'provider' }, { ...ebgp, role: 'customer' });
  expect(good.session.agreed).toMatchObject({ role: 'provider', peerRole: 'customer' });
});

/** A listener that answers each OPEN with what `answer` says, and keeps the OPENs. */
function oldPeer(answer: (attempt: number) => readonly Uint8Array[]): {
  world: World;
  one: Speaker;
  opens: Uint8Array[];
} {
  const world = new World();
  const one = world.speaker(A, B, { families: BOTH, extendedMessages: true });
  const opens: Uint8Array[] = [];
  world.tcp.listen(B, (connection) => {
    connection.onData = (slab, start, end) => {
      if (slab[start + 18] === 1)
        for (const bytes of answer(opens.push(slab.slice(start, end)))) connection.write(bytes);
      return end;
    };
  });
  one.session.start();
  return { world, one, opens };
}

test('a peer that refuses our capabilities (2/4) is tried without them: IPv4 unicast and 2-octet AS numbers (RFC 5492 3)', () => {
  const refusal = message(NOTIFICATION, hex`02 04`);
  const theirs = encodeOpen(ourOpen(configOf(B, A), true));
  const { world, one, opens } = oldPeer((attempt) => (attempt === 1 ? [refusal] : [theirs, KEEPALIVE_MESSAGE]));
  world.time.pass(2_000);
  expect(opens.map((open) => open.length > 29)).toEqual([true, false]);
  expect(one.session.agreed).toMatchObject({
    families: [IPV4_UNICAST],
    fourOctetAs: false,
    routeRefresh: false,
    extendedMessages: false,
  });
  expect(one.session.agreed?.gracefulRestart).toBeUndefined();
});

test('an attempt without capabilities is followed by one with them: it may have been a mishap', () => {
  const refusal = message(NOTIFICATION, hex`02 04`);
  const other = message(NOTIFICATION, hex`06 05`);
  const { world, opens } = oldPeer((attempt) => [attempt === 2 ? other : refusal]);
  world.time.pass(30_000);
  expect(opens.slice(0, 4).map((open) => open.length > 29)).toEqual([true, false, true, false]);
});

test('who needs another family than IPv4 unicast goes on asking for it', () => {
  const world = new World();
  const lengths: number[] = [];
  const one = world.speaker(A, B, { families: [IPV6_UNICAST] });
  world.tcp.listen(B, (connection) => {
    connection.onData = (_slab, start, end) => {
      lengths.push(end - start);
      connection.write(message(NOTIFICATION, hex`02 04`));
      return end;
    };
  });
  one.session.start();
  world.time.pass(5_000);
  expect(lengths.length).toBeGreaterThan(1);
  expect(lengths.every((length) => length > 29)).toBe(true);
});

test('the NOTIFICATION about a long ROUTE-REFRESH holds all of it where extended messages were agreed (RFC 7313 5, RFC 8654 4)', () => {
  const long = { ...enhanced, extendedMessages: true };
  const bytes = message(ROUTE_REFRESH, new Uint8Array(6000).fill(1));
  expect(lastWords(raw(long, long, bytes).far).length).toBe(3 + bytes.length);
});
