import { expect, test } from 'vitest';
import { levelTriggered } from '../../../src/daemon/level.ts';

/** Timers that fire when told. */
function handTimers() {
  const waiting: { ms: number; fire: () => void }[] = [];
  return {
    waiting,
    after: (ms: number, fire: () => void) => {
      const entry = { ms, fire };
      waiting.push(entry);
      return () => void waiting.splice(waiting.indexOf(entry) >>> 0, 1);
    },
  };
}

test('pokes during a run lead to exactly one more run', async () => {
  let runs = 0;
  const level = levelTriggered(
    async () => {
      runs++;
      if (runs === 1) {
        level.poke();
        level.poke();
        level.poke();
      }
    },
    handTimers(),
    () => {},
  );
  level.poke();
  await level.settled();
  expect(runs).toBe(2);
});

test('a failed run is tried again after a pause that doubles, and success resets it', async () => {
  const timers = handTimers();
  const pauses: number[] = [];
  let fail = 3;
  const level = levelTriggered(
    async () => {
      if (fail-- > 0) throw new Error('not now');
    },
    timers,
    (_error, retryInMs) => pauses.push(retryInMs),
  );
  level.poke();
  await level.settled();
  while (timers.waiting.length > 0) {
    timers.waiting.shift()?.fire();
    await level.settled();
  }
  expect(pauses).toEqual([200, 400, 800]);
  fail = 1;
  level.poke();
  await level.settled();
  expect(pauses.at(-1)).toBe(200);
});

test('a stopped job runs no more, not even its retry', async () => {
  const timers = handTimers();
  let runs = 0;
  const level = levelTriggered(
    async () => {
      runs++;
      throw new Error('never');
    },
    timers,
    () => {},
  );
  level.poke();
  await level.settled();
  level.stop();
  expect(timers.waiting).toEqual([]);
  level.poke();
  await level.settled();
  expect(runs).toBe(1);
});
