/** The matrix as Markdown (src/bgp-js/INTEROP.md): one column per daemon, each written by its own test file, so a column can
 *  be replaced while the others stay. Pure; its test is test/unit/interop/matrix-text.test.ts. */

export interface Column {
  /** "BIRD 2.0.12" */
  readonly title: string;
  /** By row: "passed", "passed (eBGP)", "absent". */
  readonly cells: Readonly<Record<string, string>>;
  /** By row: why absent, and what the run saw of it. */
  readonly absences: Readonly<Record<string, string>>;
}

const HEAD = `# bgp-js and other speakers

Written by the tests in test/interop/matrix (\`npm test -- interop\`), which compare it with what they find. Each row is tried
with the packages of Debian named above the columns, in network namespaces, for iBGP and eBGP over IPv4 and IPv6, in both
directions where there are two; what the other side holds is read from its own output. *passed* is all four pairs, or those
named. *absent* is a feature that version does not have, and below stands what the run saw of that.
`;

const nameOf = (title: string): string => title.split(' ')[0] ?? '';

export function renderMatrix(columns: readonly Column[], rows: readonly string[]): string {
  const sorted = [...columns].sort((a, b) => (a.title < b.title ? -1 : 1));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const table = [
    line(['', ...sorted.map((c) => c.title)]),
    line(['---', ...sorted.map(() => '---')]),
    ...rows.map((row) => line([row, ...sorted.map((c) => c.cells[row] ?? 'not run')])),
  ];
  const absences = sorted.flatMap((c) => {
    const all = rows.flatMap((row) => (c.absences[row] === undefined ? [] : [`- ${row}: ${c.absences[row]}`]));
    return all.length === 0 ? [] : [`## Absent in ${c.title}`, '', ...all, ''];
  });
  return `${HEAD}\n${table.join('\n')}\n\n${absences.join('\n')}`.trimEnd().concat('\n');
}

export function parseMatrix(text: string): readonly Column[] {
  const table = text
    .split('\n')
    .filter((l) => l.startsWith('| '))
    .map((l) => l.slice(2, -2).split(' | '));
  const [titles, , ...rows] = table;
  return (titles ?? []).slice(1).map((title, at) => {
    const section = text.split(`## Absent in ${title}\n`)[1]?.split('\n## ')[0] ?? '';
    const cell = (row: readonly string[]): readonly [string, string] => [row[0] ?? '', row[at + 1] ?? ''];
    const known = rows.map((row) => row[0] ?? '');
    const absences = section.split('\n').flatMap((l) => {
      const row = known.find((k) => l.startsWith(`- ${k}: `));
      return row === undefined ? [] : [[row, l.slice(row.length + 4)] as const];
    });
    return { title, cells: Object.fromEntries(rows.map(cell)), absences: Object.fromEntries(absences) };
  });
}

/** The same with this column in the place of the daemon's older one. */
export function withColumn(text: string, column: Column, rows: readonly string[]): string {
  const others = parseMatrix(text).filter((c) => nameOf(c.title) !== nameOf(column.title));
  return renderMatrix([...others, column], rows);
}

export const columnOf = (text: string, name: string): Column | undefined =>
  parseMatrix(text).find((c) => nameOf(c.title) === name);
