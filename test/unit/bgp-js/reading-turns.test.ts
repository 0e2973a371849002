/** Turns of reading, with a clock and a loop that the test turns by hand. */
import { expect, test } from 'vitest';
import { ReadingTurns } from '../../../src/bgp-js/transport/reading-turns.ts';

function loop() {
  let now = 0;
  let due: (() => void)[] = [];
  const turns = new ReadingTurns({ now: () => now, nextTurn: (run) => due.push(run) });
  const log: string[] = [];
  const reader = (name: string) => ({
    hold: () => log.push(`hold ${name}`),
    release: () => log.push(`release ${name}`),
  });
  return {
    log,
    reader,
    read: (who: ReturnType<typeof reader>, ms: number, octets = 65_536) => {
      turns.begin();
      now += ms;
      turns.end(who, octets);
    },
    turn: () => {
      const run = due;
      due = [];
      for (const f of run) f();
      return run.length;
    },
  };
}

test('who reads within the share of a turn is left alone', () => {
  const { log, read, reader, turn } = loop();
  const a = reader('a');
  for (let i = 0; i < 3; i++) read(a, 1);
  expect(turn()).toBe(1);
  read(a, 3);
  expect(turn()).toBe(1);
  expect(turn()).toBe(0);
  expect(log).toEqual([]);
});

test('all who read after the share is used up are held, and released one in a turn, the first one first', () => {
  const { log, read, reader, turn } = loop();
  const [a, b, c] = [reader('a'), reader('b'), reader('c')];
  read(a, 5);
  read(b, 1);
  read(c, 1);
  expect(log.splice(0)).toEqual(['hold a', 'hold b', 'hold c']);
  turn();
  expect(log.splice(0)).toEqual(['release a']);
  // It reads on, and is held behind the others.
  read(a, 5);
  turn();
  expect(log.splice(0)).toEqual(['hold a', 'release b']);
  turn();
  turn();
  expect(log.splice(0)).toEqual(['release c', 'release a']);
  expect(turn()).toBe(0);
});

test('one that has nothing to read keeps nobody waiting', () => {
  const { log, read, reader, turn } = loop();
  read(reader('a'), 9);
  read(reader('b'), 0);
  while (turn() > 0);
  expect(log).toEqual(['hold a', 'hold b', 'release a', 'release b']);
});

test('a short read holds nobody: its socket is empty, and a thousand of them are one turn', () => {
  const { log, read, reader, turn } = loop();
  read(reader('long'), 9);
  for (let i = 0; i < 1000; i++) read(reader(`short ${i}`), 0.01, 4096);
  expect(log).toEqual(['hold long']);
  read(reader('longer than short'), 0.01, 4097);
  expect(log.splice(0)).toEqual(['hold long', 'hold longer than short']);
  turn();
  turn();
  expect(turn()).toBe(0);
});
