/** Turns of reading, with a clock and a loop that the test turns by hand. */
import { describe, expect, test } from 'vitest';
import { ReadingTurns } from '../../../src/bgp-js/transport/reading-turns.ts';
import { SlabReader } from '../../../src/bgp-js/transport/slab-reader.ts';
import { turnedLoop } from '../../support/turned-loop.ts';

const SLAB = 64 * 1024;
const PIECES = 8;

function loop() {
  const events = turnedLoop();
  const turns = new ReadingTurns(events);
  const log: string[] = [];
  return {
    reader(name: string, msPerPiece = 1) {
      const slab = new SlabReader(turns);
      const octets: number[] = [];
      slab.socket = {
        hold: () => log.push(`hold ${name}`),
        release: () => {
          log.push(`release ${name}`);
          slab.goOn();
        },
      };
      slab.to = {
        onData: (bytes, start, end) => {
          events.pass(msPerPiece);
          log.push(name);
          for (let at = start; at < end; at += 1024) octets.push(bytes[at] ?? -1);
          return end;
        },
      };
      return {
        slab,
        octets,
        /** Each thousand octets begin with a number of their own. */
        read(length = SLAB, from = 0): void {
          const { buffer, callback } = slab.onread;
          for (let at = 0; at < length; at += 1024) buffer[at] = from + at / 1024;
          callback(length);
          buffer.fill(0xee);
        },
      };
    },
    turn: events.turn,
    pass: events.pass,
    said: (): string => log.splice(0).join(' '),
  };
}

test('who is done within the share of a turn is left alone', () => {
  const { reader, said, turn } = loop();
  const a = reader('a');
  for (let i = 0; i < 2; i++) {
    a.read(3000);
    a.read(9000);
    expect(turn()).toBe(1);
  }
  expect(turn()).toBe(0);
  expect(said()).toBe('a a a a a a');
});

test('what a turn has no time for is kept, and worked on in order over the next ones', () => {
  const { reader, said, turn } = loop();
  const a = reader('a');
  a.read();
  expect(said()).toBe('a a a a hold a');
  turn();
  expect(said()).toBe('release a a a a a');
  expect(a.octets).toEqual([...Array(64).keys()]);
  // Released, it reads on.
  a.read(2048, 100);
  expect(said()).toBe('a');
  expect(a.octets.slice(64)).toEqual([100, 101]);
});

test('whoever reads when the share is used up keeps all of it; those held first go on first, and none waits for ever', () => {
  const { reader, said, turn } = loop();
  const [a, b, c] = [reader('a', 3), reader('b', 1), reader('c', 1)];
  for (const r of [a, b, c]) r.read();
  expect(said()).toBe('a a hold a hold b hold c');
  turn();
  expect(said()).toBe('release a a a hold a');
  turn();
  expect(said()).toBe('release b b b b b hold b');
  turn();
  expect(said()).toBe('release c c c c c hold c');
  for (let i = 0; i < 9; i++) turn();
  expect(turn()).toBe(0);
  for (const { octets } of [a, b, c]) expect(octets).toEqual([...Array(64).keys()]);
});

test('who has nothing left keeps nobody waiting', () => {
  const { reader, said, turn } = loop();
  reader('a', 9).read(8192);
  reader('b').read(8192);
  expect(said()).toBe('a hold a hold b');
  turn();
  expect(said()).toBe('release a release b b');
});

test('a few octets are worked on where many would wait, and wait only in a turn that is very long', () => {
  const { reader, said, turn } = loop();
  reader('long', 9).read();
  said();
  for (let i = 0; i < 30; i++) reader('short').read(4096);
  expect(said()).not.toMatch(/hold/);
  reader('last').read(4096);
  reader('late').read(4096);
  expect(said()).toBe('last hold last hold late');
  turn();
  turn();
  expect(said()).toMatch(/release last release late late/);
});

test('finish works on all that was kept, whatever the turn says', () => {
  const { reader, turn } = loop();
  const a = reader('a', 50);
  a.read();
  expect(a.octets).toHaveLength(64 / PIECES);
  a.slab.finish();
  expect(a.octets).toEqual([...Array(64).keys()]);
  turn();
  expect(a.octets).toHaveLength(64);
});

describe('a socket that brings a few octets all the time', () => {
  const reads = (a: ReturnType<ReturnType<typeof loop>['reader']>, count: number): void => {
    for (let i = 0; i < count; i++) a.read(100);
  };

  test('fills for twenty milliseconds from the ninth read in a row on, and again when octets waited behind them', () => {
    const { reader, said, turn, pass } = loop();
    const a = reader('a', 0.5);
    reads(a, 8);
    expect(said()).not.toContain('hold');
    reads(a, 1);
    expect(said()).toBe('a hold a');
    pass(19);
    turn();
    expect(said()).toBe('');
    pass(1);
    turn();
    expect(said()).toBe('release a');
    reads(a, 1);
    expect(said()).toBe('a hold a');
  });

  test('is read at once again when it was silent behind them', () => {
    const { reader, said, turn, pass } = loop();
    const a = reader('a', 0.5);
    reads(a, 9);
    pass(20);
    turn();
    said();
    pass(2);
    reads(a, 8);
    expect(said()).not.toContain('hold');
  });

  test('no long read is waited with, nor one that comes now and then', () => {
    const { reader, said, turn, pass } = loop();
    const a = reader('a', 0.1);
    for (let i = 0; i < 50; i++) {
      a.read(20_000);
      turn();
    }
    for (let i = 0; i < 50; i++) {
      pass(2);
      a.read(100);
      turn();
    }
    expect(said()).not.toContain('hold');
  });
});
