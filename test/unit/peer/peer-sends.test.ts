/** Settings of a neighbour that decide in which form it is sent routes: what the neighbour then has, and that a change of one
 *  costs no session. */
import { describe, expect, test } from 'vitest';
import { formatIp, type IpAddress, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { BLACKHOLE, GRACEFUL_SHUTDOWN } from '../../../src/bgp-js/attributes/communities.ts';
import { splitUpdate } from '../../../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import type { UpdateFrame } from '../../../src/bgp-js/update/update-frame.ts';
import { IPV4_UNICAST_KEY } from '../../../src/bgp-js/wire/family.ts';
import type { PeerConfig } from '../../../src/model/peer.ts';
import type { Operation, Policy } from '../../../src/model/policy.ts';
import type { OwnAddresses } from '../../../src/peer/peer-family.ts';
import { PLAIN } from '../../support/rib.ts';
import { MemoryNetwork, type MemorySpeaker, peerConfig } from '../../support/speakers.ts';

const ORIGIN = '10.9.0.1';
const US = '10.9.0.2';
const PEER = '10.9.0.3';
const ROUTE = '10.244.1.0/26';
/** Beside BLACKHOLE and GRACEFUL_SHUTDOWN, which the routes' way depends on. */
const COMMUNITY = 0xfde90001;

const ip = (text: string): IpAddress => parseIp(text) as IpAddress;

const sets = (...operations: readonly Operation[]): Policy => ({
  name: 'set',
  rules: [{ name: '1', match: {}, operations, action: 'accept' }],
  otherwise: 'accept',
});
const RICH = sets(
  { do: 'setMed', value: 77 },
  {
    do: 'addCommunities',
    standard: [COMMUNITY],
    large: [{ global: 65001, local1: 1, local2: 2 }],
    extended: [0x0002fde900000001n],
  },
);
const HOLE = sets({ do: 'addCommunities', standard: [BLACKHOLE] });

interface Line {
  /** Of the neighbour whose settings are tried. */
  readonly asn?: number;
  readonly announces?: Policy;
  readonly beside?: OwnAddresses;
}

/** AS 65001 announces ROUTE to us, AS 65002, and we pass it on to the neighbour. */
function line(settings: Partial<PeerConfig>, { asn = 65003, announces = RICH, beside }: Line = {}) {
  const net = new MemoryNetwork();
  const origin = net.speaker(ORIGIN);
  const us = net.speaker(US, {}, beside === undefined ? {} : { addressesBeside: () => beside });
  const peer = net.speaker(PEER);
  origin.originate(ROUTE);
  origin.peers.apply([peerConfig(US, { asn: 65002, localAsn: 65001, exportPolicy: announces })]);
  peer.peers.apply([peerConfig(US, { asn: 65002, localAsn: asn })]);
  const configure = (more: Partial<PeerConfig>) =>
    us.peers.apply([
      peerConfig(ORIGIN, { asn: 65001, localAsn: 65002 }),
      peerConfig(PEER, { asn, localAsn: 65002, transit: true, ...more }),
    ]);
  configure(settings);
  net.time.pass(10_000);
  const change = (more: Partial<PeerConfig>) => {
    const { changed } = configure(more);
    net.time.pass(1000);
    expect(us.peers.peer(PEER)).toMatchObject({ state: 'Established', flaps: 0 });
    return changed;
  };
  return { us, peer, change, heard: () => heard(peer) };
}

const heard = (at: MemorySpeaker): PathAttributes | undefined =>
  [...at.rib.routes()].flatMap(({ paths }) => paths.map((path) => path.received ?? path.attributes))[0];

test('MED: to iBGP only, to everybody, to nobody', () => {
  const external = line({});
  expect(external.heard()).toBeDefined();
  expect(external.heard()?.med).toBeUndefined();
  expect(external.change({ med: 'keep' })).toMatchObject([{ fields: ['med'], cost: 'resend' }]);
  expect(external.heard()?.med).toBe(77);
  const internal = line({}, { asn: 65002 });
  expect(internal.heard()?.med).toBe(77);
  internal.change({ med: 'drop' });
  expect(internal.heard()).toBeDefined();
  expect(internal.heard()?.med).toBeUndefined();
});

test('communities of a kind that is withheld stay here, the others go', () => {
  const { change, heard } = line({});
  expect(heard()).toMatchObject({ communities: [COMMUNITY], largeCommunities: [{ global: 65001 }] });
  expect(heard()?.extendedCommunities).toHaveLength(1);
  expect(change({ withhold: ['extended', 'standard'] })).toMatchObject([{ fields: ['withhold'], cost: 'resend' }]);
  expect(heard()).toMatchObject({ largeCommunities: [{ global: 65001 }] });
  expect(heard()?.communities).toBeUndefined();
  expect(heard()?.extendedCommunities).toBeUndefined();
  change({ withhold: ['large'] });
  expect(heard()).toMatchObject({ communities: [COMMUNITY] });
  expect(heard()?.largeCommunities).toBeUndefined();
  change({});
  expect(heard()).toMatchObject({ communities: [COMMUNITY], largeCommunities: [{ global: 65001 }] });
});

test('GRACEFUL_SHUTDOWN goes out and is taken back under the session, on iBGP with LOCAL_PREF 0 (RFC 8326)', () => {
  const external = line({});
  expect(external.change({ gracefulShutdown: true })).toMatchObject([{ fields: ['gracefulShutdown'], cost: 'resend' }]);
  expect(external.heard()?.communities).toEqual([COMMUNITY, GRACEFUL_SHUTDOWN]);
  external.change({});
  expect(external.heard()?.communities).toEqual([COMMUNITY]);
  const internal = line({ gracefulShutdown: true }, { asn: 65002 });
  expect(internal.heard()).toMatchObject({ localPref: 0, communities: [COMMUNITY, GRACEFUL_SHUTDOWN] });
});

test('BLACKHOLE stays within our AS unless the neighbour is to have it (RFC 7999 3.2)', () => {
  const { us, peer, change, heard } = line({}, { announces: HOLE });
  expect(us.routes()).toHaveLength(1);
  expect(peer.routes()).toEqual([]);
  expect(change({ sendBlackhole: true })).toMatchObject([{ fields: ['sendBlackhole'], cost: 'resend' }]);
  expect(heard()?.communities).toEqual([BLACKHOLE]);
  change({});
  expect(peer.routes()).toEqual([]);
});

describe('third-party next hop (RFC 4271 5.1.3)', () => {
  const nextHop = (a: PathAttributes | undefined): string => formatIp(a?.nextHop ?? ip('0.0.0.0'));
  const on = (...subnets: string[]): Line => ({
    beside: { subnets: subnets.map((text) => parseIpPrefix(text)).filter((prefix) => prefix !== undefined) },
  });

  test('stays where all three are on one link', () => {
    const { change, heard } = line({}, on('10.9.0.0/24'));
    expect(nextHop(heard())).toBe(US);
    expect(change({ thirdPartyNextHop: true })).toMatchObject([{ fields: ['thirdPartyNextHop'], cost: 'resend' }]);
    expect(nextHop(heard())).toBe(ORIGIN);
  });

  test.each([
    ['the neighbour is not on the link', on('10.9.0.0/31')],
    ['the next hop is not on the link', on('10.9.0.2/31')],
    ['nothing is known of the link', {}],
  ])('is ours where %s', (_why, where) => {
    const { heard } = line({ thirdPartyNextHop: true }, where);
    expect(nextHop(heard())).toBe(US);
  });
});

/** Of a session that agreed on RFC 8950, with these attributes and nothing else. */
function updateOf(attributes: string): UpdateFrame {
  const octets = (n: number): string => n.toString(16).padStart(4, '0');
  const length = attributes.length / 2;
  const bytes = Buffer.from(`${'ff'.repeat(16)}${octets(23 + length)}020000${octets(length)}${attributes}`, 'hex');
  const families = new Set([IPV4_UNICAST_KEY]);
  const frame = splitUpdate(bytes, 0, bytes.length, { ...PLAIN_CONTEXT, families, extendedNextHop: families });
  if (!frame.ok) throw new Error(frame.error.text);
  return frame.value;
}

test.each([
  [true, '2001:db8::7'],
  [false, US],
])('extendedNextHop %s: an IPv4 route with an IPv6 next hop leaves with %s (RFC 8950)', (extendedNextHop, hop) => {
  const net = new MemoryNetwork();
  const [us, peer] = [net.speaker(US), net.speaker(PEER)];
  us.peers.apply([peerConfig(PEER, { transit: true, client: true, extendedNextHop, nextHop: 'keep' })]);
  peer.peers.apply([peerConfig(US, { extendedNextHop: true })]);
  net.time.pass(5000);
  const from = us.rib.addSource({ name: 'six', kind: 'ibgp', address: ip(ORIGIN), localAsn: 64512, peerAsn: 64512 });
  const reach = ['800e1a', '000101', '1020010db8000000000000000000000007', '00', '1a0af40100'].join('');
  const basics = ['40010100', '400200', '40050400000064'].join('');
  us.rib.receive(from, updateOf(reach + basics), PLAIN);
  net.time.pass(1000);
  const sent = heard(peer);
  expect(formatIp(sent?.mpNextHop?.address ?? sent?.nextHop ?? ip('0.0.0.0'))).toBe(hop);
  expect(us.peers.peer(PEER)).toMatchObject({ state: 'Established', flaps: 0 });
});
