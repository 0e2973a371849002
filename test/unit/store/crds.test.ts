/** The CRD files that we ship: what is demanded of them. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { parseCrds } from '../../../src/store/embedded/crd-file.ts';
import { CALICO_GROUP, KINDS } from '../../../src/store/kinds.ts';
import type { Kind } from '../../../src/store/port.ts';
import { CRDS } from '../../contract/store-crds.ts';

const served = CRDS.flatMap(parseCrds);
const own: readonly Kind[] = Object.values(KINDS).filter((k: Kind) => k.group === CALICO_GROUP);

test('there is one CRD for every kind of the table, with its very names, cluster-wide, and no other', () => {
  const names = (kinds: readonly Kind[]): string[] =>
    kinds.map((k) => `${k.group}/${k.version} ${k.plural} ${k.kind} ${k.namespaced}`).sort();
  expect(names(served)).toEqual(names(own));
});

test('spec keeps fields it does not know, so that a newer Calico loses nothing through us', () => {
  for (const kind of served)
    expect(kind.schema?.properties?.['spec']?.['x-kubernetes-preserve-unknown-fields'], kind.kind).toBe(true);
});

test('free allocations are null, sequence numbers int64, and BlockAffinity.deleted is a string', () => {
  const field = (plural: string, name: string) =>
    served.find((k) => k.plural === plural)?.schema?.properties?.['spec']?.properties?.[name];
  expect(field('ipamblocks', 'allocations')?.items).toMatchObject({ type: 'integer', nullable: true });
  expect(field('ipamblocks', 'sequenceNumber')).toMatchObject({ type: 'integer', format: 'int64' });
  expect(field('ipamblocks', 'sequenceNumberForAllocation')?.additionalProperties).toMatchObject({
    type: 'integer',
    format: 'int64',
  });
  expect(field('blockaffinities', 'deleted')).toMatchObject({ type: 'string' });
});

test('the kustomization names every file', () => {
  const folder = new URL('../../../deploy/crds/', import.meta.url);
  const files = fs.readdirSync(folder).filter((f) => f !== 'kustomization.yaml');
  const listed = (parse(fs.readFileSync(new URL('kustomization.yaml', folder), 'utf8')) as { resources: string[] })
    .resources;
  expect([...listed].sort()).toEqual(files.sort());
});

test('a CRD that lacks a part is refused with its name and the part', () => {
  const text =
    'kind: CustomResourceDefinition\nmetadata: {name: things.g.io}\nspec: {group: g.io, scope: Cluster, names: {plural: things, kind: Thing}}';
  expect(() => parseCrds(text)).toThrow('CustomResourceDefinition "things.g.io": spec.versions is missing; add it');
  expect(() => parseCrds('a: [')).toThrow(/not YAML/);
});
