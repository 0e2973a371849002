import { expect, test } from 'vitest';
import { invariant } from '../../../src/base/invariant.ts';
import { parsePrefix } from '../../../src/base/prefix.ts';
import { affinityName, base32, cidrName, handleName, hostnameHash, tunnelHandle } from '../../../src/ipam/names.ts';
import { fnv32 } from '../../../src/ipam/selection.ts';

const cidr = (text: string) => {
  const p = parsePrefix(text);
  invariant(p, text);
  return p;
};

test('a CIDR becomes an object name with dashes', () => {
  expect(cidrName(cidr('192.168.221.64/26'))).toBe('192-168-221-64-26');
});

test('an affinity is named after node and CIDR', () => {
  expect(affinityName('kind-worker', cidr('10.244.1.0/26'))).toBe('kind-worker-10-244-1-0-26');
});

test('an affinity name that would reach 253 characters is cut and kept unique by a digest', () => {
  const longest = 'n'.repeat(252 - '-10-244-1-0-26'.length);
  expect(affinityName(longest, cidr('10.244.1.0/26'))).toBe(`${longest}-10-244-1-0-26`);
  const a = affinityName(`${longest}a`, cidr('10.244.1.0/26'));
  const b = affinityName(`${longest}b`, cidr('10.244.1.0/26'));
  expect(a).toMatch(/^n+-10-244-1-0-26-[0-9a-f]{11}$/);
  expect(a.length).toBeLessThan(253);
  expect(a).not.toBe(b);
});

test('the hostname label is the base32 of SHA3-256, as Calico computes it', () => {
  expect(hostnameHash('kind-worker')).toBe('IBVBROKXJCMHPK3CZI3D3PWK642IN433QZEAMKIO7Z4KRA4BKK3Q');
});

test('base32 without padding (RFC 4648 §10)', () => {
  const vectors = {
    '': '',
    f: 'MY',
    fo: 'MZXQ',
    foo: 'MZXW6',
    foob: 'MZXW6YQ',
    fooba: 'MZXW6YTB',
    foobar: 'MZXW6YTBOI',
  };
  for (const [plain, coded] of Object.entries(vectors)) expect(base32(Buffer.from(plain))).toBe(coded);
});

test('handles are stored in lower case, and tunnels have handles of their own', () => {
  expect(handleName('k8s-pod-network.ABC')).toBe('k8s-pod-network.abc');
  expect(tunnelHandle('ipip', 'n1')).toBe('ipip-tunnel-addr-n1');
});

test('fnv32 is FNV-1', () => {
  expect(fnv32('')).toBe(0x811c9dc5);
  expect(fnv32('a')).toBe(0x050c5d7e);
  expect(fnv32('foobar')).toBe(0x31f0b262);
});
