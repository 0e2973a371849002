/** Two sessions over real sockets on 127.0.0.0/8, so that what memory TCP assumes of node:net is true. */
import { afterEach, expect, test } from 'vitest';
import { prefixKey } from '../../../src/base/prefix.ts';
import { encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import type { SessionConfig, SessionDown, SessionListener } from '../../../src/bgp-js/session/session-types.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../../../src/bgp-js/transport/transport.ts';
import { END_OF_RIB, packAnnouncements, packWithdrawals } from '../../../src/bgp-js/update/packer.ts';
import { forEachPrefix } from '../../../src/bgp-js/update/update.ts';
import { systemClock, systemRandom, systemTimers } from '../../../src/sys/time.ts';
import { address, configOf } from './two-speakers.ts';

const LEFT = address('127.0.0.11');
const RIGHT = address('127.0.0.12');
const ports = { clock: systemClock, timers: systemTimers, random: systemRandom, transport: tcpTransport };
const canSetMd5 = process.getuid?.() === 0;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

async function until(what: string, condition: () => boolean, ms = 10_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((next) => setTimeout(next, 5));
  }
}

function speaker(config: SessionConfig): {
  session: BgpSession;
  prefixes: Set<number>;
  log: string[];
  downs: SessionDown[];
} {
  const prefixes = new Set<number>();
  const log: string[] = [];
  const downs: SessionDown[] = [];
  const listener: SessionListener = {
    onState: (state) => log.push(state),
    onEstablished: () => {},
    onUpdate: (u) => {
      forEachPrefix(u.slab, u.withdrawnStart, u.withdrawnEnd, (a, l) => prefixes.delete(prefixKey(a, l)));
      forEachPrefix(u.slab, u.nlriStart, u.nlriEnd, (a, l) => prefixes.add(prefixKey(a, l)));
    },
    onEndOfRib: () => log.push('end of RIB'),
    onRouteRefresh: () => {},
    onDrain: () => log.push('drain'),
    onDown: (down) => downs.push(down),
  };
  const session = new BgpSession(config, ports, listener);
  cleanups.push(() => session.stop({ kind: 'restart' }));
  return { session, prefixes, log, downs };
}

async function pair(password?: string): Promise<{
  one: ReturnType<typeof speaker>;
  two: ReturnType<typeof speaker>;
  listener: BgpListener;
}> {
  const two = speaker(configOf(RIGHT, LEFT, { passive: true }));
  const listener = await listenBgp({
    address: RIGHT,
    port: 0,
    onConnection: (c) => two.session.accept(c),
    accepts: (remote) => remote === LEFT,
  });
  cleanups.push(() => listener.close());
  if (password !== undefined) listener.setPassword(LEFT, password);
  const one = speaker(
    configOf(LEFT, RIGHT, { peerPort: listener.port, ...(password !== undefined ? { password } : {}) }),
  );
  two.session.start();
  return { one, two, listener };
}

const NEXT_HOP = encodeAttributes({ origin: 'igp', asPath: [], nextHop: LEFT, localPref: 100 }, { fourOctetAs: true });
const keys = (n: number): number[] => Array.from({ length: n }, (_, i) => prefixKey(address('10.0.0.0') + i * 64, 26));

test('two sessions come up over TCP, and 100000 prefixes go both ways through split reads', async () => {
  const { one, two } = await pair();
  one.session.start();
  await until('Established', () => one.session.state === 'Established' && two.session.state === 'Established');
  expect(one.session.agreed).toMatchObject({ localAddress: LEFT, outgoing: true });
  expect(two.session.agreed).toMatchObject({ localAddress: RIGHT, outgoing: false, peerBgpIdentifier: LEFT });
  const many = keys(100_000);
  // More than the queue takes: the answer says so, and onDrain follows.
  expect(one.session.send(packAnnouncements(NEXT_HOP, many))).toBe(false);
  two.session.send(packAnnouncements(NEXT_HOP, many));
  one.session.send(END_OF_RIB);
  two.session.send(END_OF_RIB);
  await until('all prefixes', () => one.log.includes('end of RIB') && two.log.includes('end of RIB'));
  expect([one.prefixes.size, two.prefixes.size]).toEqual([100_000, 100_000]);
  await until('drain', () => one.log.includes('drain'));
  one.session.send(packWithdrawals(many));
  await until('withdrawal', () => two.prefixes.size === 0);
});

test('the last NOTIFICATION is read by the peer although TCP closes behind it, and both free their sockets', async () => {
  const { one, two } = await pair();
  one.session.start();
  await until('Established', () => one.session.state === 'Established' && two.session.state === 'Established');
  one.session.stop({ kind: 'leave', text: 'closing time' });
  await until('the NOTIFICATION', () => two.downs.length > 0);
  expect(two.downs[0]?.text).toContain('closing time');
});

test('a stranger is reset on accept, and a port without listener is TCP_REFUSED', async () => {
  const { listener } = await pair();
  const stranger = speaker(configOf(address('127.0.0.13'), RIGHT, { peerPort: listener.port }));
  stranger.session.start();
  await until('closed', () => stranger.downs.length > 0);
  // Before or after its side has seen that it was connected.
  expect(stranger.downs[0]?.code).toMatch(/^TCP_(CLOSED|REFUSED)$/);
  expect(listener.counters).toMatchObject({ accepted: 0, unknownSource: 1, halfOpen: 0 });
  listener.close();
  const late = speaker(configOf(LEFT, RIGHT, { peerPort: listener.port }));
  late.session.start();
  await until('refused', () => late.downs.length > 0);
  expect(late.downs[0]?.code).toBe('TCP_REFUSED');
});

test.runIf(canSetMd5)(
  'TCP MD5 works, a key can be changed while listening, and a wrong one is silence (RFC 2385)',
  async () => {
    const { one, two, listener } = await pair('right');
    one.session.start();
    await until('Established', () => one.session.state === 'Established' && two.session.state === 'Established');
    one.session.stop({ kind: 'restart' });
    await until('down', () => two.session.state !== 'Established');
    listener.setPassword(LEFT, 'another');
    const wrong = speaker(configOf(LEFT, RIGHT, { peerPort: listener.port, password: 'right', connectRetrySec: 1 }));
    wrong.session.start();
    await until('timeout', () => wrong.downs.length > 0);
    expect(wrong.downs[0]?.code).toBe('TCP_TIMEOUT');
    listener.setPassword(LEFT, 'right');
    await until('Established again', () => wrong.session.state === 'Established');
    listener.setPassword(LEFT, undefined);
    listener.setPassword(LEFT, undefined);
  },
);

test('a password that TCP MD5 cannot take is a named fault, not a session without', async () => {
  const one = speaker(configOf(LEFT, RIGHT, { password: 'x'.repeat(81) }));
  one.session.start();
  await until('fault', () => one.downs.length > 0);
  expect(one.downs[0]?.code).toBe('TCP_MD5_UNAVAILABLE');
});
