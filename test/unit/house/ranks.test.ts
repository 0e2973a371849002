/** The house plan, checked: who may import whom, and who may touch the world. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { IO_FILES, RANKS, ROOMS } from './plan.ts';

const src = new URL('../../../src', import.meta.url).pathname;
const files = fs
  .readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.ts'))
  .sort();

const importsOf = (file: string): string[] => {
  const text = fs.readFileSync(path.join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((m) => m[1] as string);
};
const room = (file: string): string => file.split('/')[0] as string;

test('every folder of src has a rank', () => {
  const unknown = [...new Set(files.map(room))].filter((r) => !(r in RANKS));
  expect(unknown, 'a new folder needs a row in RANKS of test/unit/house/plan.ts').toEqual([]);
});

test('an import goes to a strictly lower rank or stays in its folder', () => {
  const wrong: string[] = [];
  for (const file of files) {
    for (const target of importsOf(file).filter((t) => t.startsWith('.'))) {
      const to = path.relative(src, path.resolve(src, path.dirname(file), target));
      if (to.startsWith('..') || room(to) === room(file)) continue;
      const from = RANKS[room(file)] ?? -1;
      if ((RANKS[room(to)] ?? 99) >= from)
        wrong.push(
          `${file} (rank ${from}) imports ${to} (rank ${RANKS[room(to)]}): declare a port in ${room(file)}/ and let daemon/ wire it`,
        );
    }
  }
  expect(wrong).toEqual([]);
});

test('inside a folder with rooms, an import goes down or stays in its room', () => {
  const wrong: string[] = [];
  for (const [folder, rooms] of Object.entries(ROOMS)) {
    const rank = (file: string): number => {
      const inner = file.split('/');
      return inner.length < 3 ? 99 : (rooms[inner[1] as string] ?? Number.NaN);
    };
    for (const file of files.filter((f) => room(f) === folder)) {
      expect(rank(file), `${file}: its room needs a rank in ROOMS of test/unit/house/plan.ts`).not.toBeNaN();
      for (const target of importsOf(file).filter((t) => t.startsWith('.'))) {
        const to = path.relative(src, path.resolve(src, path.dirname(file), target));
        const [ours, theirs] = [file.split('/'), to.split('/')];
        // Files beside the rooms are a room of their own.
        const sameRoom = ours.length < 3 ? theirs.length < 3 : theirs[1] === ours[1];
        if (room(to) === folder && !sameRoom && rank(to) >= rank(file))
          wrong.push(`${file} imports ${to}: it stands on the same floor or above`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('I/O happens only in the files of the table', () => {
  const wrong: string[] = [];
  // node:crypto is allowed for hashes, which are pure; chance comes in by the Random port.
  const io =
    /^node:(?!path$|util$|url$|assert$|events$|crypto$)|^(?:koffi|pino|lmdb|@grpc\/grpc-js|@kubernetes\/client-node)$/;
  for (const file of files) {
    const touching = importsOf(file).filter((t) => io.test(t));
    if (
      touching.length > 0 &&
      !IO_FILES.some((allowed) => (allowed.endsWith('/') ? file.startsWith(allowed) : file === allowed))
    )
      wrong.push(
        `${file} imports ${touching.join(', ')}: pass it in as an argument, or add the file to IO_FILES with its reason`,
      );
  }
  expect(wrong).toEqual([]);
});

test('the table of I/O files names only files that exist', () => {
  expect(IO_FILES.filter((f) => !fs.existsSync(path.join(src, f)))).toEqual([]);
});
