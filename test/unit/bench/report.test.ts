import { expect, test } from 'vitest';
import { cell, judge, type Section, sectionText, withSection } from '../../../bench/engine/report.ts';

const WALL = { key: 'wall', head: 'wall s', digits: 2, floored: true } as const;
const CPU = { key: 'cpu', head: 'CPU s', digits: 1 } as const;
const RATIO = { figure: 'wall', kind: 'ratio', atMost: 0.5, text: 'the wall' } as const;
const ABSOLUTE = { figure: 'cpu', kind: 'absolute', atMost: 2, text: 'the CPU' } as const;

const section = (over: Partial<Section> = {}): Section => ({
  title: 'A thing',
  about: 'What is done.',
  figures: [WALL, CPU],
  marks: [RATIO, ABSOLUTE],
  rows: [
    {
      name: 'Gingham',
      runs: [
        { wall: 1, cpu: 1 },
        { wall: 1.2, cpu: 3 },
        { wall: 1.1, cpu: 2 },
      ],
      failures: [],
    },
    { name: 'BIRD', runs: [{ wall: 4, cpu: 4 }], failures: ['run 2: it fell'] },
    { name: 'harness alone', floor: true, runs: [{ wall: 0.2 }], failures: [] },
  ],
  remarks: [],
  made: 'Made here.',
  ...over,
});

const row = (s: Section, name: string) => s.rows.find((r) => r.name === name) ?? { name, runs: [], failures: [] };

test('a cell is the median, with ~ where the runs lie far apart and - where there are none', () => {
  const s = section();
  expect(cell(s, row(s, 'Gingham'), WALL)).toBe('1.10');
  expect(cell(s, row(s, 'Gingham'), CPU)).toBe('2.0 ~');
  expect(cell(s, row(s, 'nobody'), CPU)).toBe('-');
});

test('† marks a figure of which the harness is more than 30 %, and never the harness itself', () => {
  const rows = [
    { name: 'Gingham', runs: [{ wall: 0.5 }], failures: [] },
    { name: 'harness alone', floor: true as const, runs: [{ wall: 0.2 }], failures: [] },
  ];
  const s = section({ rows });
  expect(cell(s, row(s, 'Gingham'), WALL)).toBe('0.50 †');
  expect(cell(s, row(s, 'harness alone'), WALL)).toBe('0.20');
  expect(judge(s, ABSOLUTE)).toEqual({ text: 'not measured', met: undefined });
});

test('a mark is judged by medians: against BIRD in the same run, or by itself', () => {
  const s = section();
  expect(judge(s, RATIO)).toEqual({ text: '0.28 × BIRD', met: true });
  expect(judge(s, { ...RATIO, atMost: 0.2 }).met).toBe(false);
  expect(judge(s, ABSOLUTE)).toEqual({ text: '2.0', met: true });
  const alone = section({ rows: s.rows.filter((r) => r.name === 'Gingham') });
  expect(judge(alone, RATIO)).toEqual({ text: '1.10, BIRD not measured', met: undefined });
});

test('a section says what failed and how it was made', () => {
  const text = sectionText(section());
  expect(text).toMatch(/^## A thing\n\nWhat is done\.\n/);
  expect(text).toContain('- BIRD: run 2: it fell');
  expect(text).toContain('| the wall |');
  expect(text.trimEnd().endsWith('Made here.')).toBe(true);
});

test('a section takes the place of its older self and stands in the order of the scenarios', () => {
  const order = ['First', 'A thing', 'Last'];
  let text = '';
  for (const title of ['Last', 'A thing', 'First']) text = withSection(text, section({ title }), order);
  text = withSection(text, section({ made: 'Made anew.' }), order);
  const titles = [...text.matchAll(/^## (.+)$/gm)].map((m) => m[1]);
  expect(titles).toEqual(order);
  expect(text.match(/Made anew\./g)).toHaveLength(1);
  expect(text.match(/Made here\./g)).toHaveLength(2);
  expect(text.startsWith('# ')).toBe(true);
});
