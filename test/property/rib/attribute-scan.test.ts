/** The scan of a set's octets and the decoder of bgp-js say the same, of whatever octets: the corpus, what our own encoder writes,
 *  and both with octets changed, cut, doubled and put in another order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { ipv6, readIpv6 } from '../../../src/base/ipv6.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { decodeAttributesOf, encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { nextHopOf } from '../../../src/bgp-js/attributes/next-hop.ts';
import { splitUpdate } from '../../../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../../src/bgp-js/wire/family.ts';
import { rankOf } from '../../../src/rib/choice/decision.ts';
import { ScannedSet, scanSet } from '../../../src/rib/sets/attribute-scan.ts';
import { AttributeTable } from '../../../src/rib/sets/attribute-table.ts';
import { type ImportContext, ImportContexts } from '../../../src/rib/sets/import.ts';
import { liesReady, nlriOctets, reachOctets } from '../../../src/rib/sets/received-set.ts';
import { describeSet, octetsOfSet } from '../../../src/rib/sets/set-values.ts';
import { ClusterIds } from '../../../src/rib/terms/cluster-ids.ts';
import { readCorpus } from '../../support/corpus.ts';
import { attributesFor } from '../bgp-js/arbitraries.ts';

const CLUSTER = 0x0a090063;
const us = {
  bgpIdentifier: 0x0a090001,
  clusters: new ClusterIds(0x0a090001, CLUSTER),
  isOurAddress: (a: number | bigint) => a === 0x0a000009,
};
const spec = { localAsn: 65001, peerAsn: 65002, localAs: { nodeAsn: 64512, noPrepend: true } };
const contextsOf = (family: number): ImportContext[] => {
  const contexts = new ImportContexts(us, family);
  const inMpReach = family !== IPV4_UNICAST_KEY;
  return (['ebgp', 'ibgp'] as const).map((kind) => contexts.of({ ...spec, kind }, true, inMpReach));
};
const CONTEXTS = [...contextsOf(IPV4_UNICAST_KEY), ...contextsOf(IPV6_UNICAST_KEY)];

const scanned = new ScannedSet();
const described = new ScannedSet();
/** Where the next hop lies is no part of what a set says. */
const said = ({ nextHopAt: _at, nextHopOctets: _octets, originatorId, ...rest }: ScannedSet) => ({
  ...rest,
  originatorId: (rest.marks & 4) !== 0 ? originatorId : 0,
});

/** True where the scan took it. */
function agrees(bytes: Uint8Array, start: number, end: number, context: ImportContext): boolean {
  if (!scanSet(bytes, start, end, context.how, scanned)) return false;
  const decoded = decodeAttributesOf(bytes, start, end, context.params, context.inMpReach ? 'mp' : 'nlri');
  expect(decoded).toMatchObject({ disposition: 'accept', faults: [] });
  const attributes = decoded.attributes as PathAttributes;
  describeSet(attributes, context.how, described);
  expect(said(scanned)).toEqual(said(described));
  const at = scanned.nextHopAt;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  expect(scanned.nextHopOctets === 4 ? ipv4(view.getUint32(at)) : readIpv6(bytes, at)).toBe(nextHopOf(attributes));
  // What is used as it came is nothing that we would not write.
  const again = octetsOfSet(attributes, context.how.family);
  expect(decodeAttributesOf(again, 0, again.length, context.params, context.inMpReach ? 'mp' : 'nlri')).toEqual(
    decoded,
  );
  expect(attributes.unknown).toBe(undefined);
  return true;
}

/** The sets of both kinds of routes in an UPDATE's bytes, as Adj-RIB-In would make them. */
function setsIn(message: Uint8Array): { bytes: Uint8Array; inMpReach: boolean }[] {
  const families = new Set([IPV4_UNICAST_KEY, IPV6_UNICAST_KEY]);
  const context = { ...PLAIN_CONTEXT, families, extendedNextHop: families };
  const frame = splitUpdate(message, 0, message.length, context);
  if (!frame.ok) return [];
  const { slab, attributesStart, attributesEnd, reachFamily } = frame.value;
  const sets = [];
  if (liesReady(frame.value)) sets.push({ bytes: slab.slice(attributesStart, attributesEnd), inMpReach: false });
  const inNlri = nlriOctets(frame.value);
  sets.push({ bytes: inNlri.bytes.slice(0, inNlri.end), inMpReach: false });
  if (reachFamily !== 0) {
    const inReach = reachOctets(frame.value);
    sets.push({ bytes: inReach.bytes.slice(0, inReach.end), inMpReach: inReach.inMpReach });
  }
  return sets;
}

const CORPUS = readCorpus()
  .filter(({ bytes }) => bytes.length >= 23 && bytes[18] === 2)
  .flatMap(({ bytes }) => setsIn(bytes));

test('of the corpus', () => {
  let taken = 0;
  for (const { bytes } of CORPUS) for (const c of CONTEXTS) if (agrees(bytes, 0, bytes.length, c)) taken++;
  expect(CORPUS.length).toBeGreaterThan(100);
  expect(taken).toBeGreaterThan(30);
});

const families = new Set([IPV4_UNICAST_KEY, IPV6_UNICAST_KEY]);
const anIndex = fc.nat(3);
const aSet = anIndex.chain((which) => {
  const ibgp = which % 2 === 1;
  return attributesFor({ ...PLAIN_CONTEXT, ibgp, families, extendedNextHop: families }).map((a) => ({ which, a }));
});
/** What the scan takes, unless something happens to it. */
const plainOf = ({ unknown: _unknown, aigp: _aigp, ...a }: PathAttributes): PathAttributes => ({
  ...a,
  asPath: a.asPath.filter(({ type }) => type === 'sequence'),
});
const HOP = ipv6((0x20010db8n << 96n) | 9n);
/** Our own identifiers and AS numbers among them. */
const spiced = (a: PathAttributes, spice: number): PathAttributes => ({
  ...a,
  ...(spice & 1 && { asPath: [{ type: 'sequence' as const, asns: [7, 65001, 64512] }, ...a.asPath] }),
  ...(spice & 2 && { clusterList: [ipv4(1), ipv4(CLUSTER)] }),
  ...(spice & 4 && { communities: [0xffff0006, 0xffff0007, 0xffff0001] }),
  ...(spice & 8 && { localPref: 7, originatorId: ipv4(us.bgpIdentifier) }),
  ...(spice & 16 && { med: 0xfffffffe }),
});
const aMutation = fc.record({
  what: fc.constantFrom('octet' as const, 'cut' as const, 'double' as const, 'none' as const),
  at: fc.nat(200),
  value: fc.nat(255),
});

function mutated(bytes: Uint8Array, { what, at, value }: { what: string; at: number; value: number }): Uint8Array {
  const out = Uint8Array.from(bytes);
  const i = out.length === 0 ? 0 : at % out.length;
  if (what === 'octet' && out.length > 0) out[i] = value;
  if (what === 'cut') return out.slice(0, i);
  if (what === 'double') return Uint8Array.from([...out, ...out.slice(i)]);
  return out;
}

test('of what we write ourselves, and of that with something wrong', () => {
  let taken = 0;
  let all = 0;
  fc.assert(
    fc.property(
      aSet,
      fc.nat(31),
      fc.array(aMutation, { maxLength: 3 }),
      fc.boolean(),
      ({ which, a: any }, spice, mutations, sound) => {
        const a = spice & 32 ? any : plainOf(any);
        const context = CONTEXTS[which] as ImportContext;
        const attributes = spiced(a, spice);
        const inNextHop = context.inMpReach
          ? { ...attributes, mpNextHop: { address: HOP } }
          : { ...attributes, nextHop: attributes.nextHop ?? ipv4(0x0a000001) };
        let bytes = context.inMpReach
          ? octetsOfSet(inNextHop, context.how.family)
          : encodeAttributes(inNextHop, { fourOctetAs: true });
        if (!sound) for (const m of mutations) bytes = mutated(bytes, m);
        // Somewhere in a slab, with a neighbour on either side.
        const slab = Uint8Array.from([0xff, 1, 2, ...bytes, 0x40, 1, 1, 0]);
        all++;
        if (agrees(slab, 3, 3 + bytes.length, context)) taken++;
      },
    ),
    { numRuns: 3000 },
  );
  // Else the property says nothing.
  expect(taken).toBeGreaterThan(all / 20);
});

/** Written anew they stand in order of type (RFC 4271 5); taken as they came they may not. */
const inOrder = (a: PathAttributes): PathAttributes =>
  a.unknown === undefined ? a : { ...a, unknown: [...a.unknown].sort((x, y) => x.type - y.type) };

test('a table of sets says of each what the decoder says, and gives back all it took', () => {
  const anOctets = fc.oneof(
    fc.constantFrom(...CORPUS).map(({ bytes, inMpReach }) => ({ bytes, which: inMpReach ? 2 : 0 })),
    aSet.map(({ which, a }) => ({ bytes: octetsOfSet(a, CONTEXTS[which]?.how.family ?? 0), which })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(anOctets, aMutation, fc.boolean()), { maxLength: 40 }), (all) => {
      for (const family of [IPV4_UNICAST_KEY, IPV6_UNICAST_KEY]) {
        const contexts = new ImportContexts(us, family);
        const counted = new Map<number | bigint, number>();
        const addresses: (number | bigint)[] = [];
        const nextHops = {
          intern: (address: number | bigint) => {
            counted.set(address, (counted.get(address) ?? 0) + 1);
            if (!addresses.includes(address)) addresses.push(address);
            return addresses.indexOf(address);
          },
          release: (id: number) => {
            const address = addresses[id] as number;
            counted.set(address, (counted.get(address) ?? 0) - 1);
          },
          addressOf: (id: number) => addresses[id] as ReturnType<typeof ipv4>,
        };
        const sets = new AttributeTable(us, nextHops, contexts);
        const held: number[] = [];
        for (const [{ bytes: good, which }, mutation, mutate] of all) {
          const bytes = mutate ? mutated(good, mutation) : good;
          const kind = which % 2 === 1 ? 'ibgp' : 'ebgp';
          const context = contexts.of({ ...spec, kind }, true, which > 1);
          const id = sets.intern(bytes, 0, bytes.length, context);
          held.push(id);
          expect(sets.intern(bytes, 0, bytes.length, context)).toBe(id);
          held.push(id);
          const decoded = decodeAttributesOf(bytes, 0, bytes.length, context.params, context.inMpReach ? 'mp' : 'nlri');
          expect(sets.decodedOf(id)).toEqual(decoded);
          const verdict = sets.verdictOf(id);
          if (decoded.attributes === undefined) {
            expect('rejected' in verdict && verdict.rejected.code).toMatch(/^MALFORMED|^REJECTED/);
            continue;
          }
          const a = decoded.attributes;
          expect(sets.rankOf(id)).toBe(rankOf(a, kind));
          expect(sets.medOf(id)).toBe(a.med ?? 0);
          expect(sets.localPrefOf(id)).toBe(a.localPref ?? 100);
          expect(sets.originatorIdOf(id)).toBe(a.originatorId ?? -1);
          expect(sets.clusterLengthOf(id)).toBe(a.clusterList?.length ?? 0);
          expect(nextHops.addressOf(sets.nextHopOf(id))).toBe(nextHopOf(a));
          const used = sets.usedOf(id);
          if (used < 0) {
            expect('rejected' in verdict && verdict.rejected.code).toMatch(/LOOP|IS_US|OURS/);
            continue;
          }
          expect(sets.attributesOf(used)).toEqual(a);
          expect(sets.rankOf(used)).toBe(rankOf(a, kind));
          // Whoever sends it on reads octets in good order.
          const { bytes: octets, start, end } = sets.octetsOf(used);
          const params = { ...context.params, ibgp: a.localPref !== undefined, allowAsSets: true, aigp: true };
          const again = decodeAttributesOf(octets, start, end, params, context.inMpReach ? 'mp' : 'nlri');
          expect({ ...again, attributes: again.attributes && inOrder(again.attributes) }).toEqual({
            attributes: inOrder(a),
            faults: [],
            disposition: 'accept',
          });
        }
        for (const id of held) sets.release(id);
        expect(sets.size).toBe(0);
        expect([...counted.values()].every((n) => n === 0)).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});
