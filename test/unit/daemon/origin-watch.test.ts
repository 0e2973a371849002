import { expect, test } from 'vitest';
import { type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { BlockOrigins, type OriginSnapshot } from '../../../src/cluster/block-origin.ts';
import { OriginWatch } from '../../../src/daemon/origin-watch.ts';
import type { BlockOriginMode } from '../../../src/model/built-in-policies.ts';

const prefix = (text: string): IpPrefix => parseIpPrefix(text) as IpPrefix;
const address = (text: string): IpAddress => parseIp(text) as IpAddress;
const NODES = [
  { name: 'node2', addresses: [address('10.9.0.2')] },
  { name: 'node3', addresses: [address('10.9.0.3')] },
];
const POOLS = [prefix('10.244.0.0/16')];
const blocks = (owner: string, count = 1): OriginSnapshot => ({
  pools: POOLS,
  nodes: NODES,
  blocks: Array.from({ length: count }, (_, i) => ({
    cidr: prefix(`10.244.${i >>> 2}.${(i & 3) * 64}/26`),
    node: owner,
  })),
});

function watching(snapshot: OriginSnapshot) {
  const said: string[] = [];
  let mode: BlockOriginMode = 'warn';
  const watch = new OriginWatch({
    origins: new BlockOrigins(),
    mode: () => mode,
    log: { warn: (_fields, text) => void said.push(String(text)) },
  });
  watch.update(snapshot);
  const judge = (route: string, nextHop: string) => {
    const { address: a, length } = prefix(route);
    return watch.judge(a, length, address(nextHop)).origin;
  };
  return { watch, judge, said: () => said.splice(0), setMode: (to: BlockOriginMode) => (mode = to) };
}

test('each block is said once, with what becomes of the route, and again when IPAM or the setting changed', () => {
  const { watch, judge, said, setMode } = watching(blocks('node3'));
  expect(judge('10.244.0.0/26', '10.9.0.3')).toBe('valid');
  expect(said()).toEqual([]);
  expect(judge('10.244.0.0/26', '10.9.0.2')).toBe('invalid');
  judge('10.244.0.0/26', '10.9.0.2');
  judge('10.244.0.7/32', '10.9.0.2');
  expect(said()).toEqual([
    'IPAM says block 10.244.0.0/26 belongs to node3, not to node2: a route is used all the same (cluster.blockOrigin is warn)',
  ]);
  watch.update(blocks('node2'));
  judge('10.244.0.0/26', '10.9.0.3');
  expect(said()).toHaveLength(1);
  setMode('reject');
  judge('10.244.0.0/26', '10.9.0.3');
  expect(said()).toEqual([
    'IPAM says block 10.244.0.0/26 belongs to node2, not to node3: a route is rejected (cluster.blockOrigin is reject)',
  ]);
  expect(watch.counts).toEqual({ valid: 1, invalid: 5, unknown: 0 });
});

test('views look without counting, and see nothing where validation is off', () => {
  const { watch, said, setMode } = watching(blocks('node3'));
  expect(watch.look(address('10.244.0.0'), 26, address('10.9.0.2'))?.origin).toBe('invalid');
  setMode('off');
  expect(watch.look(address('10.244.0.0'), 26, address('10.9.0.2'))).toBeUndefined();
  expect(watch.counts.invalid).toBe(0);
  expect(said()).toEqual([]);
});

test('a peer that claims every block fills no log', () => {
  const { watch, judge, said } = watching(blocks('node3', 1000));
  for (let i = 0; i < 1000; i++) judge(`10.244.${i >>> 2}.${(i & 3) * 64}/26`, '10.9.0.2');
  const lines = said();
  expect(lines).toHaveLength(257);
  expect(lines.at(-1)).toBe('routes with the blocks of other nodes: further ones are only counted');
  expect(watch.counts.invalid).toBe(1000);
});
