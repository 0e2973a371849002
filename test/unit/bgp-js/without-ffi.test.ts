// needs: ipv6
/** The transport where koffi is not installed: everything but what node:net cannot do. */
import { afterEach, expect, test, vi } from 'vitest';
import { formatIp, type IpAddress, parseIp } from '../../../src/base/ip.ts';
import { BgpSession } from '../../../src/bgp-js/session/session.ts';
import type { Connection, SessionConfig, SessionListener } from '../../../src/bgp-js/session/session-types.ts';
import { type BgpListener, listenBgp } from '../../../src/bgp-js/transport/listen.ts';
import { nodePorts, tcpTransport } from '../../../src/bgp-js/transport/transport.ts';
import { address, configOf } from './two-speakers.ts';

vi.mock('../../../src/sys/ffi.ts', async (original) => {
  const ffi = await original<typeof import('../../../src/sys/ffi.ts')>();
  const called = (): never => expect.fail('a foreign function was called');
  return {
    ...ffi,
    ffiFault: () => "Cannot find module 'koffi'",
    socket: called,
    setsockopt: called,
    setsockoptInt: called,
    getsockopt: called,
    getsockname: called,
    bind: called,
  };
});

const ip = (text: string): IpAddress => parseIp(text) ?? expect.fail(text);
const LEFT = ip('127.0.0.41');
const RIGHT = ip('127.0.0.42');
const ONE = ip('::1');

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

const nothing = (): void => {};
const silent: SessionListener = {
  onState: nothing,
  onEstablished: nothing,
  onUpdate: nothing,
  onEndOfRib: nothing,
  onRouteRefresh: nothing,
  onDrain: nothing,
  onDown: nothing,
};
const config = (from: IpAddress, to: IpAddress, port: number, more: Partial<SessionConfig> = {}): SessionConfig => ({
  ...configOf(address('192.0.2.1'), address('192.0.2.2')),
  localAddress: from,
  peerAddress: to,
  peerPort: port,
  ...more,
});

async function listening(
  at: IpAddress,
  onConnection: (c: Connection) => void,
  accepts: Parameters<typeof listenBgp>[0]['accepts'] = () => true,
): Promise<BgpListener> {
  const listener = await listenBgp({ address: at, port: 0, accepts, onConnection });
  cleanups.push(() => listener.close());
  return listener;
}

test.each([
  [LEFT, RIGHT],
  [ONE, ONE],
])('a session comes up without FFI, %#', async (from, to) => {
  const answering = new BgpSession(
    config(to, from, 179, { passive: true, bgpIdentifier: address('192.0.2.2') }),
    nodePorts,
    silent,
  );
  const listener = await listening(to, (c) => answering.accept(c));
  const dialling = new BgpSession(config(from, to, listener.port), nodePorts, silent);
  cleanups.push(
    () => answering.stop({ kind: 'restart' }),
    () => dialling.stop({ kind: 'restart' }),
  );
  answering.start();
  dialling.start();
  await until('both up', () => answering.state === 'Established' && dialling.state === 'Established');
  expect(formatIp(dialling.agreed?.localAddress ?? ip('::'))).toBe(formatIp(from));
});

test.each([
  [{ password: 'secret' }, 'TCP_MD5_UNAVAILABLE'],
  [{ ttlSecurity: 1 }, 'TTL_SECURITY_UNAVAILABLE'],
  [{ ttl: 2 }, 'TTL_UNAVAILABLE'],
  [{ interface: 'lo' }, 'INTERFACE_UNAVAILABLE'],
])('%j is a fault that names what is missing, and no session without it', async (more, code) => {
  const listener = await listening(RIGHT, () => expect.fail('a connection'));
  const fault = await new Promise((resolve) => {
    tcpTransport.dial(config(LEFT, RIGHT, listener.port, more), (result) =>
      resolve(result.ok ? undefined : result.error),
    );
  });
  expect(fault).toMatchObject({ code, text: expect.stringContaining("Cannot find module 'koffi'. Install it.") });
});

test('a peer with TTL security is refused on accept, and a key is an error', async () => {
  const listener = await listening(
    RIGHT,
    () => expect.fail('a connection'),
    () => ({ ttlSecurity: 1 }),
  );
  tcpTransport.dial(config(LEFT, RIGHT, listener.port), (r) => void (r.ok && cleanups.push(() => r.value.destroy())));
  await until('refused', () => listener.counters.optionRefused === 1);
  expect(() => listener.setPassword(LEFT, 'secret')).toThrow(/TCP MD5 for 127\.0\.0\.41 needs the package koffi/);
  listener.setPassword(LEFT, undefined);
});

test('a listener and a live connection say that a key cannot be set', async () => {
  const arrived: Connection[] = [];
  const listener = await listening(RIGHT, (c) => void arrived.push(c));
  tcpTransport.dial(config(LEFT, RIGHT, listener.port), (r) => void (r.ok && cleanups.push(() => r.value.destroy())));
  await until('accepted', () => arrived.length === 1);
  expect(arrived[0]?.setPassword?.('secret')).toBe(false);
  arrived[0]?.destroy();
});
