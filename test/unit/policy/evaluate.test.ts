import { describe, expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { parsePrefix } from '../../../src/base/prefix.ts';
import type { Ipv4Attributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { evaluate, matchesPrefix, type PolicyInput, readsPrefix, type Verdict } from '../../../src/policy/evaluate.ts';
import { ACCEPT_ALL, type Policy } from '../../../src/policy/policy.ts';

const attributes: Ipv4Attributes = { origin: 'igp', asPath: [], nextHop: ipv4(0x0a000001), communities: [0xfde80001] };
const route = (text: string, source: PolicyInput['source'] = 'ebgp'): PolicyInput => {
  const p = parsePrefix(text);
  if (!p) throw new Error(text);
  return { address: p.address, length: p.length, attributes, source };
};
const code = (v: Verdict): string => (v.kind === 'accept' ? 'accept' : v.reason.code);

const podsOnly: Policy = {
  name: 'pods-only',
  rules: [
    { name: 'no-local', match: { sources: ['local'] }, action: 'reject' },
    {
      name: 'pods',
      match: { prefixes: [{ address: 0x0af40000, length: 16, le: 26 }] },
      action: 'accept',
      changes: { localPref: 200 },
    },
  ],
  otherwise: 'reject',
};

describe('evaluate', () => {
  test('accept-all keeps the attributes as they are, the same object', () => {
    const verdict = evaluate(ACCEPT_ALL, route('10.0.0.0/8'));
    expect(verdict).toEqual({ kind: 'accept', attributes });
    expect(verdict.kind === 'accept' && verdict.attributes).toBe(attributes);
  });

  test('the first rule that matches decides, and its changes are made', () => {
    const verdict = evaluate(podsOnly, route('10.244.3.0/26'));
    expect(verdict).toEqual({ kind: 'accept', attributes: { ...attributes, localPref: 200 } });
    expect(code(evaluate(podsOnly, route('10.244.3.0/26', 'local')))).toBe('POLICY_REJECTED');
  });

  test('what no rule matches is decided by `otherwise`, and the reason names policy and prefix', () => {
    const verdict = evaluate(podsOnly, route('10.244.3.7/32'));
    expect(verdict.kind === 'reject' && verdict.reason.text).toBe(
      '10.244.3.7/32 policy "pods-only": no rule that accepts',
    );
  });

  test('a community is matched as a whole', () => {
    const policy: Policy = {
      name: 'c',
      rules: [{ name: 'r', match: { community: 0xfde80001 }, action: 'reject' }],
      otherwise: 'accept',
    };
    expect(code(evaluate(policy, route('10.0.0.0/8')))).toBe('POLICY_REJECTED');
    expect(readsPrefix(policy)).toBe(false);
    expect(readsPrefix(podsOnly)).toBe(true);
  });

  test('ge and le mean what they mean on routers', () => {
    const ten = { address: 0x0a000000, length: 8 };
    expect(matchesPrefix(ten, 0x0a000000, 8)).toBe(true);
    expect(matchesPrefix(ten, 0x0a010000, 16)).toBe(false);
    expect(matchesPrefix({ ...ten, ge: 16 }, 0x0a010000, 16)).toBe(true);
    expect(matchesPrefix({ ...ten, ge: 16 }, 0x0a010001, 32)).toBe(true);
    expect(matchesPrefix({ ...ten, ge: 16, le: 24 }, 0x0a010001, 32)).toBe(false);
    expect(matchesPrefix({ ...ten, le: 24 }, 0x0b000000, 24)).toBe(false);
  });
});
