import { describe, expect, test } from 'vitest';
import type { Ipv4Attributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { LLGR_STALE } from '../../../src/bgp-js/attributes/communities.ts';
import { type Candidate, explain, rankOf, STEPS, stepsOf, wordsOf } from '../../../src/rib/choice/decision.ts';
import { INVALID, LOCAL_RANK, standingOfRank, UNKNOWN, VALID } from '../../../src/rib/choice/rank.ts';
import { address, attributes } from '../../support/rib.ts';

let ids = 0;
const path = (
  more: Partial<Ipv4Attributes>,
  source: { kind?: 'ibgp' | 'ebgp' | 'local'; id?: string; at?: string } = {},
  rest: Partial<Pick<Candidate, 'cost' | 'standing' | 'pathId' | 'since'>> = {},
): Candidate => ({
  attributes: attributes('10.9.0.2', more),
  cost: 0,
  standing: UNKNOWN,
  pathId: 0,
  since: 0,
  ...rest,
  source: {
    id: ++ids,
    name: `s${ids}`,
    kind: source.kind ?? 'ibgp',
    address: address(source.at ?? '10.9.0.9'),
    bgpIdentifier: address(source.id ?? '10.9.0.9'),
    client: false,
  },
});
/** "which won, by what step, best value against the other's" */
function decide(...paths: Candidate[]): string {
  const losses: string[] = [];
  const lost: [Candidate, Parameters<typeof wordsOf>[0]][] = [];
  const best = explain(paths, STEPS, (c, step) => lost.push([c, step]));
  if (!best) return 'none';
  for (const [c, step] of lost)
    losses.push(`${paths.indexOf(c)} by ${step.name}: ${wordsOf(step, best)}/${wordsOf(step, c)}`);
  return `${paths.indexOf(best)}; ${losses.join('; ')}`;
}
const sequence = (...asns: number[]): Partial<Ipv4Attributes> => ({ asPath: [{ type: 'sequence', asns }] });

describe('the decision process, RFC 4271 9.1.2.2', () => {
  test('higher LOCAL_PREF, unsigned', () => {
    expect(decide(path({ localPref: 2147482623 }), path({ localPref: 4294967295 }))).toBe(
      '1; 0 by LOCAL_PREF: 4294967295/2147482623',
    );
  });
  test('shorter AS_PATH, a set counting one (a)', () => {
    const withSet: Partial<Ipv4Attributes> = {
      asPath: [
        { type: 'sequence', asns: [65001] },
        { type: 'set', asns: [1, 2, 3] },
      ],
    };
    expect(decide(path(sequence(65001, 65002, 65003)), path(withSet))).toBe('1; 0 by AS_PATH length: 2/3');
  });
  test('lower ORIGIN (b)', () => {
    expect(decide(path({ origin: 'incomplete' }), path({ origin: 'egp' }))).toBe('1; 0 by ORIGIN: egp/incomplete');
  });
  test('lower MED within one neighbouring AS, a missing one being 0 (c)', () => {
    expect(decide(path({ ...sequence(65001), med: 10 }), path(sequence(65001)))).toBe('1; 0 by MED: 0/10');
  });
  test('MED of another neighbouring AS does not count (c)', () => {
    const a = path({ ...sequence(65001), med: 10 }, { id: '10.9.0.1' });
    const b = path({ ...sequence(65002), med: 0 }, { id: '10.9.0.2' });
    expect(decide(a, b)).toBe('0; 1 by BGP identifier: 10.9.0.1/10.9.0.2');
  });
  test('eBGP over iBGP (d)', () => {
    expect(decide(path({}), path({}, { kind: 'ebgp' }))).toBe('1; 0 by eBGP over iBGP: eBGP/iBGP');
  });
  test('lower interior cost of the next hop (e)', () => {
    expect(decide(path({}, {}, { cost: 20 }), path({}, { id: '10.9.9.9' }, { cost: 10 }))).toBe(
      '1; 0 by interior cost: 10/20',
    );
  });
  test('a long-lived stale path loses to any other learned one (RFC 9494 4.3)', () => {
    const stale = path({ communities: [LLGR_STALE], localPref: 200 });
    expect(decide(stale, path({ localPref: 50 }))).toBe('1; 0 by LLGR_STALE: fresh/long-lived stale');
  });
  test('where import prefers valid origins, a valid path wins whatever its LOCAL_PREF', () => {
    const [high, valid] = [path({ localPref: 200 }), path({}, {}, { standing: VALID })];
    expect(decide(high, valid)).toBe('1; 0 by origin validation: valid/unknown');
    const invalid = path({ localPref: 300 }, {}, { standing: INVALID });
    expect(decide(invalid, path({ localPref: 0 }))).toBe('1; 0 by origin validation: unknown/invalid');
  });
  test('a valid path that is long-lived stale loses to a fresh invalid one (RFC 9494 4.3)', () => {
    const stale = path({ communities: [LLGR_STALE] }, {}, { standing: VALID });
    expect(decide(stale, path({}, {}, { standing: INVALID }))).toBe('1; 0 by LLGR_STALE: fresh/long-lived stale');
  });
  test('the older of two eBGP paths only where the setting says so, and never among iBGP ones', () => {
    const young = path({}, { kind: 'ebgp', id: '10.0.0.1' }, { since: 2 });
    const old = path({}, { kind: 'ebgp', id: '10.0.0.2' }, { since: 1 });
    const steps = (preferOlder: boolean) => stepsOf({ preferOlder });
    expect(explain([young, old], steps(false), () => {})).toBe(young);
    expect(explain([young, old], steps(true), () => {})).toBe(old);
    const inside = [path({}, { id: '10.0.0.1' }, { since: 2 }), path({}, { id: '10.0.0.2' }, { since: 1 })] as const;
    expect(explain(inside, steps(true), () => {})).toBe(inside[0]);
  });
  test('lower path identifier among several paths of one peer (RFC 7911), as a last word', () => {
    expect(decide(path({}, {}, { pathId: 9 }), path({}, {}, { pathId: 3 }))).toBe('1; 0 by path identifier: 3/9');
  });
  test('lower BGP identifier, unsigned, or ORIGINATOR_ID in its place (f, RFC 4456 9)', () => {
    expect(decide(path({}, { id: '192.0.0.1' }), path({}, { id: '10.0.0.1' }))).toBe(
      '1; 0 by BGP identifier: 10.0.0.1/192.0.0.1',
    );
    expect(decide(path({ originatorId: address('10.0.0.0') }, { id: '192.0.0.1' }), path({}, { id: '10.0.0.1' }))).toBe(
      '0; 1 by BGP identifier: 10.0.0.0/10.0.0.1',
    );
  });
  test('shorter CLUSTER_LIST (RFC 4456 9), then lower peer address (g)', () => {
    expect(decide(path({ clusterList: [address('1.1.1.1')] }), path({}))).toBe('1; 0 by CLUSTER_LIST length: 0/1');
    expect(decide(path({}, { at: '10.9.0.4' }), path({}, { at: '10.9.0.3' }))).toBe(
      '1; 0 by peer address: 10.9.0.3/10.9.0.4',
    );
  });
  test('three paths whose MEDs would go round in circles pairwise have one best, whatever the order (RFC 3345)', () => {
    const a = path({ ...sequence(65001), med: 10 }, { id: '10.0.0.3' });
    const b = path({ ...sequence(65002), med: 0 }, { id: '10.0.0.2' });
    const c = path({ ...sequence(65001), med: 20 }, { id: '10.0.0.1' });
    const bests = [
      [a, b, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ].map((order) => explain(order, STEPS, () => {}));
    expect(new Set(bests)).toEqual(new Set([b]));
  });
  test('the rank stays exact at its limits', () => {
    const long = path(sequence(...Array.from({ length: 5000 }, () => 65001)));
    expect(rankOf(attributes('10.9.0.2', { localPref: 0xffffffff }), 'local')).toBe(
      2 ** 49 + 2 ** 48 + 2 ** 46 + 0xffffffff * 2 ** 14 + 4095 * 4 + 2,
    );
    expect(rankOf(attributes('10.9.0.2', { localPref: 0xffffffff }), 'local', VALID)).toBeLessThan(2 * LOCAL_RANK);
    const least = { ...long.attributes, localPref: 0, origin: 'incomplete' as const, communities: [LLGR_STALE] };
    expect(rankOf(least, 'ibgp', INVALID)).toBe(0);
    const all = [INVALID, UNKNOWN, VALID] as const;
    expect(all.map((standing) => standingOfRank(rankOf(least, 'ibgp', standing)))).toEqual(all);
  });
});
