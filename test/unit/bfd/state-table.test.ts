/** Every cell of the state table against RFC 5880 6.2, 6.8.4, 6.8.6 and 6.8.16. */
import { expect, test } from 'vitest';
import type { BfdState } from '../../../src/bfd/bfd-types.ts';
import { BFD_TABLE, type BfdEvent } from '../../../src/bfd/state-table.ts';

/** Next state, and the diagnostic where the cell sets one. */
const LETTER: Record<BfdState, Record<BfdEvent, string>> = {
  AdminDown: {
    ReceivedAdminDown: 'AdminDown',
    ReceivedDown: 'AdminDown',
    ReceivedInit: 'AdminDown',
    ReceivedUp: 'AdminDown',
    DetectionExpired: 'AdminDown',
    Enable: 'Down',
    Disable: 'AdminDown',
  },
  Down: {
    ReceivedAdminDown: 'Down',
    ReceivedDown: 'Init',
    ReceivedInit: 'Up 0',
    ReceivedUp: 'Down',
    DetectionExpired: 'Down',
    Enable: 'Down',
    Disable: 'AdminDown 7',
  },
  Init: {
    ReceivedAdminDown: 'Down 3',
    ReceivedDown: 'Init',
    ReceivedInit: 'Up 0',
    ReceivedUp: 'Up 0',
    DetectionExpired: 'Down 1',
    Enable: 'Init',
    Disable: 'AdminDown 7',
  },
  Up: {
    ReceivedAdminDown: 'Down 3',
    ReceivedDown: 'Down 3',
    ReceivedInit: 'Up',
    ReceivedUp: 'Up',
    DetectionExpired: 'Down 1',
    Enable: 'Up',
    Disable: 'AdminDown 7',
  },
};

for (const [state, row] of Object.entries(LETTER) as [BfdState, Record<BfdEvent, string>][])
  for (const [event, wanted] of Object.entries(row) as [BfdEvent, string][])
    test(`${state}, ${event}: ${wanted}`, () => {
      const { next, diagnostic, actions } = BFD_TABLE[state][event];
      expect([next, ...(diagnostic === undefined ? [] : [diagnostic])].join(' ')).toBe(wanted);
      // The neighbour hears of every change at once (6.8.7), and of nothing else.
      expect(actions.includes('announce')).toBe(next !== state);
      // Silence makes its discriminator unknown in every state (6.8.1).
      expect(actions.includes('forgetNeighbour')).toBe(event === 'DetectionExpired');
      expect(actions.includes('quicken')).toBe(next === 'Up' && state !== 'Up');
      if (state === 'Up' && next !== 'Up') expect(actions).toContain('slowDown');
    });
