/** The FSM table against the file that was reviewed: a changed cell shows as a changed line. */
import { expect, test } from 'vitest';
import { FSM, FSM_EVENTS, type FsmEvent, SESSION_STATES, step } from '../../../src/bgp-js/session/fsm.ts';

const events = Object.keys(FSM_EVENTS) as FsmEvent[];

/** As the formatter leaves Markdown tables: padded. */
function table(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((c, i) => c.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((w) => '-'.repeat(w))), ...body.map(line)];
}

function render(): string {
  const notes: string[] = [];
  const cell = (event: FsmEvent, state: (typeof SESSION_STATES)[number]): string => {
    const { next, actions, departure } = FSM[state][event];
    if (departure !== undefined && !notes.includes(departure)) notes.push(departure);
    const mark = departure === undefined ? '' : ` [${notes.indexOf(departure) + 1}]`;
    if (next === state && actions.length === 0) return `–${mark}`;
    return `${next === state ? '' : `**${next}** `}${actions.join(', ')}${mark}`.trim();
  };
  const lines = [
    '# The FSM of one connection',
    '',
    'Rendered from `src/bgp-js/fsm.ts` and compared by `fsm.test.ts`. RFC 4271 8.2.2, RFC 6608. A bold word is the next state, a dash',
    'means that nothing happens, and a number in brackets is a departure from the letter, with its reason below.',
    '',
    ...table([
      ['event (RFC 4271 8.1)', ...SESSION_STATES],
      ...events.map((event) => [`${event} (${FSM_EVENTS[event]})`, ...SESSION_STATES.map((s) => cell(event, s))]),
    ]),
    '',
    ...notes.map((note, i) => `${i + 1}. ${note}`),
    '',
  ];
  return lines.join('\n');
}

test('the table is the reviewed one, every cell answered (RFC 4271 8.2.2)', async () => {
  await expect(render()).toMatchFileSnapshot('./fsm.golden.md');
});

test('every state answers every event, and a step allocates nothing: the row itself is the answer', () => {
  for (const state of SESSION_STATES) for (const event of events) expect(step(state, event)).toBe(FSM[state][event]);
});

test('who leaves for Idle stops its timers, and a NOTIFICATION is never the answer to one (RFC 4271 6.4)', () => {
  for (const state of SESSION_STATES.filter((s) => s !== 'Idle'))
    for (const event of events) {
      const { next, actions } = FSM[state][event];
      if (next === 'Idle') expect(actions, `${state} ${event}`).toContain('stopTimers');
      if (event.startsWith('Notification')) expect(actions, `${state} ${event}`).not.toContain('notify');
    }
});

test('only Connect dials, and only a KEEPALIVE in OpenConfirm establishes', () => {
  for (const state of SESSION_STATES)
    for (const event of events) {
      const { next, actions } = FSM[state][event];
      if (actions.includes('dial')) expect(next, `${state} ${event}`).toBe('Connect');
      expect(actions.includes('establish'), `${state} ${event}`).toBe(state === 'OpenConfirm' && event === 'Keepalive');
    }
});
