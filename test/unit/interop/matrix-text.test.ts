/** The interop matrix as Markdown: what is written is read back, and one daemon's column is replaced without touching others. */
import { expect, test } from 'vitest';
import { type Column, columnOf, parseMatrix, renderMatrix, withColumn } from '../../interop/matrix/matrix-text.ts';

const ROWS = ['session (RFC 4271)', 'TCP MD5 (RFC 2385)', 'roles (RFC 9234)'];
const bird: Column = {
  title: 'BIRD 2.0.12',
  cells: { [ROWS[0] ?? '']: 'passed', [ROWS[1] ?? '']: 'passed', [ROWS[2] ?? '']: 'passed (eBGP IPv4)' },
  absences: {},
};
const gobgp: Column = {
  title: 'GoBGP 3.10.0',
  cells: { [ROWS[0] ?? '']: 'passed', [ROWS[1] ?? '']: 'passed', [ROWS[2] ?? '']: 'absent' },
  absences: { [ROWS[2] ?? '']: 'no roles: `role` is answered with `no: such: keyword`' },
};

test('a matrix is read back as it was written, its columns in order', () => {
  expect(parseMatrix(renderMatrix([gobgp, bird], ROWS))).toEqual([bird, gobgp]);
});

test('a new column takes the place of the same daemon, whatever its version, and the others stay', () => {
  const text = renderMatrix([bird, gobgp], ROWS);
  const newer: Column = {
    ...gobgp,
    title: 'GoBGP 4.0.0',
    cells: { ...gobgp.cells, [ROWS[2] ?? '']: 'passed' },
    absences: {},
  };
  const changed = withColumn(text, newer, ROWS);
  expect(parseMatrix(changed)).toEqual([bird, newer]);
  expect(changed).not.toContain('Absent in');
  expect(withColumn(changed, gobgp, ROWS)).toBe(text);
});

test('no file yet is a matrix of one column; a row that a daemon was not tried with says so', () => {
  const text = withColumn('', bird, [...ROWS, 'a row of tomorrow']);
  expect(columnOf(text, 'BIRD')?.cells['a row of tomorrow']).toBe('not run');
  expect(columnOf(text, 'GoBGP')).toBeUndefined();
});
