import { expect, test } from 'vitest';
import { formatPrefix, type Prefix, parsePrefix } from '../../../src/base/prefix.ts';
import { chooseCidr, datastoreReady, defaultPoolObject } from '../../../src/cluster/default-pool.ts';
import { clusterCidrs, podSubnets } from '../../../src/cluster/kube-config-maps.ts';
import { parsePool } from '../../../src/ipam/pools.ts';
import type { Resource } from '../../../src/store/port.ts';

const cidr = (text: string): Prefix => parsePrefix(text) as Prefix;
const map = (data: Readonly<Record<string, string>>): Resource => ({ metadata: { name: 'm' }, data });

test('the setting comes first, then podSubnet, then 192.168.0.0/16', () => {
  const of = (setting: Prefix | undefined, subnets: readonly Prefix[]): string => {
    const { cidr: chosen, from } = chooseCidr(setting, subnets, 26);
    return `${formatPrefix(chosen)} ${from}`;
  };
  expect(of(cidr('10.1.0.0/16'), [cidr('10.244.0.0/16')])).toBe('10.1.0.0/16 setting');
  expect(of(undefined, [cidr('10.244.0.0/16')])).toBe('10.244.0.0/16 podSubnet');
  expect(of(undefined, [cidr('10.244.0.0/28')])).toBe('192.168.0.0/16 fallback');
  expect(of(undefined, [])).toBe('192.168.0.0/16 fallback');
});

test('podSubnet and clusterCIDR are read out of kubeadm’s files; what cannot be read is as if absent', () => {
  const kubeadm = map({
    ClusterConfiguration: 'networking:\n  podSubnet: 10.244.0.0/16,fd00::/56\n  serviceSubnet: x\n',
  });
  expect(podSubnets(kubeadm).map(formatPrefix)).toEqual(['10.244.0.0/16']);
  expect(clusterCidrs(map({ 'config.conf': 'clusterCIDR: 10.0.0.0/8\nmode: iptables\n' })).map(formatPrefix)).toEqual([
    '10.0.0.0/8',
  ]);
  for (const faulty of [
    undefined,
    map({}),
    map({ ClusterConfiguration: 'a: [' }),
    map({ ClusterConfiguration: 'networking: 3' }),
  ])
    expect(podSubnets(faulty)).toEqual([]);
  expect(clusterCidrs(map({ 'config.conf': 'clusterCIDR: ""' }))).toEqual([]);
});

test('the default pool is one that we read ourselves', () => {
  const pool = { ipipMode: 'CrossSubnet', vxlanMode: 'Never', natOutgoing: true, blockSize: 27 } as const;
  expect(parsePool(defaultPoolObject(pool, cidr('10.244.0.0/16')))).toMatchObject({
    ok: true,
    value: { name: 'default-ipv4-ippool', ...pool, cidr: cidr('10.244.0.0/16') },
  });
});

test('only an explicit false stops IPAM', () => {
  const of = (spec: Record<string, boolean>) => datastoreReady({ metadata: { name: 'default' }, spec });
  expect([datastoreReady(undefined), of({}), of({ datastoreReady: true }), of({ datastoreReady: false })]).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
