import { expect, test } from 'vitest';
import { formatIp, parseIp } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { ipv6 } from '../../../src/base/ipv6.ts';
import { decodeAttributesOf } from '../../../src/bgp-js/attributes/attributes.ts';
import type { Captured, CapturedRib } from '../../../src/capture/captured.ts';
import { captureReader } from '../../../src/capture/reader.ts';
import { mrtTableDump } from '../../../src/monitoring/mrt-table-dump.ts';
import type { RouteView } from '../../../src/rib/terms/views.ts';
import { bytesOf } from '../../support/packets.ts';
import { PATH, path, route, source } from './route-views.ts';

const LOCAL = source(0, '0.0.0.0');
const V4_PEER = source(1, '10.9.0.2');
const V6_PEER = source(2, '2001:db8::2');

function dump(...routes: RouteView[]): readonly Captured[] {
  const peer = (id: number, at: string) =>
    [id, { bgpIdentifier: ipv4(id), address: parseIp(at) ?? ipv4(0), asn: 4_200_000_001 }] as const;
  const records = mrtTableDump({
    nowSec: 1_700_000_500,
    collector: ipv4(0x0a090001),
    viewName: 'gingham',
    localAsn: 64_512,
    peers: new Map([peer(1, '10.9.0.2'), peer(2, '2001:db8::2')]),
    routes: routes.flatMap((route) => [undefined, route]),
  });
  const reader = captureReader({ port: 179, told: {} });
  const whole = [...records].filter((record) => record !== undefined);
  return [...reader.push(bytesOf(...whole)), ...reader.end()];
}
const ribs = (items: readonly Captured[]): CapturedRib[] => items.filter((i): i is CapturedRib => i.kind === 'rib');

test('the peers come first, ourselves as 0.0.0.0 (RFC 6396 4.3.1)', () => {
  const [peers, ...others] = dump();
  expect(others).toEqual([]);
  expect(peers).toMatchObject({ kind: 'peer-index-table', collector: 0x0a090001, viewName: 'gingham' });
  expect(peers?.kind === 'peer-index-table' && peers.peers.map((p) => `${formatIp(p.address)} ${p.asn}`)).toEqual([
    '0.0.0.0 64512',
    '10.9.0.2 4200000001',
    '2001:db8::2 4200000001',
  ]);
});

test('every usable path is an entry with its attributes and time; a rejected one is none (RFC 6396 4.3.4)', () => {
  const refused = path(V6_PEER, { rejected: { code: 'AS_LOOP', text: '' }, best: false });
  const [rib] = ribs(dump(route('192.0.2.0/26', path(V4_PEER), path(LOCAL, { best: false }), refused)));
  expect(rib).toMatchObject({ sequence: 0, family: 257 });
  expect([...(rib?.nlri ?? [])]).toEqual([26, 192, 0, 2, 0]);
  expect(rib?.entries.map((e) => [e.peerIndex, e.originated, e.pathId])).toEqual([
    [1, 1_700_000_123, undefined],
    [0, 1_700_000_123, undefined],
  ]);
  const octets = rib?.entries[0]?.attributes ?? new Uint8Array();
  const params = { fourOctetAs: true, ibgp: false };
  expect(decodeAttributesOf(octets, 0, octets.length, params, 'nlri').attributes).toEqual(PATH);
});

test('IPv6 routes carry the next hop alone, link-local one and all (RFC 6396 4.3.4)', () => {
  const { nextHop: _, ...others } = PATH;
  const mpNextHop = { address: ipv6(1n), linkLocal: ipv6(0xfe80n << 112n) };
  const [rib] = ribs(dump(route('2001:db8:a::/64', path(V6_PEER, { attributes: { ...others, mpNextHop } }))));
  expect(rib?.family).toBe(513);
  const octets = Buffer.from(rib?.entries[0]?.attributes ?? []).toString('hex');
  expect(octets).toContain(`800e2120${'0'.repeat(31)}1fe80${'0'.repeat(28)}`);
});

test('path identifiers make it a record of RFC 8050 4.1', () => {
  const [rib] = ribs(
    dump(route('192.0.2.0/26', path(V4_PEER, { pathId: 7 }), path(V4_PEER, { pathId: 9, best: false }))),
  );
  expect(rib?.entries.map((e) => e.pathId)).toEqual([7, 9]);
});

test('an own IPv6 route has an unspecified next hop, and a default route no octets of prefix', () => {
  const own = path(LOCAL, { attributes: { origin: 'igp', asPath: [], nextHop: ipv4(0) } });
  const [v6, all] = ribs(dump(route('2001:db8:a::/64', own), route('0.0.0.0/0', path(V4_PEER))));
  expect(Buffer.from(v6?.entries[0]?.attributes ?? []).toString('hex')).toContain(`800e1110${'0'.repeat(32)}`);
  expect([...(all?.nlri ?? [])]).toEqual([0]);
  expect(all?.sequence).toBe(1);
});

test('where the tables ask for time, so does the dump', () => {
  const one = route('192.0.2.0/26', path(V4_PEER));
  const options = { nowSec: 0, collector: ipv4(1), viewName: '', localAsn: 1, peers: new Map() };
  const records = [...mrtTableDump({ ...options, routes: [undefined, one, undefined] })];
  expect(records.map((record) => record === undefined)).toEqual([false, true, true]);
});
