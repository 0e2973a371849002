// needs: ipv6
/** Dialling and listening on loopback, both families. What needs a wire of its own is test/netns/bgp-transport.test.ts. */
import net from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { formatIp, type IpAddress, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import type { Connection, SessionConfig } from '../../../src/bgp-js/session/session-types.ts';
import { WRITE_LIMIT } from '../../../src/bgp-js/transport/connection.ts';
import { type BgpListener, type ListenOptions, listenBgp } from '../../../src/bgp-js/transport/listen.ts';
import { tcpTransport } from '../../../src/bgp-js/transport/transport.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { address, configOf } from './two-speakers.ts';

const ip = (text: string): IpAddress => parseIp(text) ?? expect.fail(text);
const ONE = ip('::1');
const LEFT = ip('127.0.0.31');
const RIGHT = ip('127.0.0.32');
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

async function listening(
  options: Partial<ListenOptions> & { readonly address: IpAddress },
): Promise<{ listener: BgpListener; arrived: Connection[] }> {
  const arrived: Connection[] = [];
  const listener = await listenBgp({
    port: 0,
    accepts: () => true,
    onConnection: (c) => void arrived.push(c),
    ...options,
  });
  cleanups.push(() => {
    listener.close();
    for (const c of arrived) c.destroy();
  });
  return { listener, arrived };
}

const configFor = (to: IpAddress, port: number, more: Partial<SessionConfig> = {}): SessionConfig => {
  const { localAddress: _, ...rest } = configOf(address('192.0.2.1'), address('192.0.2.2'));
  return { ...rest, peerAddress: to, peerPort: port, ...more };
};

const dial = (to: IpAddress, port: number, more: Partial<SessionConfig> = {}): Promise<Connection> =>
  new Promise((resolve, reject) => {
    const cancel = tcpTransport.dial(configFor(to, port, more), (result) => {
      if (!result.ok) return reject(Object.assign(new Error(result.error.text), { code: result.error.code }));
      cleanups.push(() => result.value.destroy());
      resolve(result.value);
    });
    cleanups.push(cancel);
  });

/** All that comes, in one array of numbers. */
function heard(connection: Connection): number[] {
  const octets: number[] = [];
  connection.onData = (slab, start, end) => {
    octets.push(...slab.subarray(start, end));
    return end;
  };
  return octets;
}

test('a session over IPv6 has IPv6 addresses at both ends, and octets go both ways', async () => {
  const { listener, arrived } = await listening({ address: ONE });
  const dialled = await dial(ONE, listener.port, { localAddress: ONE });
  await until('accepted', () => arrived.length === 1);
  const [accepted = expect.fail()] = arrived;
  expect([dialled, accepted].map((c) => `${formatIp(c.localAddress)} ${formatIp(c.remoteAddress)}`)).toEqual([
    '::1 ::1',
    '::1 ::1',
  ]);
  expect(accepted.remotePort).toBe(dialled.localPort);
  const [atDialled, atAccepted] = [heard(dialled), heard(accepted)];
  dialled.write(Uint8Array.of(1, 2, 3));
  accepted.write(Uint8Array.of(4, 5));
  await until('both heard', () => atDialled.length === 2 && atAccepted.length === 3);
  expect([atDialled, atAccepted]).toEqual([
    [4, 5],
    [1, 2, 3],
  ]);
});

test('one listener has several addresses of both families with one port, and none beside them', async () => {
  const { listener, arrived } = await listening({ address: RIGHT, also: [{ address: ONE }, { address: LEFT }] });
  for (const to of [RIGHT, ONE, LEFT]) await dial(to, listener.port);
  await until('all accepted', () => arrived.length === 3);
  expect(arrived.map((c) => formatIp(c.localAddress)).sort()).toEqual(['127.0.0.31', '127.0.0.32', '::1']);
  await expect(dial(ip('127.0.0.33'), listener.port)).rejects.toMatchObject({ code: 'TCP_REFUSED' });
});

test(':: is IPv6 alone: an IPv4 listener on the same port is another one', async () => {
  const first = await listening({ address: ip('::') });
  const { listener, arrived } = await listening({ address: ip('0.0.0.0'), port: first.listener.port });
  await dial(RIGHT, listener.port);
  await dial(ONE, listener.port);
  await until('both', () => arrived.length === 1 && first.arrived.length === 1);
});

test('an address that cannot be had is an error, and then none of the others is listened on', async () => {
  const taken = await listening({ address: RIGHT });
  await expect(
    listenBgp({
      address: LEFT,
      port: taken.listener.port,
      also: [{ address: RIGHT }],
      accepts: () => true,
      onConnection: () => {},
    }),
  ).rejects.toThrow('EADDRINUSE');
  await expect(dial(LEFT, taken.listener.port)).rejects.toMatchObject({ code: 'TCP_REFUSED' });
  await expect(listening({ address: ip('fe80::1') })).rejects.toThrow('name the interface');
});

test('connections without a message are limited by source and in total; the first message makes room', async () => {
  const { listener, arrived } = await listening({
    address: ONE,
    also: [{ address: RIGHT }],
    halfOpen: { perSource: 2, total: 3 },
  });
  const open = (local: IpAddress): Promise<Connection> =>
    dial(typeof local === 'bigint' ? ONE : RIGHT, listener.port, { localAddress: local });
  const first = await open(LEFT);
  await open(LEFT);
  await until('two', () => arrived.length === 2);
  const refused = (): number => listener.counters.halfOpenOfSource + listener.counters.halfOpenInTotal;
  await open(LEFT).catch(() => {});
  await until('refused', () => refused() === 1);
  await open(ONE);
  await until('three', () => arrived.length === 3);
  await open(RIGHT).catch(() => {});
  await until('refused', () => refused() === 2);
  expect(listener.counters).toEqual({
    accepted: 3,
    unknownSource: 0,
    halfOpenOfSource: 1,
    halfOpenInTotal: 1,
    tooFar: 0,
    optionRefused: 0,
    halfOpen: 3,
  });
  for (const c of arrived) c.onData = (_slab, _start, end) => end;
  first.write(KEEPALIVE_MESSAGE);
  await until('spoken', () => listener.counters.halfOpen === 2);
  await open(LEFT);
  await until('four', () => arrived.length === 4);
  for (const c of arrived) c.destroy();
  await until('all left', () => listener.counters.halfOpen === 0);
});

test('a message that its owner answers by closing does not count as spoken before the connection is gone', async () => {
  const { listener, arrived } = await listening({ address: RIGHT });
  const dialled = await dial(RIGHT, listener.port);
  await until('accepted', () => arrived.length === 1);
  const [accepted = expect.fail()] = arrived;
  let atMessage = -1;
  accepted.onData = (_slab, _start, end) => {
    accepted.end(KEEPALIVE_MESSAGE);
    setImmediate(() => {
      atMessage = listener.counters.halfOpen;
    });
    return end;
  };
  dialled.write(KEEPALIVE_MESSAGE);
  await until('answered', () => atMessage >= 0);
  expect(atMessage).toBe(1);
  dialled.end();
  await until('gone', () => listener.counters.halfOpen === 0);
});

/** A peer that opens a connection, or takes one, and never reads. */
async function deafServer(): Promise<{ port: number; close: () => void }> {
  const sockets: net.Socket[] = [];
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.32', ready));
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  cleanups.push(close);
  return { port: (server.address() as net.AddressInfo).port, close };
}

const BLOCK = new Uint8Array(64 * 1024);

test('write() says when a peer does not read; who stops then has little waiting, and hears when it may go on', async () => {
  const { port, close } = await deafServer();
  const dialled = await dial(RIGHT, port);
  let written = 0;
  while (dialled.write(BLOCK)) {
    written += BLOCK.length;
    expect(written).toBeLessThan(64 * 1024 * 1024);
    await new Promise((next) => setImmediate(next));
  }
  expect(dialled.unsent).toBeLessThan(256 * 1024 + BLOCK.length);
  const closed = new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    dialled.onClose = resolve;
  });
  close();
  await closed;
});

test('a sender that does not listen loses the connection before much waits, and the process does not grow', async () => {
  const { port } = await deafServer();
  const dialled = await dial(RIGHT, port);
  let error: NodeJS.ErrnoException | undefined;
  let isClosed = false;
  dialled.onClose = (e) => {
    error = e;
    isClosed = true;
  };
  let most = 0;
  let writes = 0;
  // 1 GiB, if somebody took it.
  for (; writes < 16_384 && !isClosed; writes++) {
    dialled.write(new Uint8Array(BLOCK.length));
    most = Math.max(most, dialled.unsent);
    if (writes % 16 === 0) await new Promise((next) => setImmediate(next));
  }
  await until('closed', () => isClosed);
  expect(error?.code).toBe('WRITE_QUEUE_FULL');
  expect(error?.message).toContain('does not read');
  expect(most).toBeLessThanOrEqual(WRITE_LIMIT + BLOCK.length);
});

test('a reader that pauses makes its peer wait, and misses nothing', async () => {
  const { listener, arrived } = await listening({ address: RIGHT });
  const dialled = await dial(RIGHT, listener.port);
  await until('accepted', () => arrived.length === 1);
  const [accepted = expect.fail()] = arrived;
  let got = 0;
  accepted.onData = (_slab, start, end) => {
    got += end - start;
    return end;
  };
  accepted.pause();
  let written = 0;
  for (let more = true; more; ) {
    more = dialled.write(BLOCK);
    written += BLOCK.length;
    expect(written).toBeLessThan(64 * 1024 * 1024);
    await new Promise((next) => setImmediate(next));
  }
  expect(got).toBeLessThan(written);
  const drained = new Promise<void>((resolve) => {
    dialled.onDrain = resolve;
  });
  accepted.resume();
  await drained;
  await until('all', () => got === written);
});

test.each([
  ['a link-local peer without an interface', { peerAddress: ip('fe80::1') }, 'BAD_LOCAL_SETTINGS', 'Set interface'],
  ['a local address of the other family', { localAddress: ONE }, 'BAD_LOCAL_SETTINGS', 'other family'],
  ['an interface that cannot be one', { interface: 'a/b' }, 'BAD_LOCAL_SETTINGS', 'no name of an interface'],
  ['an interface that is not there', { interface: 'nosuchdev' }, 'INTERFACE_UNAVAILABLE', 'ENODEV'],
  [
    'a link-local peer on an interface that is not there',
    { peerAddress: ip('fe80::1'), interface: 'nosuchdev' },
    'INTERFACE_UNAVAILABLE',
    'ENODEV',
  ],
  ['a password of 81 octets', { password: 'x'.repeat(81) }, 'TCP_MD5_UNAVAILABLE', '80 octets'],
  ['an empty password', { password: '' }, 'TCP_MD5_UNAVAILABLE', 'is empty'],
  ['TTL security over no hop', { ttlSecurity: 0 }, 'TTL_SECURITY_UNAVAILABLE', '1 to 255'],
  ['a TTL of 256', { ttl: 256 }, 'TTL_UNAVAILABLE', '1 to 255'],
  [
    'a local address that is not ours',
    { localAddress: ip('198.51.100.9') },
    'LOCAL_ADDRESS_UNAVAILABLE',
    'EADDRNOTAVAIL',
  ],
] as const)('%s is a named fault', async (_what, more, code, text) => {
  await expect(dial(RIGHT, 1, more)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
});

test('a dial that is taken back calls nobody', async () => {
  const { listener, arrived } = await listening({ address: RIGHT });
  for (const more of [{}, { ttl: 999 }]) {
    let called = false;
    const cancel = tcpTransport.dial(configFor(RIGHT, listener.port, more), () => {
      called = true;
    });
    cancel();
    await new Promise((next) => setTimeout(next, 30));
    expect(called).toBe(false);
  }
  expect(arrived.length).toBeLessThanOrEqual(1);
});

test('TTL security keeps a neighbour with TTL 255 and refuses a SYN from farther away (RFC 5082 3)', async () => {
  const admission = { ttlSecurity: 1 };
  const { listener, arrived } = await listening({ address: RIGHT, also: [{ address: ONE }], accepts: () => admission });
  for (const to of [RIGHT, ONE]) {
    const before = arrived.length;
    const near = await dial(to, listener.port, { ttlSecurity: 1 });
    await until('accepted', () => arrived.length === before + 1);
    const atNear = heard(near);
    arrived.at(-1)?.write(Uint8Array.of(7));
    await until('heard', () => atNear.length === 1);
    // The system's TTL, 64: its SYN is answered, because the listener serves others too, and then it is reset.
    await dial(to, listener.port).catch(() => {});
  }
  await until('too far', () => listener.counters.tooFar === 2);
  expect(arrived).toHaveLength(2);
});

test('a peer that shall be signed is refused while no key is set for it, and that is told; strangers are counted', async () => {
  const told: string[] = [];
  const { listener, arrived } = await listening({
    address: RIGHT,
    accepts: (remote) => remote === LEFT && { signed: true },
    onRefused: (why, remote) => void told.push(`${why} ${formatIp(remote)}`),
  });
  await dial(RIGHT, listener.port, { localAddress: LEFT }).catch(() => {});
  await until('refused', () => listener.counters.optionRefused === 1);
  await dial(RIGHT, listener.port, { localAddress: RIGHT }).catch(() => {});
  await until('a stranger', () => listener.counters.unknownSource === 1);
  expect(arrived).toEqual([]);
  expect(told).toEqual(['optionRefused 127.0.0.31']);
});

test.runIf(canSetMd5)('keys are per peer and per prefix in both families, and the longest prefix counts', async () => {
  const { listener, arrived } = await listening({
    address: RIGHT,
    also: [{ address: ONE }],
    accepts: () => ({ signed: true }),
  });
  const prefix = (text: string) => parseIpPrefix(text) ?? expect.fail(text);
  listener.setPassword(prefix('127.0.0.0/24'), 'of the net');
  listener.setPassword(prefix('127.0.0.64/27'), 'of the part');
  listener.setPassword(prefix('::/0'), 'of all');
  await dial(RIGHT, listener.port, { localAddress: LEFT, password: 'of the net' });
  await dial(RIGHT, listener.port, { localAddress: ip('127.0.0.65'), password: 'of the part' });
  await dial(ONE, listener.port, { password: 'of all' });
  listener.setPassword(ONE, 'of one');
  await dial(ONE, listener.port, { password: 'of one' });
  await until('four', () => arrived.length === 4);
  listener.setPassword(prefix('127.0.0.0/24'), undefined);
  listener.setPassword(prefix('127.0.0.0/24'), undefined);
  await dial(RIGHT, listener.port, { localAddress: LEFT }).catch(() => {});
  await until('unsigned', () => listener.counters.optionRefused === 1);
});

test.runIf(canSetMd5)('a live connection goes on under another key, and without one (RFC 2385)', async () => {
  for (const to of [RIGHT, ONE]) {
    const { listener, arrived } = await listening({ address: to });
    const from = typeof to === 'bigint' ? ONE : LEFT;
    listener.setPassword(from, 'first');
    const dialled = await dial(to, listener.port, { localAddress: from, password: 'first' });
    await until('accepted', () => arrived.length === 1);
    const [accepted = expect.fail()] = arrived;
    const atAccepted = heard(accepted);
    for (const [i, key] of ['second', undefined, 'third'].entries()) {
      expect(dialled.setPassword?.(key)).toBe(true);
      // Signed with what the other end does not have yet: dropped there, and sent again.
      dialled.write(Uint8Array.of(i));
      expect(accepted.setPassword?.(key)).toBe(true);
      await until(`key ${i}`, () => atAccepted.length === i + 1);
    }
    expect(atAccepted).toEqual([0, 1, 2]);
    accepted.destroy();
    expect(accepted.setPassword?.('x')).toBe(false);
  }
});

test('strangers in numbers leave nothing behind: they are counted, and their sockets are gone', async () => {
  const { listener, arrived } = await listening({ address: RIGHT, accepts: (remote) => remote === LEFT });
  const sockets = (): number => process.getActiveResourcesInfo().filter((r) => r === 'TCPSocketWrap').length;
  const STRANGERS = 200;
  const ends = Array.from({ length: STRANGERS }, () => {
    const socket = net.connect({ host: '127.0.0.32', port: listener.port, localAddress: '127.0.0.99' });
    socket.on('error', () => {});
    socket.write(new Uint8Array(1000));
    return new Promise<void>((resolve) => socket.once('close', () => resolve()));
  });
  await Promise.all(ends);
  await until('all counted', () => listener.counters.unknownSource === STRANGERS);
  expect(listener.counters).toMatchObject({ accepted: 0, halfOpen: 0 });
  expect(arrived).toEqual([]);
  await until('no socket is left', () => sockets() === 0);
});
