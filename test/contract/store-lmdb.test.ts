/** The contract on the engine over files, without HTTP; and what only files show. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCrds } from '../../src/store/embedded/crd-file.ts';
import { Engine } from '../../src/store/embedded/engine.ts';
import { engineStore } from '../../src/store/embedded/engine-store.ts';
import type { KeyValue } from '../../src/store/embedded/key-value.ts';
import { openLmdb } from '../../src/store/embedded/lmdb-key-value.ts';
import { MemoryKeyValue } from '../../src/store/embedded/memory-key-value.ts';
import { CORE_KINDS } from '../../src/store/embedded/served-kind.ts';
import { KINDS } from '../../src/store/kinds.ts';
import type { Store } from '../../src/store/port.ts';
import { bundle } from '../support/bundle.ts';
import { CRDS } from './store-crds.ts';
import { block, pool, reasonOf, storeSuite, WINDOW } from './store-suite.ts';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-lmdb-'));
const kinds = [...CORE_KINDS, ...CRDS.flatMap(parseCrds)];
const engineOver = (keyValue: KeyValue): Engine =>
  new Engine({ keyValue, kinds, wall: Date.now, uid: randomUUID, window: WINDOW });
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

describe('embedded store on disk', () => {
  let files: KeyValue;
  let store: Store;
  beforeAll(() => {
    files = openLmdb(path.join(root, 'suite'));
    store = engineStore(engineOver(files));
  });
  afterAll(() => files.close());
  storeSuite(() => store);
});

test('objects survive close and open with all their digits, and old watches are told to list anew', async () => {
  const folder = path.join(root, 'reopen');
  const first = openLmdb(folder);
  const before = await engineStore(engineOver(first)).create(KINDS.ipamBlock, block('10-0-0-0-26'));
  await first.close();
  const second = openLmdb(folder);
  const store = engineStore(engineOver(second));
  expect(await store.get(KINDS.ipamBlock, '10-0-0-0-26')).toEqual(before);
  const watch = store.watch(KINDS.ipamBlock, before.metadata.resourceVersion as string, AbortSignal.timeout(5000));
  expect(await reasonOf(watch[Symbol.asyncIterator]().next())).toBe('Gone');
  const after = await store.create(KINDS.ipPool, pool('later'));
  expect(Number(after.metadata.resourceVersion)).toBeGreaterThan(Number(before.metadata.resourceVersion) + 999);
  await second.close();
});

test('kill -9 in the middle of writes loses nothing that was acknowledged, and leaves no half object', async () => {
  const folder = path.join(root, 'killed');
  const child = spawn(process.execPath, [await bundle('test/contract/store-lmdb-child.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  let last = '';
  for await (const line of readline.createInterface({ input: child.stdout })) {
    last = line;
    if (Number(line.split(' ')[0]) === 150) child.kill('SIGKILL');
  }
  await gone;
  const [count, resourceVersion] = last.split(' ').map(Number) as [number, number];
  expect(count).toBeGreaterThanOrEqual(150);
  const files = openLmdb(folder);
  const { items } = await engineStore(engineOver(files)).list(KINDS.ipamBlock);
  expect(items).toHaveLength(7);
  const newest = Math.max(...items.map((o) => o.spec?.['count'] as number));
  // One more write may have reached the files than reached our ears.
  expect([count, count + 1]).toContain(newest);
  expect(Math.max(...items.map((o) => Number(o.metadata.resourceVersion)))).toBe(resourceVersion + newest - count);
  for (const object of items) expect(object.spec?.['filler']).toBe('x'.repeat(2000));
  await files.close();
});

describe.each(['memory', 'lmdb'])('key-value store in %s', (where) => {
  let files: KeyValue;
  beforeAll(() => {
    files = where === 'memory' ? new MemoryKeyValue() : openLmdb(path.join(root, 'kv'));
  });
  afterAll(() => files.close());

  test('ranges are ordered, end with their prefix, and start after a key', () => {
    files.commit(['b/2', 'a/1', 'b/10', 'b/1', 'c/1', 'b', 'b/é'].map((key) => ({ key, value: `v ${key}` })));
    const keys = (prefix: string, after?: string): string[] => [...files.range(prefix, after)].map((p) => p.key);
    expect(keys('b/')).toEqual(['b/1', 'b/10', 'b/2', 'b/é']);
    expect(keys('b/', 'b/10')).toEqual(['b/2', 'b/é']);
    expect(keys('b/', 'b/11')).toEqual(['b/2', 'b/é']);
    expect(keys('d/')).toEqual([]);
  });

  test('a commit behind a fence that moved writes nothing', () => {
    files.commit([{ key: 'fence', value: '1' }]);
    expect(files.commit([{ key: 'x', value: '1' }], { key: 'fence', value: '0' })).toBe(false);
    expect(files.get('x')).toBeUndefined();
    expect(files.commit([{ key: 'x', value: '1' }, { key: 'fence' }], { key: 'fence', value: '1' })).toBe(true);
    expect([files.get('x'), files.get('fence')]).toEqual(['1', undefined]);
  });
});
