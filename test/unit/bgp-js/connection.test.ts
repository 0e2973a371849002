/** The receive slab is shared by all connections and overwritten by the next read. */
import { afterEach, expect, test } from 'vitest';
import type { Connection } from '../../../src/bgp-js/session/session-types.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../../../src/bgp-js/transport/transport.ts';
import { address, configOf } from './two-speakers.ts';

const LEFT = address('127.0.0.21');
const RIGHT = address('127.0.0.22');
const open: Connection[] = [];
let listener: BgpListener | undefined;
afterEach(() => {
  for (const connection of open.splice(0)) connection.destroy();
  listener?.close();
});

async function pair(): Promise<{ dialled: Connection; accepted: Connection }> {
  let onAccepted: (connection: Connection) => void = () => {};
  const accepted = new Promise<Connection>((resolve) => {
    onAccepted = resolve;
  });
  listener = await listenBgp({ address: RIGHT, port: 0, accepts: () => true, onConnection: (c) => onAccepted(c) });
  const config = configOf(LEFT, RIGHT, { peerPort: listener.port });
  const dialled = await new Promise<Connection>((resolve, reject) => {
    tcpTransport.dial(config, (result) => (result.ok ? resolve(result.value) : reject(result.error)));
  });
  open.push(dialled, await accepted);
  return { dialled, accepted: await accepted };
}

test.each(['dialled', 'accepted'] as const)(
  'what a reader of a %s connection keeps by slice() is a copy',
  async (end) => {
    const both = await pair();
    const reader = both[end];
    const writer = end === 'dialled' ? both.accepted : both.dialled;
    const kept: Uint8Array[] = [];
    const heard = (count: number) =>
      new Promise<void>((resolve) => {
        reader.onData = (slab, start, stop) => {
          kept.push(slab.slice(start, stop));
          slab.fill(0, start, stop); // as the next read would
          if (kept.length === count) resolve();
          return stop;
        };
      });
    const one = heard(1);
    writer.write(Uint8Array.of(1, 2, 3));
    await one;
    expect(kept).toEqual([Uint8Array.of(1, 2, 3)]);
  },
);
