import { expect, test } from 'vitest';
import { invariant } from '../../../src/base/invariant.ts';
import { formatPrefix, parsePrefix } from '../../../src/base/prefix.ts';
import { choosePools, parsePool } from '../../../src/ipam/pools.ts';
import { blockCidrs, takenBy } from '../../../src/ipam/selection.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const pool = (spec: JsonObject, name = 'p', rest: Partial<Resource> = {}): Resource => ({
  metadata: { name },
  spec: { cidr: '10.244.0.0/16', ...spec },
  ...rest,
});
const good = (spec: JsonObject) => {
  const parsed = parsePool(pool(spec));
  invariant(parsed.ok, parsed.ok ? '' : parsed.error.text);
  return parsed.value;
};

test('a pool of only a CIDR gets Calico’s defaults', () => {
  expect(good({})).toMatchObject({
    blockSize: 26,
    ipipMode: 'Never',
    vxlanMode: 'Never',
    natOutgoing: false,
    disabled: false,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
    assignmentMode: 'Automatic',
  });
});

test.each([
  [{ cidr: '10.244.0.1/16' }, 'POOL_CIDR_INVALID', '10.244.0.1/16'],
  [{ cidr: '169.254.8.0/24' }, 'POOL_CIDR_INVALID', 'link-local'],
  [{ blockSize: 19 }, 'POOL_BLOCK_SIZE_INVALID', '20 to 32'],
  [{ blockSize: 33 }, 'POOL_BLOCK_SIZE_INVALID', '33'],
  [{ cidr: '10.0.0.0/28' }, 'POOL_SMALLER_THAN_BLOCK', '/26'],
  [{ ipipMode: 'Always', vxlanMode: 'CrossSubnet' }, 'POOL_BOTH_ENCAPSULATIONS', 'Never'],
  [{ ipipMode: 'always' }, 'POOL_FIELD_UNKNOWN', 'ipipMode is "always"'],
  [{ allowedUses: ['Pods'] }, 'POOL_FIELD_UNKNOWN', 'Workload, Tunnel, LoadBalancer'],
])('a faulty pool is a Reason with the value and the remedy: %j', (spec, code, text) => {
  const result = parsePool(pool(spec));
  expect(result).toMatchObject({ ok: false, error: { code } });
  if (!result.ok) expect(result.error.text).toContain(text);
});

test('every fault of a pool is in the text at once', () => {
  const result = parsePool(pool({ cidr: 'x', blockSize: 99, ipipMode: 'No' }));
  invariant(!result.ok, 'faulty');
  for (const field of ['cidr', 'blockSize', 'ipipMode']) expect(result.error.text).toContain(field);
});

test('pools serve in the order of their names, and each refusal says why', () => {
  const choice = choosePools(
    [
      pool({}, 'b'),
      pool({}, 'a'),
      pool({ disabled: true }, 'off'),
      pool({ assignmentMode: 'Manual' }, 'manual'),
      pool({ allowedUses: ['Tunnel'] }, 'tunnel'),
      pool({ nodeSelector: "rack == 'r2'" }, 'rack'),
      pool({ nodeSelector: 'rack ===' }, 'typo'),
      pool({}, 'going', { metadata: { name: 'going', deletionTimestamp: 'now' } }),
      pool({}, 'overlap', { status: { conditions: [{ type: 'Allocatable', status: 'False' }] } }),
    ],
    { rack: 'r1' },
    'Workload',
  );
  expect(choice.pools.map((p) => p.name)).toEqual(['a', 'b']);
  expect(choice.refused.map((r) => r.code).sort()).toEqual(
    [
      'POOL_DISABLED',
      'POOL_MANUAL',
      'POOL_USE',
      'POOL_NODE_SELECTOR',
      'POOL_SELECTOR_INVALID',
      'POOL_TERMINATING',
      'POOL_NOT_ALLOCATABLE',
    ].sort(),
  );
});

test('a node walks every block of a pool once, from a place of its own', () => {
  const p = good({ cidr: '10.0.0.0/22' });
  const walk = (node: string) => [...blockCidrs(p, node)].map(formatPrefix);
  expect(new Set(walk('n1')).size).toBe(16);
  expect(walk('n1')).toEqual(walk('n1'));
  const starts = new Set(Array.from({ length: 20 }, (_, i) => [...blockCidrs(good({}), `node${i}`)][0]?.address));
  expect(starts.size).toBeGreaterThan(17);
});

test('a CIDR is taken also by a block of another size above or below it', () => {
  const cidrs = ['10.0.0.0/24', '10.0.1.64/28', '10.0.2.0/26'].map((t) => {
    const c = parsePrefix(t);
    invariant(c, t);
    return c;
  });
  const taken = takenBy(cidrs, 26);
  const is = (t: string) => {
    const c = parsePrefix(t);
    invariant(c, t);
    return taken(c);
  };
  expect(['10.0.0.64/26', '10.0.1.64/26', '10.0.2.0/26'].map(is)).toEqual([true, true, true]);
  expect(['10.0.1.0/26', '10.0.2.64/26'].map(is)).toEqual([false, false]);
});
