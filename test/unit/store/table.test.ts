import { expect, test } from 'vitest';
import { parseCrds } from '../../../src/store/embedded/crd-file.ts';
import { age, table, wantsTable } from '../../../src/store/embedded/table.ts';
import { CRDS } from '../../contract/store-crds.ts';

test('ages are written as kubectl writes them', () => {
  const texts = [
    -5,
    0,
    119,
    120,
    150,
    599,
    600,
    3 * 3600,
    7 * 3600 + 120,
    47 * 3600,
    48 * 3600,
    8 * 86_400,
    800 * 86_400,
  ].map((s) => age(s * 1000));
  expect(texts).toEqual(['0s', '0s', '119s', '2m', '2m30s', '9m59s', '10m', '3h', '7h2m', '47h', '2d', '8d', '2y70d']);
});

test('a table has the columns of the CRD, and null where a field is absent', () => {
  const kind = CRDS.flatMap(parseCrds).find((k) => k.plural === 'ippools');
  if (kind === undefined) throw new Error('no ippools');
  const text = JSON.stringify({
    metadata: { name: 'p', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { cidr: '10.0.0.0/16', natOutgoing: true },
  });
  const made = table(kind, [text], { include: undefined, wallMs: Date.parse('2026-01-01T01:00:00Z'), metadata: {} });
  expect((made['columnDefinitions'] as { name: string }[]).map((c) => c.name)).toEqual([
    'Name',
    'CIDR',
    'IPIP',
    'VXLAN',
    'NAT',
    'Disabled',
    'Block',
    'Nodes',
    'Age',
  ]);
  expect((made['rows'] as { cells: unknown[] }[])[0]?.cells).toEqual([
    'p',
    '10.0.0.0/16',
    null,
    null,
    true,
    null,
    null,
    null,
    '60m',
  ]);
});

test('only a request for the v1 Table gets one', () => {
  expect(wantsTable('application/json;as=Table;v=v1;g=meta.k8s.io,application/json')).toBe(true);
  expect(wantsTable('application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json')).toBe(false);
  expect(wantsTable('application/json')).toBe(false);
});
