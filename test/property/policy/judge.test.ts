/** The fast way through a policy (classes of prefixes, memoised sets) says what the plain one says, and an AS-path pattern says
 *  what a regular expression over letters says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IpAddress, ipPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { ipv6 } from '../../../src/base/ipv6.ts';
import type { AsSegment, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { parseAsPathPattern } from '../../../src/model/as-path-text.ts';
import type { CommunityPattern } from '../../../src/model/community-pattern.ts';
import type { Match, Operation, Policy, PrefixMatch, Rule } from '../../../src/model/policy.ts';
import { chain } from '../../../src/model/policy-chain.ts';
import { matchesAsPath } from '../../../src/policy/as-path-automaton.ts';
import { evaluate, type PolicyInput } from '../../../src/policy/evaluate.ts';
import { judgeOf } from '../../../src/policy/judge.ts';

/** Few bits in use, so that prefixes often contain each other. */
const addressOf = (v6: boolean, bits: number): IpAddress =>
  v6 ? ipv6((0x2001n << 112n) | (BigInt(bits) << 96n)) : ipv4((10 << 24) | (bits << 8));
const prefixOf = (v6: boolean) =>
  fc
    .tuple(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: v6 ? 34 : 32 }))
    .map(([bits, length]) => ipPrefix(addressOf(v6, bits), length));
const line: fc.Arbitrary<PrefixMatch> = fc
  .tuple(fc.boolean(), fc.option(fc.integer({ min: 0, max: 34 })), fc.option(fc.integer({ min: 0, max: 34 })))
  .chain(([v6, ge, le]) => prefixOf(v6).map((p) => ({ ...p, ...(ge !== null && { ge }), ...(le !== null && { le }) })));
const standard: fc.Arbitrary<CommunityPattern> = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0xffffffff, 0xfffffffe, 0))
  .map(([value, mask]) => ({ kind: 'standard', text: '', value, mask }));
const match: fc.Arbitrary<Match> = fc.record(
  {
    prefixes: fc.array(line, { maxLength: 4 }),
    notPrefixes: fc.array(line, { maxLength: 3 }),
    family: fc.constantFrom('ipv4' as const, 'ipv6' as const),
    sources: fc.subarray(['local', 'ibgp', 'ebgp'] as const, { minLength: 1 }),
    communities: fc.array(
      fc.record({
        mode: fc.constantFrom('any', 'all', 'exact', 'none' as const),
        patterns: fc.array(standard, { minLength: 1, maxLength: 2 }),
      }),
      { maxLength: 2 },
    ),
    localPref: fc.constant({ from: 150 }),
    med: fc.constant({ to: 5 }),
    priority: fc.constantFrom(1024, 2147483547),
    interface: fc.constantFrom('eth*', 'tunl0'),
    blockOrigins: fc.subarray(['valid', 'invalid', 'unknown'] as const),
  },
  { requiredKeys: [] },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.constantFrom<Operation>(
    { do: 'setLocalPref', value: 100 },
    { do: 'setLocalPref', value: 200 },
    { do: 'setMed', value: 3 },
    { do: 'addMed', value: -2 },
    { do: 'removeMed' },
    { do: 'prepend', asns: [65001, 65002] },
    { do: 'addCommunities', standard: [1, 2] },
    { do: 'setNextHop', to: 'self' },
    { do: 'standAs', origin: 'valid' },
    { do: 'standAs', origin: 'invalid' },
    { do: 'setNextHop', to: 'discard' },
    { do: 'setNextHop', to: ipv4(0x0a000001) },
    { do: 'setOrigin', value: 'egp' },
  ),
  standard.map((pattern): Operation => ({ do: 'removeCommunities', patterns: [pattern] })),
);
const rule: fc.Arbitrary<Omit<Rule, 'name'>> = fc.record({
  match,
  operations: fc.array(operation, { maxLength: 2 }),
  action: fc.constantFrom('accept', 'reject', 'next' as const),
});
const policy = (name: string): fc.Arbitrary<Policy> =>
  fc
    .tuple(fc.array(rule, { maxLength: 8 }), fc.constantFrom('accept', 'reject', 'next' as const))
    .map(([rules, otherwise]) => ({
      name,
      rules: rules.map((r, i) => ({ ...r, name: `${i + 1}` })),
      otherwise,
    }));
const attributes: fc.Arbitrary<PathAttributes> = fc.record(
  {
    origin: fc.constant('igp' as const),
    asPath: fc.constant([]),
    nextHop: fc.constant(ipv4(0x0a000001)),
    med: fc.integer({ min: 0, max: 8 }),
    localPref: fc.constantFrom(100, 200, 2147482623),
    communities: fc.uniqueArray(fc.integer({ min: 0, max: 3 })),
  },
  { requiredKeys: ['origin', 'asPath', 'nextHop'] },
);
const input: fc.Arbitrary<PolicyInput> = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom('local', 'ibgp', 'ebgp' as const),
    fc.option(fc.constantFrom('valid', 'invalid', 'unknown' as const)),
    fc.option(fc.constantFrom('eth0', 'tunl0')),
  )
  .chain(([v6, source, origin, device]) =>
    fc.tuple(prefixOf(v6), attributes).map(([p, a]) => ({
      ...p,
      attributes: a,
      source,
      localAddress: ipv4(0x0a0000fe),
      ...(origin !== null && { origin }),
      ...(device !== null && { interface: device }),
    })),
  );

test('judging by set and class is evaluating rule by rule, and what does not change stays the same object', () => {
  fc.assert(
    fc.property(
      fc.tuple(policy('a'), policy('b')),
      fc.array(attributes, { minLength: 1, maxLength: 3 }),
      fc.array(input, { minLength: 1, maxLength: 40 }),
      (policies, sets, routes) => {
        const chained = chain(policies);
        if (chained === undefined) return;
        const judge = judgeOf(chained);
        for (const set of sets)
          for (const source of ['local', 'ibgp', 'ebgp'] as const)
            for (const isIpv6 of [false, true]) {
              const context = { isIpv6, localAddress: ipv4(0x0a0000fe) };
              const ofSet = judge.forSet(set, source, context);
              for (const route of routes) {
                if ((typeof route.address === 'bigint') !== isIpv6) continue;
                const plain = evaluate(chained, { ...route, attributes: set, source });
                const quick = ofSet.verdict(judge.classOf(route.address, route.length), route);
                expect(quick).toEqual(plain);
                if (plain.kind === 'accept' && plain.attributes === set)
                  expect(quick.kind === 'accept' && quick.attributes).toBe(set);
                // A second time, from memory.
                expect(ofSet.verdict(judge.classOf(route.address, route.length), route)).toEqual(plain);
                if (!judge.readsPrefix && !judge.readsInterface) expect(ofSet.verdict(0)).toEqual(plain);
              }
            }
      },
    ),
    { numRuns: 300, verbose: 1 },
  );
});

/** A pattern and the same as a regular expression over the letters b, c, d for 1, 2, 3. */
interface Both {
  readonly asPath: string;
  readonly letters: string;
}
const LETTERS = ['', 'b', 'c', 'd'] as const;
const leaf: fc.Arbitrary<Both> = fc.oneof(
  fc.integer({ min: 1, max: 3 }).map((n) => ({ asPath: `${n}`, letters: LETTERS[n] ?? '' })),
  fc.constant({ asPath: '.', letters: '.' }),
  fc.constant({ asPath: '[1-2]', letters: '[bc]' }),
  fc.constant({ asPath: '[^3]', letters: '[^d]' }),
);
const { tree } = fc.letrec<{ tree: Both }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('tree'), { minLength: 1, maxLength: 3 }).map((all) => ({
      asPath: all.map((b) => b.asPath).join(' '),
      letters: all.map((b) => b.letters).join(''),
    })),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
      asPath: `(${a.asPath}|${b.asPath})`,
      letters: `(?:${a.letters}|${b.letters})`,
    })),
    fc.tuple(tie('tree'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{1,}')).map(([a, count]) => ({
      asPath: `(${a.asPath})${count}`,
      letters: `(?:${a.letters})${count}`,
    })),
  ),
}));

test('an AS-path pattern means what the same regular expression over letters means', () => {
  fc.assert(
    fc.property(
      tree,
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 6 }), { minLength: 5, maxLength: 20 }),
      (both, start, end, paths) => {
        const [from, to] = [start ? '^' : '', end ? '$' : ''];
        const parsed = parseAsPathPattern(`${from}${both.asPath}${to}`);
        fc.pre(parsed.ok);
        if (!parsed.ok) return;
        const expression = new RegExp(`${from}(?:${both.letters})${to}`);
        for (const asns of paths) {
          const path: readonly AsSegment[] = asns.length === 0 ? [] : [{ type: 'sequence', asns }];
          const text = asns.map((n) => LETTERS[n]).join('');
          expect([text, matchesAsPath(parsed.value, path)]).toEqual([text, expression.test(text)]);
        }
      },
    ),
    { numRuns: 500, verbose: 1 },
  );
});
