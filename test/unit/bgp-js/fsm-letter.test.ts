/** The FSM table against the letter of RFC 4271 8.2.2, written down a second time from the text: where the two differ, the
 *  table must say why. What is compared is what others can see: the next state, what goes to the peer, and the retry count. */
import { describe, expect, test } from 'vitest';
import type { FsmAction, FsmCondition, FsmEvent, Transition } from '../../../src/bgp-js/session/fsm.ts';
import { FSM, FSM_EVENTS, SESSION_STATES } from '../../../src/bgp-js/session/fsm.ts';
import type { SessionState } from '../../../src/bgp-js/session/session-types.ts';

/** "next | what the peer sees | the retry count". `cease` and `error` are a NOTIFICATION of the event's own, `5` is FSM Error. */
type Seen = string;
type Letter = Readonly<Record<string, Seen>>;

const STARTS = '1 3 4 5 6 7';
const DROP = 'Idle | drop | +1';

/** Keys are events, or `event condition`; `other` is "any other event". */
const UNOPENED: Letter = {
  2: 'Idle | drop | 0',
  12: 'OpenSent | open |',
  16: 'OpenSent | open |',
  17: 'OpenSent | open |',
  20: 'OpenConfirm | open, keepalive |',
  '21 notifyWithoutOpen': 'Idle | notify | +1',
  '22 notifyWithoutOpen': 'Idle | notify | +1',
  '24 delayOpenRunning': 'Idle | drop |',
  other: DROP,
};
const stays = (state: SessionState, events: string): Letter =>
  Object.fromEntries(events.split(' ').map((event) => [event, `${state} | |`]));

const LETTER: Readonly<Record<SessionState, Letter>> = {
  Idle: {
    1: 'Connect | dial | 0',
    3: 'Connect | dial | 0',
    4: 'Active | | 0',
    5: 'Active | | 0',
    // "In this state, BGP FSM refuses all incoming BGP connections for this peer."
    14: 'Idle | drop |',
    16: 'Idle | drop |',
    17: 'Idle | drop |',
    other: 'Idle | |',
  },
  Connect: {
    ...UNOPENED,
    ...stays('Connect', `${STARTS} 14 15`),
    9: 'Connect | drop, dial |',
    18: 'Idle | drop |',
    '16 delayOpen': 'Connect | |',
    '17 delayOpen': 'Connect | |',
    '18 delayOpenRunning': 'Active | |',
  },
  Active: {
    ...UNOPENED,
    ...stays('Active', `${STARTS} 14 15`),
    9: 'Connect | dial |',
    '2 notifyWithoutOpen': 'Idle | notify | 0',
    '16 delayOpen': 'Active | |',
    '17 delayOpen': 'Active | |',
  },
  OpenSent: {
    ...stays('OpenSent', `${STARTS} 14 15 16 17`),
    2: 'Idle | notify | 0',
    8: 'Idle | notify | +1',
    10: 'Idle | notify | +1',
    18: 'Active | drop |',
    19: 'OpenConfirm | keepalive |',
    21: 'Idle | notify | +1',
    22: 'Idle | notify | +1',
    23: 'Idle | notify | +1',
    24: 'Idle | drop |',
    other: 'Idle | 5 | +1',
  },
  OpenConfirm: {
    ...stays('OpenConfirm', `${STARTS} 14 15 16 17`),
    2: 'Idle | notify | 0',
    8: 'Idle | notify | +1',
    10: 'Idle | notify | +1',
    11: 'OpenConfirm | keepalive |',
    18: DROP,
    19: 'Idle | notify | +1',
    21: 'Idle | notify | +1',
    22: 'Idle | notify | +1',
    23: 'Idle | notify | +1',
    24: 'Idle | drop |',
    25: DROP,
    26: 'Established | |',
    other: 'Idle | 5 | +1',
  },
  Established: {
    ...stays('Established', `${STARTS} 14 15 16 17 26 27`),
    2: 'Idle | notify | 0',
    8: 'Idle | notify | +1',
    10: 'Idle | notify | +1',
    11: 'Established | keepalive |',
    18: DROP,
    19: 'Idle | notify | +1',
    23: 'Idle | notify | +1',
    24: DROP,
    25: DROP,
    28: 'Idle | notify | +1',
    other: 'Idle | 5 | +1',
  },
};

/** "The method of preventing persistent peer oscillation is outside the scope of this document." */
const FREE = new Set(['Idle 6', 'Idle 7', 'Idle 13']);

const SEEN: Readonly<Partial<Record<FsmAction, string>>> = {
  dial: 'dial',
  close: 'drop',
  sendOpen: 'open',
  sendKeepalive: 'keepalive',
  notify: 'notify',
  notifyUnexpected: '5',
};
function seen({ next, actions }: Transition): Seen {
  const count = actions.includes('countRetry') ? '+1' : actions.includes('clearRetryCount') ? '0' : '';
  return `${next} | ${actions.flatMap((action) => SEEN[action] ?? []).join(', ')} | ${count}`;
}
const tidy = (text: string): string => text.replace(/\s+/g, ' ').trim();

const numbered = (Object.keys(FSM_EVENTS) as FsmEvent[]).filter((event) => Number(FSM_EVENTS[event][0]) <= 28);

describe.each(SESSION_STATES.map((state) => [state] as const))('%s', (state) => {
  test('says what RFC 4271 8.2.2 says, or why not', () => {
    for (const event of numbered) {
      const number = FSM_EVENTS[event][0];
      if (FREE.has(`${state} ${number}`)) continue;
      const cell = FSM[state][event];
      const branches: readonly (readonly [FsmCondition | '', Transition])[] = [['', cell], ...(cell.branches ?? [])];
      for (const [condition, transition] of branches) {
        const letter = LETTER[state];
        const wanted = letter[`${number} ${condition}`.trim()] ?? letter['other'] ?? '';
        if (transition.departure === undefined)
          expect(tidy(seen(transition)), `${event} (${number}) ${condition}`).toBe(tidy(wanted));
      }
    }
  });

  test('has a branch for each condition that the letter names', () => {
    for (const key of Object.keys(LETTER[state]).filter((k) => k.includes(' '))) {
      const [number, condition] = key.split(' ');
      const event = numbered.find((e) => FSM_EVENTS[e][0] === number) as FsmEvent;
      expect(
        FSM[state][event].branches?.map(([c]) => c),
        key,
      ).toContain(condition);
    }
  });
});
