/** What reading leaves on the heap: of the hot path and of the object API. */
import v8 from 'node:v8';
import vm from 'node:vm';
import { decodeUpdate } from '../src/bgp-js/update/decode-update.ts';
import { PLAIN_CONTEXT } from '../src/bgp-js/update/update-context.ts';
import { frameLength } from '../src/bgp-js/wire/framer.ts';
import { type Stream, walk } from './codec-decode.ts';

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

/** Of so few messages that the collector has no reason to run between. */
const MESSAGES = 20_000;

function first(stream: Stream, messages: number): Stream {
  let end = 0;
  for (let i = 0; i < messages && end < stream.bytes.length; i++)
    end += ((stream.bytes[end + 16] as number) << 8) | (stream.bytes[end + 17] as number);
  return { ...stream, bytes: stream.bytes.subarray(0, end) };
}

const heapAfter = (run: () => void): number => {
  collect();
  const before = process.memoryUsage().heapUsed;
  run();
  return process.memoryUsage().heapUsed - before;
};

/** Octets of heap for each route of a walk over UPDATEs with one NLRI, garbage included. */
export const hotOctetsPerRoute = (stream: Stream): number => {
  const part = first(stream, MESSAGES);
  walk(part);
  return Math.min(...[1, 2, 3].map(() => heapAfter(() => walk(part)))) / MESSAGES;
};

/** Octets of heap that a decoded UPDATE with one NLRI holds as long as somebody keeps it. */
export function objectOctetsPerRoute(stream: Stream): number {
  const { bytes } = first(stream, MESSAGES);
  const kept: unknown[] = [];
  return (
    heapAfter(() => {
      for (let at = 0; at < bytes.length; ) {
        const length = frameLength(bytes, at, bytes.length);
        kept.push(decodeUpdate(bytes, at, at + length, PLAIN_CONTEXT));
        at += length;
      }
      collect();
    }) / kept.length
  );
}
