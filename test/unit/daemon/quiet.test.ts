/** Waiting for a quiet event loop, with a load that the test says. */
import { expect, test } from 'vitest';
import { whenQuiet } from '../../../src/daemon/quiet.ts';

async function waited(loads: readonly number[], mostMs: number): Promise<number> {
  let now = 0;
  let due: (() => void)[] = [];
  const left = [...loads];
  let done = false;
  const quiet = whenQuiet(
    {
      clock: { now: () => now, wall: () => now },
      timers: {
        after: (ms, fire) => {
          due.push(() => {
            now += ms;
            fire();
          });
          return () => {};
        },
      },
      load: () => left.shift() ?? 1,
    },
    mostMs,
  ).then(() => {
    done = true;
  });
  for (let i = 0; i < 1000 && !done; i++) {
    const run = due;
    due = [];
    for (const fire of run) fire();
    await Promise.resolve();
    await Promise.resolve();
  }
  await quiet;
  expect(due).toEqual([]);
  return now;
}

test('a loop that rests is quiet at the first look', async () => {
  expect(await waited([0.1], 2000)).toBe(20);
});

test('a busy loop is waited for', async () => {
  expect(await waited([1, 0.9, 0.5, 0.49], 2000)).toBe(80);
});

test('one that never rests is waited for no longer than was said', async () => {
  expect(await waited([], 2000)).toBe(2000);
});
