import { expect, test } from 'vitest';
import { type Ordered, TcpStream, type WaitingRoom } from '../../../src/capture/tcp-stream.ts';

const octets = (n: number): Uint8Array => new Uint8Array(n);
const shown = (ordered: Iterable<Ordered>): string[] =>
  [...ordered].map((o) => (o.kind === 'gap' ? `gap ${o.octets}` : `${o.bytes.length} at ${o.offset}`));

test('octets come out in order, each once, with where they lay (RFC 9293 3.4)', () => {
  const s = new TcpStream();
  s.synchronise(99);
  expect(shown(s.segment(110, octets(5), 1000, 0))).toEqual([]);
  expect(shown(s.segment(100, octets(4), 2000, 0))).toEqual(['4 at 2000']);
  expect(shown(s.segment(102, octets(8), 3000, 0))).toEqual(['6 at 3002', '5 at 1000']);
  expect(shown(s.segment(100, octets(15), 4000, 0))).toEqual([]);
  expect(shown(s.segment(115, octets(1), 5000, 0))).toEqual(['1 at 5000']);
});

test('what a capture cut off is a gap at once, and what it repeats of it is old', () => {
  const s = new TcpStream();
  expect(shown(s.segment(1, octets(10), 0, 20))).toEqual(['10 at 0', 'gap 20']);
  expect(shown(s.segment(1, octets(10), 100, 20))).toEqual([]);
  expect(shown(s.segment(31, octets(2), 200, 0))).toEqual(['2 at 200']);
});

test('what waits is bounded in one stream and in all of a capture; what is missing is then given up', () => {
  const room: WaitingRoom = { octets: 0 };
  const streams = Array.from({ length: 70 }, () => new TcpStream(room));
  const gaps: string[] = [];
  for (const s of streams) {
    s.synchronise(0);
    // A mebibyte each: seventy do not fit together.
    for (let i = 0; i < 16; i++) gaps.push(...shown(s.segment(100 + i * 65536, octets(65536), 0, 0)));
    expect(room.octets).toBeLessThanOrEqual(64 << 20);
  }
  expect(gaps.filter((g) => g === 'gap 99')).toHaveLength(6);
  for (const s of streams) s.drop();
  expect(room.octets).toBe(0);
});

test('the end hands out what waits, with the gaps before it', () => {
  const s = new TcpStream();
  s.synchronise(0);
  expect(shown(s.segment(11, octets(1), 1, 0))).toEqual([]);
  expect(shown(s.segment(21, octets(1), 2, 0))).toEqual([]);
  expect(shown(s.end())).toEqual(['gap 10', '1 at 1', 'gap 9', '1 at 2']);
});
