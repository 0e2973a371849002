/** The FSM table against the file that was reviewed: a changed cell shows as a changed line. */
import { expect, test } from 'vitest';
import {
  type Cell,
  FSM,
  FSM_EVENTS,
  type FsmCondition,
  type FsmEvent,
  SESSION_STATES,
  step,
  type Transition,
} from '../../../src/bgp-js/session/fsm.ts';

const events = Object.keys(FSM_EVENTS) as FsmEvent[];
const never = (): boolean => false;
/** The cell and its branches. */
const transitions = (cell: Cell): readonly Transition[] => [cell, ...(cell.branches ?? []).map(([, t]) => t)];

/** As the formatter leaves Markdown tables: padded. */
function table(rows: readonly (readonly string[])[]): string[] {
  const [head = [], ...body] = rows;
  const widths = head.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const line = (row: readonly string[]): string => `| ${row.map((c, i) => c.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((w) => '-'.repeat(w))), ...body.map(line)];
}

const CONDITIONS: Readonly<Record<FsmCondition, string>> = {
  passive: 'the session never dials (PassiveTcpEstablishment)',
  met: 'the peer has opened a connection meanwhile',
  delayOpen: 'DelayOpen is configured',
  delayOpenRunning: 'the DelayOpenTimer runs: TCP is there, our OPEN is not out',
  notifyWithoutOpen: 'SendNOTIFICATIONwithoutOPEN is configured, and TCP is there',
};

function render(): string {
  const notes: string[] = [];
  const one = (state: (typeof SESSION_STATES)[number], { next, actions, departure }: Transition): string => {
    if (departure !== undefined && !notes.includes(departure)) notes.push(departure);
    const mark = departure === undefined ? '' : ` [${notes.indexOf(departure) + 1}]`;
    if (next === state && actions.length === 0) return `–${mark}`;
    return [next === state ? '' : `**${next}**`, actions.join(', ')].filter((part) => part !== '').join(' ') + mark;
  };
  const cell = (event: FsmEvent, state: (typeof SESSION_STATES)[number]): string => {
    const row = FSM[state][event];
    const branches = (row.branches ?? []).map(([condition, t]) => `*${condition}*: ${one(state, t)}`);
    return [...branches, branches.length > 0 ? `else ${one(state, row)}` : one(state, row)].join('; ');
  };
  const lines = [
    '# The FSM of one connection',
    '',
    'Rendered from `src/bgp-js/session/fsm.ts` and compared by `fsm.test.ts`. RFC 4271 8.2.2, RFC 6608, RFC 9687. A bold word is the',
    'next state, a dash means that nothing happens, a word in italics is a condition, and a number in brackets is a departure from the',
    'letter, with its reason below.',
    '',
    ...table([
      ['event (RFC 4271 8.1)', ...SESSION_STATES],
      ...events.map((event) => [`${event} (${FSM_EVENTS[event][0]})`, ...SESSION_STATES.map((s) => cell(event, s))]),
    ]),
    '',
    '## Departures',
    '',
    ...notes.map((note, i) => `${i + 1}. ${note}`),
    '',
    '## Conditions',
    '',
    ...Object.entries(CONDITIONS).map(([name, text]) => `- *${name}*: ${text}`),
    '',
    '## What raises the events',
    '',
    'A dash: the table has an answer, and no one here asks (`fsm-events.ts` says why).',
    '',
    ...table([['event', 'raised by'], ...events.map((event) => [event, FSM_EVENTS[event][1]])]),
    '',
  ];
  return lines.join('\n');
}

test('the table is the reviewed one, every cell answered (RFC 4271 8.2.2)', async () => {
  await expect(render()).toMatchFileSnapshot('./fsm.golden.md');
});

test('all 28 events of RFC 4271 8.1 and the one of RFC 9687 3.1 are there, once each', () => {
  const numbers = events.map((event) => FSM_EVENTS[event][0]).filter((n) => n !== 'none');
  expect(numbers).toEqual(Array.from({ length: 29 }, (_, i) => String(i + 1)));
});

test('every state answers every event, and a step allocates nothing: the row itself is the answer', () => {
  for (const state of SESSION_STATES)
    for (const event of events) expect(step(state, event, never)).toBe(FSM[state][event]);
});

test('a branch is taken when its condition holds, the first of them', () => {
  expect(step('Connect', 'TcpAcked', (c) => c === 'delayOpen')).toMatchObject({
    next: 'Connect',
    actions: ['stopConnectRetry', 'startDelayOpen'],
  });
  expect(step('Idle', 'IdleHoldExpired', () => true).next).toBe('Idle');
  expect(step('Idle', 'IdleHoldExpired', (c) => c === 'passive').next).toBe('Active');
  expect(step('Idle', 'IdleHoldExpired', never).next).toBe('Connect');
});

test('who leaves for Idle stops its timers, and a NOTIFICATION is never the answer to one (RFC 4271 6.4)', () => {
  for (const state of SESSION_STATES.filter((s) => s !== 'Idle'))
    for (const event of events)
      for (const { next, actions } of transitions(FSM[state][event])) {
        if (next === 'Idle') expect(actions, `${state} ${event}`).toContain('stopTimers');
        if (event.startsWith('Notification')) expect(actions, `${state} ${event}`).not.toContain('notify');
      }
});

test('only Connect dials, and only a KEEPALIVE in OpenConfirm establishes', () => {
  for (const state of SESSION_STATES)
    for (const event of events)
      for (const { next, actions } of transitions(FSM[state][event])) {
        if (actions.includes('dial')) expect(next, `${state} ${event}`).toBe('Connect');
        const establishes = state === 'OpenConfirm' && event === 'Keepalive';
        expect(actions.includes('establish'), `${state} ${event}`).toBe(establishes);
      }
});

test('ManualStop clears the retry count and an error counts, in every state but Idle (RFC 4271 8.2.2)', () => {
  for (const state of SESSION_STATES.filter((s) => s !== 'Idle')) {
    expect(FSM[state].ManualStop.actions, state).toContain('clearRetryCount');
    for (const event of ['AutomaticStop', 'HeaderError', 'CollisionDump'] as const)
      expect(FSM[state][event].actions, `${state} ${event}`).toContain('countRetry');
  }
});
