/** What a session agrees on, over real sockets on 127.0.0.0/8: messages of 65535 octets, and a peer that stops reading. */
import { afterEach, expect, test } from 'vitest';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import { sessionListener } from '../../../src/bgp-js/session/session-listener.ts';
import type { SessionConfig, SessionListener } from '../../../src/bgp-js/session/session-types.ts';
import { listenBgp, nodePorts } from '../../../src/bgp-js/transport/transport.ts';
import { END_OF_RIB } from '../../../src/bgp-js/update/packer.ts';
import { message, UPDATE } from '../../../src/bgp-js/wire/message.ts';
import { until } from '../../support/namespaces.ts';
import { address, configOf } from './two-speakers.ts';

const LEFT = address('127.0.0.21');
const RIGHT = address('127.0.0.22');

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function session(config: SessionConfig, heard: Partial<SessionListener>): BgpSession {
  const made = new BgpSession(config, nodePorts, sessionListener(heard));
  cleanups.push(() => made.stop({ kind: 'restart' }));
  return made;
}

/** Two sessions with extended messages, up. */
async function pair(
  left: Partial<SessionListener>,
  right: Partial<SessionListener>,
): Promise<[BgpSession, BgpSession]> {
  const options = { extendedMessages: true };
  const two = session(configOf(RIGHT, LEFT, { ...options, passive: true }), right);
  const listener = await listenBgp({
    address: RIGHT,
    port: 0,
    onConnection: (c) => two.accept(c),
    accepts: (remote) => remote === LEFT,
  });
  cleanups.push(() => listener.close());
  const one = session(configOf(LEFT, RIGHT, { ...options, peerPort: listener.port }), left);
  two.start();
  one.start();
  await until('both are Established', () => one.state === 'Established' && two.state === 'Established');
  return [one, two];
}

/** An UPDATE of so many octets: prefixes of length 0, withdrawn. */
function update(octets: number): Uint8Array {
  const body = new Uint8Array(octets - 19);
  body[0] = (octets - 23) >>> 8;
  body[1] = (octets - 23) & 0xff;
  return message(UPDATE, body);
}

test('hundreds of messages of 65535 octets and of odd lengths go both ways, whole (RFC 8654 4)', async () => {
  const lengths = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 65_535 : 4_000 + ((i * 977) % 61_000)));
  const heard: [number[], number[]] = [[], []];
  let ends = 0;
  const hears = (list: number[]): Partial<SessionListener> => ({
    onUpdate: (u) => list.push(u.withdrawnEnd - u.withdrawnStart + 23),
    onEndOfRib: () => void ends++,
  });
  const [one, two] = await pair(hears(heard[0]), hears(heard[1]));
  for (const from of [one, two]) {
    for (const length of lengths) from.send(update(length));
    from.send(END_OF_RIB);
  }
  await until('all has arrived', () => ends === 2);
  expect(heard).toEqual([lengths, lengths]);
  expect([one.state, two.state]).toEqual(['Established', 'Established']);
});

test('a peer that stops reading stops who listens to send(), and gets all of it when it goes on', async () => {
  let received = 0;
  let drained = false;
  const [one, two] = await pair({ onDrain: () => (drained = true) }, { onUpdate: () => void received++ });
  two.pause();
  const long = update(65_535);
  let sent = 0;
  // The kernel's buffers are finite, so this ends.
  for (let more = true; more && sent < 10_000; sent++) more = one.send(long);
  expect(sent).toBeLessThan(10_000);
  two.resume();
  await until('everything has arrived', () => received === sent);
  await until('onDrain was called', () => drained);
  expect(one.send(END_OF_RIB)).toBe(true);
});
