import { expect, test } from 'vitest';
import { addPeer, address, announcement, attributes, cidr, PLAIN, ribOf } from '../../support/rib.ts';

const PREFIX = '203.0.113.0/24';
const [CONFIGURED, OF_A_PEER, OTHER] = ['10.0.0.7', '10.0.0.8', '10.0.0.9'] as const;

function heard(...clusters: string[]) {
  const { rib } = ribOf({ clusterId: address(CONFIGURED) });
  const peer = addPeer(rib, '10.9.0.2');
  const path = attributes('10.9.0.2', { originatorId: address('10.9.0.5'), clusterList: clusters.map(address) });
  rib.receive(peer, announcement(path, PREFIX), PLAIN);
  rib.settle();
  return { rib, why: () => rib.pathsOf(cidr(PREFIX))?.paths[0]?.rejected?.text };
}

test('a path is a loop by any cluster identifier of ours: the configured one, the BGP identifier, a session’s own (RFC 4456 8)', () => {
  expect(heard(OTHER, CONFIGURED).why()).toBe('CLUSTER_LIST contains our own 10.0.0.7');
  expect(heard(OTHER, '10.9.0.1').why()).toBe('CLUSTER_LIST contains our own 10.9.0.1');
  const { rib, why } = heard(OTHER, OF_A_PEER);
  expect(why()).toBeUndefined();
  rib.setClusterIds([address(OF_A_PEER), address(OF_A_PEER)]);
  rib.settle();
  expect(why()).toBe('CLUSTER_LIST contains our own 10.0.0.8');
});

test('what came before an identifier was ours, or after it is no more, is judged anew', () => {
  const { rib, why } = heard(OF_A_PEER);
  for (const [ids, expected] of [
    [[OF_A_PEER], 'CLUSTER_LIST contains our own 10.0.0.8'],
    [[OTHER], undefined],
    [[OTHER, OF_A_PEER], 'CLUSTER_LIST contains our own 10.0.0.8'],
    [[], undefined],
  ] as const) {
    rib.setClusterIds(ids.map(address));
    rib.settle();
    expect(why()).toBe(expected);
  }
});
