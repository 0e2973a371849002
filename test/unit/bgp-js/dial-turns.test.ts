/** Dials in turns, with a clock and a loop that the test turns by hand. */
import { expect, test } from 'vitest';
import { DialTurns } from '../../../src/bgp-js/transport/dial-turns.ts';
import { turnedLoop } from '../../support/turned-loop.ts';

const MS_PER_DIAL = 2;

function loop() {
  const events = turnedLoop();
  const turns = new DialTurns(events);
  const log: number[] = [];
  return {
    dial: (name: number, then: () => void = () => {}) =>
      turns.run(() => {
        events.pass(MS_PER_DIAL);
        log.push(name);
        then();
      }),
    turn: events.turn,
    said: (): string => log.splice(0).join(' '),
  };
}

test('one dials at once, and the loop is left alone', () => {
  const { dial, said, turn } = loop();
  dial(1);
  expect(said()).toBe('1');
  expect([turn(), turn()]).toEqual([1, 0]);
});

test('many dial as long as a turn has time for them, in order, and the others in the turns behind it', () => {
  const { dial, said, turn } = loop();
  for (let i = 1; i <= 8; i++) dial(i);
  expect(said()).toBe('1 2 3');
  turn();
  // Who comes now stands behind those who wait.
  dial(9);
  expect(said()).toBe('4 5 6');
  turn();
  expect(said()).toBe('7 8 9');
  expect([turn(), turn()]).toEqual([1, 0]);
  dial(10);
  expect(said()).toBe('10');
});

test('who is taken back while it waits does not dial; a dial may take another back, or ask for one', () => {
  const { dial, said, turn } = loop();
  for (let i = 1; i <= 3; i++) dial(i);
  const takeBack = [4, 5, 6].map((i) => dial(i, i === 5 ? () => void takeBack[2]?.() : undefined));
  takeBack[0]?.();
  dial(7, () => void dial(8));
  turn();
  expect(said()).toBe('1 2 3 5 7 8');
  // Taking back what is done does nothing.
  takeBack[1]?.();
  turn();
  expect(said()).toBe('');
});
