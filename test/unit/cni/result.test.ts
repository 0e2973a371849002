import { expect, test } from 'vitest';
import { addressesOfResult, formatAddResult } from '../../../src/cni/result.ts';
import type { Workload } from '../../../src/model/workload.ts';

const workload: Workload = {
  containerId: 'c1',
  ifName: 'eth0',
  netns: '/run/netns/pod',
  namespace: 'default',
  pod: 'nginx',
  address: '10.244.0.5',
  hostInterface: 'calic440f455693',
  mac: '02:00:00:00:00:01',
  handleId: 'net.c1',
  mtu: 1480,
  addedAt: '2026-11-21T14:45:33.000Z',
};

// What each version of the specification says an ADD answers: "version" beside an address until 0.4.0, "mtu" from 1.1.0.
const GOLDEN: Readonly<Record<string, string>> = {
  '0.3.1':
    '{"cniVersion":"0.3.1","interfaces":[{"name":"calic440f455693"},{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/pod"}],"ips":[{"version":"4","address":"10.244.0.5/32","interface":1}],"routes":[{"dst":"0.0.0.0/0","gw":"169.254.1.1"}]}',
  '0.4.0':
    '{"cniVersion":"0.4.0","interfaces":[{"name":"calic440f455693"},{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/pod"}],"ips":[{"version":"4","address":"10.244.0.5/32","interface":1}],"routes":[{"dst":"0.0.0.0/0","gw":"169.254.1.1"}]}',
  '1.0.0':
    '{"cniVersion":"1.0.0","interfaces":[{"name":"calic440f455693"},{"name":"eth0","mac":"02:00:00:00:00:01","sandbox":"/run/netns/pod"}],"ips":[{"address":"10.244.0.5/32","interface":1}],"routes":[{"dst":"0.0.0.0/0","gw":"169.254.1.1"}]}',
  '1.1.0':
    '{"cniVersion":"1.1.0","interfaces":[{"name":"calic440f455693"},{"name":"eth0","mac":"02:00:00:00:00:01","mtu":1480,"sandbox":"/run/netns/pod"}],"ips":[{"address":"10.244.0.5/32","interface":1}],"routes":[{"dst":"0.0.0.0/0","gw":"169.254.1.1"}]}',
};

test.each(Object.entries(GOLDEN))('the answer of an ADD in CNI %s', (version, golden) => {
  expect(JSON.stringify(formatAddResult(workload, version))).toBe(golden);
});

test('DNS settings of the configuration are in the answer', () => {
  expect(formatAddResult(workload, '1.0.0', { nameservers: ['10.96.0.10'] })).toMatchObject({
    dns: { nameservers: ['10.96.0.10'] },
  });
});

test('the addresses of a previous result are read in any version', () => {
  for (const version of Object.keys(GOLDEN))
    expect(addressesOfResult(formatAddResult(workload, version))).toEqual(['10.244.0.5/32']);
  expect(addressesOfResult({})).toBeUndefined();
});
