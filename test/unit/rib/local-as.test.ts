/** An AS of our past towards one neighbor, on what comes from it. RFC 7705 3.1 */
import { describe, expect, test } from 'vitest';
import { formatAsPath } from '../../../src/bgp-js/attributes/as-path.ts';
import type { Policy } from '../../../src/model/policy.ts';
import { addPeer, announcement, attributes, cidr, PLAIN, ribOf } from '../../support/rib.ts';

const [NODE, OLD, PEER] = [64512, 64999, 65002];
const PREFIX = '203.0.113.0/24';
const sequence = (...asns: number[]) => ({ asPath: [{ type: 'sequence' as const, asns }] });

/** As another AS sends it: without LOCAL_PREF. */
const external = (...asns: number[]) => {
  const { localPref: _ours, ...rest } = attributes('10.9.0.2', sequence(...asns));
  return rest;
};

function heard(noPrepend: boolean, asns: readonly number[], more: Parameters<typeof addPeer>[2] = {}) {
  const { rib } = ribOf();
  const spec = { kind: 'ebgp' as const, localAsn: OLD, peerAsn: PEER, localAs: { nodeAsn: NODE, noPrepend } };
  const source = addPeer(rib, '10.9.0.2', { ...spec, ...more });
  rib.receive(source, announcement(external(...asns), PREFIX), PLAIN);
  rib.settle();
  return { rib, source, spec, path: () => rib.pathsOf(cidr(PREFIX))?.paths[0] };
}
type Path = ReturnType<ReturnType<typeof heard>['path']>;
const used = (path: Path): string => (path?.attributes ? formatAsPath(path.attributes.asPath) : 'none');

describe('what a neighbor that knows us by another AS sends', () => {
  test('has that AS in front, and stays as it came beside it', () => {
    const path = heard(false, [PEER, 7]).path();
    expect(used(path)).toBe('64999 65002 7');
    expect(path?.received && formatAsPath(path.received.asPath)).toBe('65002 7');
  });
  test('has not where noPrepend is set', () => {
    const path = heard(true, [PEER, 7]).path();
    expect(used(path)).toBe('65002 7');
    expect(path?.received).toBeUndefined();
  });
  test.each([OLD, NODE])('is a loop where AS %i stands in it already, by either setting', (asn) => {
    for (const noPrepend of [true, false]) expect(heard(noPrepend, [PEER, asn]).path()?.rejected?.code).toBe('AS_LOOP');
    expect(used(heard(false, [PEER, asn], { allowOwnAs: 1 }).path())).toBe(`64999 65002 ${asn}`);
  });
  test('is judged by policies with the AS in front, prefix by prefix or at once', () => {
    const length: Policy = {
      name: 'short',
      rules: [{ name: '1', match: { asPathLength: { to: 1 } }, action: 'accept' }],
      otherwise: 'reject',
    };
    const [rule] = length.rules;
    const byPrefix: Policy = {
      ...length,
      rules: rule ? [{ ...rule, match: { ...rule.match, prefixes: [cidr(PREFIX)] } }] : [],
    };
    for (const importPolicy of [length, byPrefix]) {
      expect(heard(false, [PEER], { importPolicy }).path()?.rejected?.code).toBe('POLICY_REJECTED');
      expect(used(heard(true, [PEER], { importPolicy }).path())).toBe('65002');
    }
  });
  test('is judged anew when the setting changes, without being sent again', () => {
    const { rib, source, spec, path } = heard(false, [PEER]);
    const { name, address } = source;
    const change = (noPrepend: boolean): void => {
      rib.changeSource(source, { ...spec, name, address, localAs: { nodeAsn: NODE, noPrepend } });
      rib.settle();
    };
    change(true);
    expect(used(path())).toBe('65002');
    change(false);
    expect(used(path())).toBe('64999 65002');
    rib.removeSource(source);
    rib.settle();
    expect(rib.counts).toMatchObject({ paths: 0, attributes: 0 });
  });
  test('comes with nothing in front within an AS: there no path grows', () => {
    const { rib } = ribOf();
    const localAs = { nodeAsn: NODE, noPrepend: false };
    const source = addPeer(rib, '10.9.0.2', { kind: 'ibgp', localAsn: OLD, peerAsn: OLD, localAs });
    rib.receive(source, announcement(attributes('10.9.0.2', sequence(PEER)), PREFIX), PLAIN);
    rib.settle();
    expect(used(rib.pathsOf(cidr(PREFIX))?.paths[0])).toBe('65002');
  });
});
