/** Writing past node:net: whatever the quick way takes, what arrives is what was written, in its order. */
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/bgp-js/session/session-types.ts';
import {
  type BgpListener,
  type DirectSend,
  listenBgp,
  tcpTransportWith,
} from '../../../src/bgp-js/transport/transport.ts';
import { MSG_DONTWAIT, MSG_NOSIGNAL } from '../../../src/sys/constants.ts';
import { send } from '../../../src/sys/ffi.ts';
import { heard } from './heard.ts';
import { address, configOf } from './two-speakers.ts';

const LEFT = address('127.0.0.25');
const RIGHT = address('127.0.0.26');
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const whole: DirectSend = (fd, bytes) => send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);

async function pair(direct: DirectSend): Promise<{ readonly dialled: Connection; readonly accepted: Connection }> {
  let arrive: (connection: Connection) => void = () => {};
  const arrived = new Promise<Connection>((resolve) => {
    arrive = resolve;
  });
  const listener: BgpListener = await listenBgp({
    address: RIGHT,
    port: 0,
    accepts: () => true,
    onConnection: (c) => arrive(c),
    directSend: direct,
  });
  cleanups.push(() => listener.close());
  const dialled = await new Promise<Connection>((resolve, reject) => {
    const config = configOf(LEFT, RIGHT, { peerPort: listener.port });
    tcpTransportWith(direct).dial(config, (result) => (result.ok ? resolve(result.value) : reject(result.error)));
  });
  const accepted = await arrived;
  cleanups.push(() => {
    dialled.destroy();
    accepted.destroy();
  });
  return { dialled, accepted };
}

const stream = (octets: number): Uint8Array =>
  Uint8Array.from({ length: octets }, (_, i) => (i * 2_654_435_761) >>> 24);

/** In pieces of very different sizes, waiting where the connection says so. */
async function writeAll(to: Connection, octets: Uint8Array): Promise<void> {
  for (let at = 0, size = 1; at < octets.length; at += size, size = (size * 7) % 70_001) {
    if (to.write(octets.subarray(at, at + size))) continue;
    await new Promise<void>((resolve) => {
      to.onDrain = resolve;
    });
  }
}

const EAGAIN = 11;
let calls = 0;
const WAYS: readonly (readonly [string, DirectSend])[] = [
  ['takes all', whole],
  ['takes seven octets at a time', (fd, bytes) => whole(fd, bytes.subarray(0, 7))],
  [
    'takes something every other time',
    (fd, bytes) => (calls++ % 2 === 0 ? -EAGAIN : whole(fd, bytes.subarray(0, 100))),
  ],
  ['never takes any', () => -EAGAIN],
];

describe.each(WAYS)('a direct way that %s', (_what, direct) => {
  test.each(['dialled', 'accepted'] as const)('loses nothing of what the %s end writes', async (end) => {
    const both = await pair(direct);
    const octets = stream(2_000_000);
    const all = heard(both[end === 'dialled' ? 'accepted' : 'dialled'], octets.length);
    await writeAll(both[end], octets);
    expect(Buffer.compare(await all, octets)).toBe(0);
  });
});

test('nothing goes directly while something waits, nor once the connection has ended', async () => {
  let waits = (): number => 0;
  const waiting: number[] = [];
  const { dialled, accepted } = await pair((fd, bytes) => {
    waiting.push(waits());
    return whole(fd, bytes);
  });
  waits = () => dialled.unsent;
  accepted.pause();
  for (let n = 0; dialled.unsent < 1_000_000 && n < 4096; n++) dialled.write(new Uint8Array(65_536));
  expect(dialled.unsent).toBeGreaterThan(0);
  expect(waiting.every((octets) => octets === 0)).toBe(true);
  const before = waiting.length;
  dialled.write(Uint8Array.of(1));
  dialled.end(Uint8Array.of(2));
  dialled.write(Uint8Array.of(3));
  dialled.destroy();
  dialled.write(Uint8Array.of(4));
  expect(waiting).toHaveLength(before);
});

test('an error of the direct way is met again by node:net, which tells it', async () => {
  const { dialled, accepted } = await pair(whole);
  const closed = new Promise<void>((resolve) => {
    dialled.onClose = () => resolve();
  });
  accepted.destroy();
  const timer = setInterval(() => dialled.write(Uint8Array.of(1)), 1);
  cleanups.push(() => clearInterval(timer));
  await closed;
});
