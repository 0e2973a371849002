/** A capture without a BGP message says what it has instead. Pure. */
import type { Captured } from './captured.ts';
import type { Connections } from './connections.ts';

/** A fault when no segment had the port; nothing otherwise. */
export function* nothingFound(connections: Connections, port: number, offset: number): Generator<Captured> {
  if (connections.found > 0) return;
  const what = [...connections.passedOver].map(([why, n]) => `${n} ${why}`).join(', ');
  const text =
    connections.frames === 0
      ? 'the capture holds no packet'
      : `none of the ${connections.frames} packets is of TCP port ${port}: ${what}. Another port is --port N`;
  yield { kind: 'fault', fault: { offset, text } };
}
