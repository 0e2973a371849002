/** Figures become Markdown: one section for each scenario, replaced when that scenario runs again. Pure. */
import { markdownTable } from '../markdown.ts';
import type { FigureSpec, Mark } from './scenarios/scenario.ts';
import { HARNESS_SHARE, harnessShare, median, spread } from './statistics.ts';

export interface Row {
  readonly name: string;
  readonly floor?: true;
  /** Of each run that came to its end. */
  readonly runs: readonly Readonly<Record<string, number>>[];
  /** Why runs did not. */
  readonly failures: readonly string[];
}

export interface Section {
  readonly title: string;
  readonly about: string;
  readonly figures: readonly FigureSpec[];
  readonly marks: readonly Mark[];
  readonly rows: readonly Row[];
  /** Of runs beside those of the table. */
  readonly remarks: readonly string[];
  /** Machine, versions, date, command. */
  readonly made: string;
}

const OURS = 'Gingham';
const MEASURE = 'BIRD';
/** Runs that lie farther apart are no one figure. */
const WIDE = 0.5;

const valuesOf = (row: Row | undefined, key: string): readonly number[] =>
  (row?.runs ?? []).flatMap((run) => run[key] ?? []);
const rowOf = (section: Section, name: string): Row | undefined => section.rows.find((r) => r.name === name);

function floorOf(section: Section, key: string): number | undefined {
  const values = section.rows.filter((r) => r.floor).flatMap((r) => valuesOf(r, key));
  return values.length === 0 ? undefined : median(values);
}

/** Only where it is too much. */
function tooMuch(section: Section, spec: FigureSpec, value: number): number | undefined {
  const share = spec.floored ? harnessShare(value, floorOf(section, spec.key)) : undefined;
  return share !== undefined && share > HARNESS_SHARE ? share : undefined;
}

/** The median; † where the harness has too much of it, ~ where the runs are far apart. */
export function cell(section: Section, row: Row, spec: FigureSpec): string {
  const values = valuesOf(row, spec.key);
  if (values.length === 0) return '-';
  const value = median(values);
  const harness = !row.floor && tooMuch(section, spec, value) !== undefined ? ' †' : '';
  return `${value.toFixed(spec.digits)}${harness}${values.length > 1 && spread(values) > WIDE ? ' ~' : ''}`;
}

export interface Verdict {
  readonly text: string;
  /** undefined: nobody can say. */
  readonly met: boolean | undefined;
}

export function judge(section: Section, mark: Mark): Verdict {
  const ours = valuesOf(rowOf(section, OURS), mark.figure);
  const theirs = valuesOf(rowOf(section, MEASURE), mark.figure);
  const spec = section.figures.find((f) => f.key === mark.figure);
  if (ours.length === 0 || spec === undefined) return { text: 'not measured', met: undefined };
  const value = median(ours);
  const share = tooMuch(section, spec, value);
  const note = share === undefined ? '' : `; the harness is ${Math.round(share * 100)} % of ours`;
  if (mark.kind === 'absolute') return { text: `${value.toFixed(spec.digits)}${note}`, met: value <= mark.atMost };
  if (theirs.length === 0) return { text: `${value.toFixed(spec.digits)}, ${MEASURE} not measured`, met: undefined };
  const ratio = value / median(theirs);
  return { text: `${ratio.toFixed(2)} × ${MEASURE}${note}`, met: ratio <= mark.atMost };
}

const verdictText = (met: boolean | undefined): string => (met === undefined ? 'open' : met ? 'met' : '**not met**');

function marksTable(section: Section): string[] {
  if (section.marks.length === 0) return [];
  const rows = section.marks.map((mark) => {
    const { text, met } = judge(section, mark);
    return [mark.text, `${mark.atMost}${mark.kind === 'ratio' ? ` × ${MEASURE}` : ''}`, text, verdictText(met)];
  });
  return [...markdownTable([['mark', 'at most', 'reached', ''], ...rows]), ''];
}

export function sectionText(section: Section): string {
  const { figures, rows } = section;
  const failures = rows.flatMap((r) => r.failures.map((f) => `- ${r.name}: ${f}`));
  return [
    `## ${section.title}`,
    '',
    section.about,
    '',
    ...markdownTable([
      ['', ...figures.map((f) => f.head), 'runs'],
      ...rows.map((row) => [row.name, ...figures.map((f) => cell(section, row, f)), String(row.runs.length)]),
    ]),
    '',
    ...marksTable(section),
    ...section.remarks,
    ...(failures.length === 0 ? [] : ['Runs that failed:', '', ...failures, '']),
    section.made,
    '',
  ].join('\n');
}

const HEAD = `# The routing engine beside others

Made by \`npm run bench\`: the built daemon as a black box over TCP, beside other daemons on the same stream in the same run. Each
run has a daemon and namespaces of its own; they take turns, and who goes first changes. Figures are medians. Wall time ends
with the last route that was seen; processor time (user and system, of all processes of the daemon) ends when nothing has come
for 0.3 s; peak memory is the sum of VmHWM. The load is a C program on one core, the daemon has the other, where nothing else is
said. "Harness alone" is a C program in the daemon's place that does the least: † marks a figure of which that is more than
${HARNESS_SHARE * 100} %, which does not count. ~ marks runs that lie apart by more than half of their median.
`;

/** `text` with this section in the place of its older self, or at its place in `order` (titles). */
export function withSection(text: string, section: Section, order: readonly string[]): string {
  const parts = text.split(/^(?=## )/m).filter((part) => part.startsWith('## '));
  const titleOf = (part: string): string => part.slice(3, part.indexOf('\n'));
  const place = (part: string): number => (order.indexOf(titleOf(part)) + order.length + 1) % (order.length + 1);
  const kept = parts.filter((part) => titleOf(part) !== section.title).map((part) => `${part.trimEnd()}\n`);
  const all = [...kept, sectionText(section)].sort((a, b) => place(a) - place(b));
  return [HEAD, ...all].join('\n');
}
