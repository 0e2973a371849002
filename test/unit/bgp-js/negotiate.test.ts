/** What two OPENs agree on: a function of our configuration and theirs. */
import { expect, test } from 'vitest';
import { type Negotiated, negotiate, ourOpen } from '../../../src/bgp-js/session/negotiate.ts';
import type { SessionConfig } from '../../../src/bgp-js/session/session-types.ts';
import { updateContext } from '../../../src/bgp-js/session/update-context.ts';
import type { Capabilities } from '../../../src/bgp-js/wire/capabilities.ts';
import { IPV4_FLOWSPEC, IPV4_UNICAST, IPV6_UNICAST, keyOfFamily, L2VPN_EVPN } from '../../../src/bgp-js/wire/family.ts';
import type { BgpRole } from '../../../src/bgp-js/wire/role.ts';
import { toHex } from '../../support/hex.ts';
import { A, B, configOf } from './two-speakers.ts';

type Overrides = Partial<SessionConfig>;
const peerOpen = (capabilities: Capabilities, fields = {}) => ({
  myAs: 64512,
  holdTimeSec: 90,
  bgpIdentifier: B,
  capabilities,
  ...fields,
});
function agreed(ours: Overrides, capabilities: Capabilities, fields = {}): Negotiated {
  const result = negotiate(configOf(A, B, ours), peerOpen(capabilities, fields));
  if (!result.ok) throw new Error(result.error.text);
  return result.value;
}
const faultOf = (ours: Overrides, capabilities: Capabilities, fields = {}): string | undefined => {
  const result = negotiate(configOf(A, B, ours), peerOpen(capabilities, fields));
  return result.ok ? undefined : `${result.error.code}/${result.error.subcode}`;
};

test('families are those that both offer, in our order (RFC 4760 8)', () => {
  const families = [IPV6_UNICAST, L2VPN_EVPN, IPV4_UNICAST];
  expect(agreed({ families }, { multiprotocol: [IPV4_UNICAST, IPV4_FLOWSPEC, IPV6_UNICAST] }).families).toEqual([
    IPV6_UNICAST,
    IPV4_UNICAST,
  ]);
});

test('a peer without the capability has IPv4 unicast and nothing else (RFC 4760 8)', () => {
  expect(agreed({ families: [IPV6_UNICAST, IPV4_UNICAST] }, {}).families).toEqual([IPV4_UNICAST]);
  expect(faultOf({ families: [IPV6_UNICAST] }, {})).toBe('2/7');
});

test('without a common family the answer is 2/7, and its data are the capabilities that the peer lacks (RFC 5492 5)', () => {
  const result = negotiate(
    configOf(A, B, { families: [IPV6_UNICAST, L2VPN_EVPN] }),
    peerOpen({ multiprotocol: [IPV4_UNICAST] }),
  );
  if (result.ok) throw new Error('agreed');
  expect(toHex(result.error.data)).toBe('010400020001010400190046');
  expect(result.error.text).toContain('ipv6 unicast, l2vpn evpn');
});

test.each([
  ['both ways with both ways', { receive: true, send: true }, [1, 1]],
  ['both ways with a receiver', { receive: true, send: false }, [0, 1]],
  ['both ways with a sender', { receive: false, send: true }, [1, 0]],
  ['both ways with a peer that says nothing', undefined, [0, 0]],
])('ADD-PATH: %s (RFC 7911 5)', (_name, theirs, [receive, send]) => {
  const ours = { addPath: { receive: [IPV4_UNICAST], send: [IPV4_UNICAST] } };
  const { addPath } = agreed(ours, theirs === undefined ? {} : { addPath: [{ ...IPV4_UNICAST, ...theirs }] });
  expect([addPath.receive.length, addPath.send.length]).toEqual([receive, send]);
});

test('ADD-PATH counts family by family and only for families that the session has; of a tuple that came twice the last (RFC 7911 4)', () => {
  const both = [IPV4_UNICAST, IPV6_UNICAST];
  const theirs: Capabilities = {
    multiprotocol: [IPV4_UNICAST],
    addPath: [
      { ...IPV4_UNICAST, receive: true, send: true },
      { ...IPV6_UNICAST, receive: true, send: true },
      { ...IPV4_UNICAST, receive: true, send: false },
    ],
  };
  const { addPath } = agreed({ families: both, addPath: { receive: both, send: both } }, theirs);
  expect(addPath).toEqual({ receive: [], send: [IPV4_UNICAST] });
});

test('our ADD-PATH capability has a tuple per family with 1, 2 or 3 (RFC 7911 4)', () => {
  const addPath = { receive: [IPV4_UNICAST, IPV6_UNICAST], send: [IPV6_UNICAST, IPV4_FLOWSPEC] };
  expect(ourOpen(configOf(A, B, { addPath })).capabilities.addPath).toEqual([
    { ...IPV4_UNICAST, receive: true, send: false },
    { ...IPV6_UNICAST, receive: true, send: true },
    { ...IPV4_FLOWSPEC, receive: false, send: true },
  ]);
});

test('an IPv6 next hop is agreed where both list the family with AFI 2, and offered only when asked for (RFC 8950 4)', () => {
  const offer = { extendedNextHop: [{ ...IPV4_UNICAST, nextHopAfi: 2 }] };
  const ours = { extendedNextHop: [IPV4_UNICAST] };
  expect(agreed(ours, offer).extendedNextHop).toEqual([IPV4_UNICAST]);
  expect(agreed({}, offer).extendedNextHop).toEqual([]);
  expect(agreed(ours, { extendedNextHop: [{ ...IPV4_UNICAST, nextHopAfi: 1 }] }).extendedNextHop).toEqual([]);
  expect(ourOpen(configOf(A, B)).capabilities.extendedNextHop).toBeUndefined();
});

test('extended messages and enhanced refresh need both sides (RFC 8654 4, RFC 7313 4)', () => {
  for (const [ours, theirs] of [
    [true, true],
    [true, false],
    [false, true],
  ]) {
    const config = ours ? { extendedMessages: true, enhancedRouteRefresh: true } : {};
    const offer = theirs ? { extendedMessages: true as const, enhancedRouteRefresh: true as const } : {};
    const result = agreed(config, offer);
    expect([result.extendedMessages, result.enhancedRouteRefresh]).toEqual([ours && theirs, ours && theirs]);
  }
});

const EBGP = { peerAsn: 64513 };
const ROLE_VALUES = { provider: 0, rs: 1, 'rs-client': 2, customer: 3, peer: 4 } as const;
const PAIRS: readonly [BgpRole, BgpRole][] = [
  ['provider', 'customer'],
  ['customer', 'provider'],
  ['rs', 'rs-client'],
  ['rs-client', 'rs'],
  ['peer', 'peer'],
];

test('the five pairs of roles go together, every other pair is 2/11 (RFC 9234 4.2)', () => {
  const names = Object.keys(ROLE_VALUES) as BgpRole[];
  for (const role of names)
    for (const peerRole of names) {
      const good = PAIRS.some(([a, b]) => a === role && b === peerRole);
      const theirs = { fourOctetAsn: 64513, roles: [ROLE_VALUES[peerRole]] };
      expect(faultOf({ ...EBGP, role }, theirs), `${role} and ${peerRole}`).toBe(good ? undefined : '2/11');
      if (good) expect(agreed({ ...EBGP, role }, theirs)).toMatchObject({ role, peerRole });
    }
});

test('a peer without a role is taken, and in strict mode refused with 2/11 (RFC 9234 4.2)', () => {
  const theirs = { fourOctetAsn: 64513 };
  expect(agreed({ ...EBGP, role: 'customer' }, theirs)).toMatchObject({ role: 'customer' });
  expect(faultOf({ ...EBGP, role: 'customer', strictRole: true }, theirs)).toBe('2/11');
});

test('two different roles are 2/11 though we have none; an unassigned one is 2/11 to who has one (RFC 9234 4.2)', () => {
  expect(faultOf(EBGP, { fourOctetAsn: 64513, roles: [3, 0] })).toBe('2/11');
  expect(faultOf({ ...EBGP, role: 'peer' }, { fourOctetAsn: 64513, roles: [9] })).toBe('2/11');
  const without = agreed(EBGP, { fourOctetAsn: 64513, roles: [9] });
  expect([without.role, without.peerRole]).toEqual([undefined, undefined]);
});

test('within an AS and within a confederation roles do not count (RFC 9234 4)', () => {
  expect(faultOf({ role: 'peer', strictRole: true }, { fourOctetAsn: 64512, roles: [3, 0] })).toBeUndefined();
  const inside = { ...EBGP, confederation: true, role: 'peer' } as const;
  expect(faultOf(inside, { fourOctetAsn: 64513, roles: [0] })).toBeUndefined();
  expect(ourOpen(configOf(A, B, { role: 'peer' })).capabilities.roles).toBeUndefined();
  expect(ourOpen(configOf(A, B, { ...EBGP, role: 'peer' })).capabilities.roles).toEqual([4]);
});

test('identifiers: zero is 2/3, ours is 2/3 within the AS only (RFC 6286 2)', () => {
  expect(faultOf({}, {}, { bgpIdentifier: 0 })).toBe('2/3');
  expect(faultOf({}, {}, { bgpIdentifier: A })).toBe('2/3');
  expect(faultOf(EBGP, { fourOctetAsn: 64513 }, { bgpIdentifier: A })).toBeUndefined();
});

test('the smaller hold time counts, 0 of either side turns it off, and 1 and 2 are 2/6 (RFC 4271 4.2, 6.2)', () => {
  expect(agreed({ holdTimeSec: 30 }, {}).holdTimeSec).toBe(30);
  expect(agreed({ holdTimeSec: 180 }, {}).holdTimeSec).toBe(90);
  expect(agreed({ holdTimeSec: 0 }, {}).holdTimeSec).toBe(0);
  expect(agreed({}, {}, { holdTimeSec: 0 }).holdTimeSec).toBe(0);
  for (const holdTimeSec of [1, 2]) expect(faultOf({}, {}, { holdTimeSec })).toBe('2/6');
});

test('the number in the capability is the AS, and AS_TRANS stands in the field of one that does not fit (RFC 6793 4.1)', () => {
  const ours = { localAsn: 4_200_000_001, peerAsn: 4_200_000_000 };
  expect(ourOpen(configOf(A, B, ours))).toMatchObject({ myAs: 23456, capabilities: { fourOctetAsn: 4_200_000_001 } });
  expect(agreed(ours, { fourOctetAsn: 4_200_000_000 }, { myAs: 23456 })).toMatchObject({
    peerAsn: 4_200_000_000,
    localAsn: 4_200_000_001,
    ibgp: false,
    fourOctetAs: true,
  });
  expect(faultOf(ours, {}, { myAs: 23456 })).toBe('2/2');
});

test('the AS of a session is its own: the same peer is iBGP or eBGP by it', () => {
  const theirs = { fourOctetAsn: 64999 };
  expect(agreed({ peerAsn: 64999, localAsn: 64999 }, theirs).ibgp).toBe(true);
  expect(agreed({ peerAsn: 64999, localAsn: 65000 }, theirs).ibgp).toBe(false);
});

const GR = { restartTimeSec: 120, restarting: true, notification: true };
test('graceful restart is known family by family, as far as the session has them (RFC 4724 3, RFC 8538 2)', () => {
  const families = [
    { ...IPV6_UNICAST, forwarding: true },
    { ...IPV4_UNICAST, forwarding: false },
    { ...L2VPN_EVPN, forwarding: true },
  ];
  const both = [IPV4_UNICAST, IPV6_UNICAST];
  const { gracefulRestart } = agreed({ families: both }, { multiprotocol: both, gracefulRestart: { ...GR, families } });
  expect(gracefulRestart).toEqual({
    ...GR,
    ipv4: true,
    forwarding: false,
    families: [
      { family: IPV4_UNICAST, forwarding: false },
      { family: IPV6_UNICAST, forwarding: true },
    ],
  });
});

test('F is asked for per family at every OPEN, and the restart time fits its 12 bits (RFC 4724 3)', () => {
  const config = configOf(A, B, {
    families: [IPV4_UNICAST, IPV6_UNICAST],
    gracefulRestart: {
      restartTimeSec: 9999,
      bits: () => ({ restarting: false, forwarding: (family) => family.afi === 2 }),
    },
  });
  expect(ourOpen(config).capabilities.gracefulRestart).toEqual({
    restartTimeSec: 4095,
    restarting: false,
    notification: true,
    families: [
      { ...IPV4_UNICAST, forwarding: false },
      { ...IPV6_UNICAST, forwarding: true },
    ],
  });
});

test('long-lived graceful restart needs the capability of both and GR beside it (RFC 9494 3.1)', () => {
  const lived = { longLivedGracefulRestart: [{ family: IPV4_UNICAST, staleTimeSec: 3600 }] };
  const theirs = { longLivedGracefulRestart: [{ ...IPV4_UNICAST, forwarding: true, staleTimeSec: 86_400 }] };
  const gr = { gracefulRestart: { ...GR, families: [] } };
  expect(agreed(lived, { ...theirs, ...gr }).longLivedGracefulRestart).toEqual([
    { family: IPV4_UNICAST, forwarding: true, staleTimeSec: 86_400 },
  ]);
  expect(agreed(lived, theirs).longLivedGracefulRestart).toBeUndefined();
  expect(agreed({}, { ...theirs, ...gr }).longLivedGracefulRestart).toBeUndefined();
  expect(agreed(lived, gr).longLivedGracefulRestart).toBeUndefined();
  expect(ourOpen(configOf(A, B, lived)).capabilities.longLivedGracefulRestart).toEqual([
    { ...IPV4_UNICAST, forwarding: false, staleTimeSec: 3600 },
  ]);
});

test('the context of UPDATEs follows: what we receive and what we send differ in ADD-PATH', () => {
  const ours = {
    ...EBGP,
    role: 'customer',
    families: [IPV4_UNICAST, IPV6_UNICAST],
    addPath: { receive: [IPV4_UNICAST], send: [IPV6_UNICAST] },
    extendedNextHop: [IPV4_UNICAST],
    extendedMessages: true,
  } as const;
  const all = {
    ...agreed(ours, {
      multiprotocol: [IPV4_UNICAST, IPV6_UNICAST],
      fourOctetAsn: 64513,
      addPath: [IPV4_UNICAST, IPV6_UNICAST].map((f) => ({ ...f, receive: true, send: true })),
      extendedNextHop: [{ ...IPV4_UNICAST, nextHopAfi: 2 }],
      extendedMessages: true,
    }),
    localAddress: A,
    localPort: 1,
    peerPort: 179,
    outgoing: true,
  };
  const keys = (...families: { afi: number; safi: number }[]) => new Set(families.map(keyOfFamily));
  expect(updateContext(all, 'receive')).toEqual({
    fourOctetAs: true,
    ibgp: false,
    confederation: false,
    localAsn: 64512,
    peerAsn: 64513,
    role: 'customer',
    families: keys(IPV4_UNICAST, IPV6_UNICAST),
    addPath: keys(IPV4_UNICAST),
    extendedNextHop: keys(IPV4_UNICAST),
    maxMessageLength: 65535,
  });
  expect(updateContext(all, 'send').addPath).toEqual(keys(IPV6_UNICAST));
});
