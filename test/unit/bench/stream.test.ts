import { expect, test } from 'vitest';
import {
  announcements,
  attributeSets,
  bySet,
  internetRoutes,
  peerAddress,
  withdrawals,
} from '../../../bench/engine/stream.ts';

const ROUTES = 2000;
const SETS = 300;
const routes = internetRoutes(ROUTES, SETS);
const sets = attributeSets(SETS, { asn: 64513, nextHop: peerAddress(0) });

/** Messages with what is in them, read here by the RFC and not by our codec (RFC 4271 4.3). */
function read(octets: Uint8Array): { withdrawn: string[]; attributes: number; nlri: string[]; length: number }[] {
  const bytes = Buffer.from(octets);
  const messages = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 16);
    expect(bytes[at + 18]).toBe(2);
    const withdrawnEnd = at + 21 + bytes.readUInt16BE(at + 19);
    const attributes = bytes.readUInt16BE(withdrawnEnd);
    messages.push({
      length,
      attributes,
      withdrawn: prefixes(bytes.subarray(at + 21, withdrawnEnd)),
      nlri: prefixes(bytes.subarray(withdrawnEnd + 2 + attributes, at + length)),
    });
    at += length;
  }
  return messages;
}
function prefixes(bytes: Buffer): string[] {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    const bits = bytes[at] as number;
    const octets = Math.ceil(bits / 8);
    const address = [0, 1, 2, 3].map((i) => (i < octets ? bytes[at + 1 + i] : 0));
    found.push(`${address.join('.')}/${bits}`);
    at += 1 + octets;
  }
  return found;
}

test('every prefix is another one, with no bits beyond its length, and every set is used', () => {
  const keys = new Set(Array.from(routes.addresses, (a, i) => a * 64 + (routes.lengths[i] as number)));
  expect(keys.size).toBe(ROUTES);
  for (const [i, address] of routes.addresses.entries())
    expect(address % 2 ** (32 - (routes.lengths[i] as number))).toBe(0);
  expect(bySet(routes, SETS).every((group) => group.length > 0)).toBe(true);
});

test('the announcements hold each route once, with the attributes of its set, in messages of at most 4096 octets', () => {
  const messages = read(announcements(routes, sets));
  expect(messages.flatMap((m) => m.nlri).length).toBe(ROUTES);
  expect(new Set(messages.flatMap((m) => m.nlri)).size).toBe(ROUTES);
  expect(messages.every((m) => m.length <= 4096 && m.attributes > 0 && m.withdrawn.length === 0)).toBe(true);
});

test('the withdrawals hold the same prefixes, and no attributes', () => {
  const messages = read(withdrawals(routes));
  expect(messages.every((m) => m.length <= 4096 && m.attributes === 0 && m.nlri.length === 0)).toBe(true);
  const announced = read(announcements(routes, sets)).flatMap((m) => m.nlri);
  expect(messages.flatMap((m) => m.withdrawn).sort()).toEqual(announced.sort());
});

test('a detour makes the path longer and leaves the rest as it is', () => {
  const plain = attributeSets(5, { asn: 65001, nextHop: peerAddress(0) });
  const longer = attributeSets(5, { asn: 65001, nextHop: peerAddress(0), detour: 3 });
  expect(longer.map((s, i) => s.length - (plain[i]?.length ?? 0))).toEqual([12, 12, 12, 12, 12]);
});
