import { expect, test } from 'vitest';
import type { Connection } from '../../../src/bgp-js/session/session-types.ts';
import { Reassembly } from '../../../src/bgp-js/transport/reassembly.ts';
import { END_OF_RIB } from '../../../src/bgp-js/update/packer.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';

const HEADER_LENGTH = 19;

/** An UPDATE of `length` octets whose body counts up, so that a wrong copy shows. */
function message(length: number, seed = 0): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, i) => (i + seed) & 0xff).fill(0xff, 0, 16);
  bytes[16] = length >>> 8;
  bytes[17] = length & 0xff;
  bytes[18] = 2;
  return bytes;
}
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** Reads as a session does: whole messages, and what is left comes again. */
function reader(): Pick<Connection, 'onData'> & { readonly seen: Uint8Array[]; octetsLookedAt: number } {
  const seen: Uint8Array[] = [];
  const self = {
    seen,
    octetsLookedAt: 0,
    onData: (slab: Uint8Array, start: number, end: number): number => {
      self.octetsLookedAt += end - start;
      let at = start;
      while (end - at >= HEADER_LENGTH) {
        const length = ((slab[at + 16] ?? 0) << 8) | (slab[at + 17] ?? 0);
        if (at + length > end) break;
        seen.push(slab.slice(at, at + length));
        at += length;
      }
      return at;
    },
  };
  return self;
}

/** Octets of a slab that were given away already. */
const BEFORE = 3;

/** In pieces of `cut`, each in the same array, as the slab is. */
function feed(stream: Uint8Array, cut: number, to: Pick<Connection, 'onData'>, reassembly = new Reassembly()): void {
  const slab = new Uint8Array(BEFORE + cut);
  for (let at = 0; at < stream.length; at += cut) {
    const piece = stream.subarray(at, at + cut);
    slab.set(piece, BEFORE);
    reassembly.take(slab, BEFORE, BEFORE + piece.length, to);
    slab.fill(0xee);
  }
}

test('messages come out whole, however the stream is cut (RFC 4271 4.1)', () => {
  const wanted = [KEEPALIVE_MESSAGE, END_OF_RIB, message(60), KEEPALIVE_MESSAGE, message(4096, 7), END_OF_RIB];
  const stream = join(...wanted);
  for (let cut = 1; cut <= stream.length; cut++) {
    const to = reader();
    feed(stream, cut, to);
    expect(to.seen.length, `cut ${cut}`).toBe(wanted.length);
    expect(Buffer.compare(join(...to.seen), stream), `cut ${cut}`).toBe(0);
  }
});

test('an extended message of 65535 octets in segments of a link is looked at twice, not at every segment (RFC 8654)', () => {
  const stream = join(message(65535), message(65535, 9), KEEPALIVE_MESSAGE);
  const to = reader();
  feed(stream, 1448, to);
  expect(Buffer.compare(join(...to.seen), stream)).toBe(0);
  // Each message where its read ends, its header alone, and whole.
  expect(to.octetsLookedAt).toBeLessThan(2.2 * stream.length);
});

test('a header that claims more than may be is shown to the reader before the rest is waited for', () => {
  const lengths: number[] = [];
  const to: Pick<Connection, 'onData'> = {
    onData: (_slab, start, end) => {
      lengths.push(end - start);
      return end - start < HEADER_LENGTH ? start : end; // as a session does that has found a fault
    },
  };
  feed(message(5000), 10, to);
  expect(lengths.slice(0, 2)).toEqual([10, 19]);
});

test('a reader that goes away in the middle of a read hears nothing more of it', () => {
  const heard: number[] = [];
  const to: { onData: Connection['onData'] } = {
    onData: (_slab, start, end) => {
      if (end - start < HEADER_LENGTH) return start;
      heard.push(end);
      to.onData = undefined;
      return end;
    },
  };
  const reassembly = new Reassembly();
  feed(KEEPALIVE_MESSAGE.subarray(0, 10), 10, to, reassembly);
  feed(join(KEEPALIVE_MESSAGE.subarray(10), KEEPALIVE_MESSAGE), 100, to, reassembly);
  expect(heard).toEqual([19]);
});

test('what a reader leaves although it is whole is nobody’s, and is not kept', () => {
  const reassembly = new Reassembly();
  const starts: number[] = [];
  const to: Pick<Connection, 'onData'> = {
    onData: (slab, start) => {
      starts.push(slab[start + 18] ?? -1);
      return start;
    },
  };
  feed(KEEPALIVE_MESSAGE, 19, to, reassembly);
  feed(END_OF_RIB, 23, to, reassembly);
  expect(starts).toEqual([4, 2]);
});
