import { describe, expect, test } from 'vitest';
import { parseIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { ACCEPT_ALL, decidedByText, type Policy, type Rule } from '../../../src/model/policy.ts';
import { chain } from '../../../src/model/policy-chain.ts';
import { evaluate, type PolicyInput, readsPrefix, type Verdict } from '../../../src/policy/evaluate.ts';

const attributes: PathAttributes = { origin: 'igp', asPath: [], nextHop: ipv4(0x0a000001), communities: [0xfde80001] };
const route = (text: string, more: Partial<PolicyInput> = {}): PolicyInput => {
  const p = parseIpPrefix(text);
  if (!p) throw new Error(text);
  return { address: p.address, length: p.length, attributes, source: 'ebgp', ...more };
};
const said = (v: Verdict): string =>
  v.kind === 'accept'
    ? `accept by ${decidedByText(v.by)}`
    : `${v.reason.code} by ${decidedByText(v.by)}: ${v.reason.text}`;

const podsOnly: Policy = {
  name: 'pods-only',
  rules: [
    { name: 'no-local', match: { sources: ['local'] }, action: 'reject' },
    {
      name: 'pods',
      match: { prefixes: [{ address: ipv4(0x0af40000), length: 16, le: 26 }] },
      action: 'accept',
      operations: [{ do: 'setLocalPref', value: 200 }],
    },
  ],
  otherwise: 'reject',
};

describe('evaluate', () => {
  test('accept-all keeps the attributes as they are, the same object', () => {
    const verdict = evaluate(ACCEPT_ALL, route('10.0.0.0/8'));
    expect(said(verdict)).toBe('accept by accept-all');
    expect(verdict.kind === 'accept' && verdict.attributes).toBe(attributes);
  });

  test('the first rule that matches decides, its changes are made, and the verdict names policy and rule', () => {
    const verdict = evaluate(podsOnly, route('10.244.3.0/26'));
    expect(said(verdict)).toBe('accept by pods-only#pods');
    expect(verdict.kind === 'accept' && verdict.attributes).toEqual({ ...attributes, localPref: 200 });
    expect(said(evaluate(podsOnly, route('10.244.3.0/26', { source: 'local' })))).toBe(
      'POLICY_REJECTED by pods-only#no-local: policy pods-only#no-local',
    );
  });

  test('what no rule matches is decided by `otherwise`, and the reason names the policy', () => {
    expect(said(evaluate(podsOnly, route('10.244.3.7/32')))).toBe(
      'POLICY_REJECTED by pods-only: policy pods-only: no rule that accepts',
    );
  });

  test('a rule that says next changes the route for those behind it, and only they decide', () => {
    const raise: Rule = { name: '1', match: {}, operations: [{ do: 'setLocalPref', value: 500 }], action: 'next' };
    const high: Rule = { name: '2', match: { localPref: { from: 500 } }, action: 'reject' };
    expect(said(evaluate({ name: 'p', rules: [raise, high], otherwise: 'accept' }, route('10.0.0.0/8')))).toContain(
      'p#2',
    );
    expect(said(evaluate({ name: 'p', rules: [high, raise], otherwise: 'accept' }, route('10.0.0.0/8')))).toBe(
      'accept by p',
    );
  });

  test('in a chain what one policy leaves open the next decides, and each is named by itself', () => {
    const open: Policy = { ...podsOnly, name: 'open', otherwise: 'next' };
    const last: Policy = {
      name: 'last',
      rules: [{ name: '1', match: { sources: ['ebgp'] }, action: 'reject' }],
      otherwise: 'accept',
    };
    const both = chain([open, last]) as Policy;
    expect(said(evaluate(both, route('10.244.3.0/26')))).toBe('accept by open#pods');
    expect(said(evaluate(both, route('10.9.0.0/16')))).toBe('POLICY_REJECTED by last#1: policy last#1');
    expect(said(evaluate(both, route('10.9.0.0/16', { source: 'ibgp' })))).toBe('accept by last');
    expect(said(evaluate(chain([podsOnly, last]) as Policy, route('10.9.0.0/16')))).toBe(
      'POLICY_REJECTED by pods-only: policy pods-only: no rule that accepts',
    );
    expect(chain([])).toBeUndefined();
    expect(chain([last])).toBe(last);
  });

  test('who reads prefixes says so, because one verdict then does not serve a whole attribute set', () => {
    expect(readsPrefix(podsOnly)).toBe(true);
    expect(readsPrefix(ACCEPT_ALL)).toBe(false);
    const origin: Rule = { name: 'o', match: { blockOrigins: ['invalid'] }, action: 'reject', because: 'origin' };
    expect(readsPrefix({ name: 'o', rules: [origin], otherwise: 'accept' })).toBe(true);
  });
});
