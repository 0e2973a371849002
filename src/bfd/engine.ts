/** The engine with its real ports, on the thread that calls it. Not pure: sockets, the clock, chance. */
import { getRandomValues } from 'node:crypto';
import type { Random } from '../base/ports.ts';
import { systemClock, systemTimers } from '../sys/time.ts';
import type { StartEngine } from './engine-types.ts';
import { BfdSessions } from './sessions.ts';
import { udpWire } from './transport.ts';

const word = new Uint32Array(1);
/** Discriminators are what a stranger would have to guess. RFC 5880 6.8.1, 9 */
const unguessable: Random = () => {
  getRandomValues(word);
  return (word[0] ?? 0) / 2 ** 32;
};

export const directEngine: StartEngine = (onEvent) =>
  new BfdSessions({
    clock: systemClock,
    timers: systemTimers,
    random: unguessable,
    openWire: udpWire(unguessable),
    onEvent,
  });
