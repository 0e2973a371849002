import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ReleaseQueue } from '../../../src/cni/release-queue.ts';
import { FakeTime } from '../../support/fake-time.ts';

let directory: string;
let away = true;
const released: string[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-releases-'));
  away = true;
  released.length = 0;
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

async function outage(ms: number): Promise<{ time: FakeTime; queue: ReleaseQueue }> {
  const time = new FakeTime();
  const release = async (handleId: string): Promise<void> => {
    if (away) throw new Error('the store is away');
    released.push(handleId);
  };
  const queue = new ReleaseQueue(directory, release, time);
  queue.start();
  await queue.add('handle-1');
  for (let passed = 0; passed < ms; passed += 1000) await pass(time, 1000);
  return { time, queue };
}
/** Timers, then what they started. */
async function pass(time: FakeTime, ms: number): Promise<void> {
  time.pass(ms);
  for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
}

test('after a long outage a release is done within a second of the first word from the store', async () => {
  const { time, queue } = await outage(90_000);
  away = false;
  await pass(time, 1000);
  expect(queue.pending(), 'the pause is a minute by now').toEqual(['handle-1']);
  queue.wake();
  await pass(time, 1000);
  expect(released).toEqual(['handle-1']);
  await expect.poll(() => queue.pending()).toEqual([]); // the file goes by way of a thread
  expect(fs.readdirSync(directory)).toEqual([]);
  expect(time.pending).toBe(0);
});

test('words from the store do not put a try off, however often they come', async () => {
  const { time, queue } = await outage(90_000);
  away = false;
  for (let times = 0; times < 3; times++) {
    queue.wake();
    await pass(time, 400);
  }
  expect(released).toEqual(['handle-1']);
});

test('a queue that was stopped is not woken', async () => {
  const { time, queue } = await outage(10_000);
  queue.stop();
  away = false;
  queue.wake();
  await pass(time, 120_000);
  expect(released).toEqual([]);
  expect(fs.readdirSync(directory)).toEqual(['handle-1.release']);
});
