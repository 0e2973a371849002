/** src/bgp-js/RFCS.md and src/bfd/RFCS.md hold what they say: every file it names is there, and every test and every message of the corpus. */
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readCorpus } from '../../support/corpus.ts';

const TOP = path.resolve(import.meta.dirname, '../../..');

/** The RFCs that each is to know. */
const RFCS = {
  'src/bgp-js': [
    1997, 2385, 2545, 2918, 4271, 4360, 4456, 4486, 4724, 4760, 5065, 5082, 5492, 5701, 6286, 6396, 6608, 6793, 7311,
    7313, 7606, 7911, 7999, 8050, 8092, 8203, 8212, 8326, 8538, 8654, 8950, 9003, 9072, 9234, 9494, 9687,
  ],
  'src/bfd': [5880, 5881, 5882, 9384],
} as const;

interface Row {
  /** Below which its files are. */
  readonly folder: string;
  readonly rfc: number;
  readonly section: string;
  readonly files: readonly string[];
  readonly shown: readonly { readonly file: string; readonly name: string }[];
  readonly notDone: string | undefined;
}

function rowsOf(markdown: string, folder: string): Row[] {
  let rfc = 0;
  return markdown.split('\n').flatMap((line) => {
    const heading = /^## RFC (\d+)/.exec(line);
    if (heading !== null) rfc = Number(heading[1]);
    const cells = line.startsWith('| ') ? line.slice(2, -2).split(' | ') : [];
    const [section, , done, shown] = cells;
    if (section === undefined || done === undefined || shown === undefined || /^(section|---)$/.test(section))
      return [];
    return [
      {
        folder,
        rfc,
        section,
        files: [...done.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
        shown: shown.split('<br>').flatMap((item) => {
          const [, file, name] = /^`([^`]+)` (.+)$/.exec(item) ?? [];
          return file === undefined || name === undefined ? [] : [{ file, name }];
        }),
        notDone: /^not done: (.+)$/.exec(shown)?.[1],
      },
    ];
  });
}
const ROWS = Object.keys(RFCS).flatMap((folder) =>
  rowsOf(fs.readFileSync(path.join(TOP, folder, 'RFCS.md'), 'utf8'), folder),
);
const where = (row: Row): string => `RFC ${row.rfc} ${row.section}`;

test('every RFC of the list has rows, and every row is a section with something to show or a reason why not', () => {
  for (const [folder, rfcs] of Object.entries(RFCS)) {
    const rows = ROWS.filter((row) => row.folder === folder);
    expect([...new Set(rows.map((row) => row.rfc))].sort((a, b) => a - b)).toEqual(rfcs);
  }
  const bare = ROWS.filter((row) => row.notDone === undefined && (row.files.length === 0 || row.shown.length === 0));
  expect(bare.map(where)).toEqual([]);
});

test('every file that a row names is there', () => {
  const missing = ROWS.flatMap((row) =>
    row.files
      .map((file) => (file.startsWith('src/') ? file : `${row.folder}/${file}`))
      .filter((file) => !fs.existsSync(path.join(TOP, file)))
      .map((file) => `${where(row)}: ${file}`),
  );
  expect(missing).toEqual([]);
});

test('every message and every test that a row names is there', () => {
  const titles = new Set(readCorpus().map((m) => `${m.file} ${m.title}`));
  const sources = new Map<string, string>();
  const source = (file: string): string => {
    const known = sources.get(file);
    if (known !== undefined) return known;
    const full = path.join(TOP, file);
    const text = fs.existsSync(full) ? fs.readFileSync(full, 'utf8') : '';
    sources.set(file, text);
    return text;
  };
  const quoted = (name: string): string[] => [`'${name.replaceAll("'", "\\'")}'`, `"${name}"`, `\`${name}\``];
  const isThere = (file: string, name: string): boolean =>
    file.endsWith('.txt') ? titles.has(`${file} ${name}`) : quoted(name).some((text) => source(file).includes(text));
  const missing = ROWS.flatMap((row) =>
    row.shown
      .filter(({ file, name }) => !isThere(file, name))
      .map(({ file, name }) => `${where(row)}: ${file}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test('a name that is not there is found out', () => {
  const [row] = rowsOf('## RFC 1\n| 1 | something | `wire/none.ts` | `none.txt` no such title |', 'src/bgp-js');
  expect(row).toEqual({
    folder: 'src/bgp-js',
    rfc: 1,
    section: '1',
    files: ['wire/none.ts'],
    shown: [{ file: 'none.txt', name: 'no such title' }],
    notDone: undefined,
  });
});
