/** What a connection promises, whichever end of it was made how: the same cases for both kinds of sockets. The receive slab is
 *  shared by all connections and overwritten by the next read. */
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/bgp-js/session/session-types.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../../../src/bgp-js/transport/transport.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { heard } from './heard.ts';
import { address, configOf } from './two-speakers.ts';

const LEFT = address('127.0.0.21');
const RIGHT = address('127.0.0.22');
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

interface Pair {
  /** The end that the case is about. */
  readonly ours: Connection;
  /** Its other end, which is no connection of ours. */
  readonly other: net.Socket;
}

/** `early`: written by the other end before ours is there. */
type Make = (early?: Uint8Array) => Promise<Pair>;

async function listening(onConnection: (connection: Connection) => void): Promise<BgpListener> {
  const listener = await listenBgp({ address: RIGHT, port: 0, accepts: () => true, onConnection });
  cleanups.push(() => listener.close());
  return listener;
}

const settledSocket = (socket: net.Socket): net.Socket => {
  socket.on('error', () => {});
  cleanups.push(() => socket.destroy());
  return socket;
};

const accepted: Make = async (early) => {
  let arrive: (connection: Connection) => void = () => {};
  const arrived = new Promise<Connection>((resolve) => {
    arrive = resolve;
  });
  const listener = await listening((c) => arrive(c));
  const other = settledSocket(net.connect({ host: '127.0.0.22', port: listener.port, localAddress: '127.0.0.21' }));
  if (early !== undefined) other.write(early);
  const ours = await arrived;
  cleanups.push(() => ours.destroy());
  return { ours, other };
};

const dialled: Make = async (early) => {
  let arrive: (socket: net.Socket) => void = () => {};
  const arrived = new Promise<net.Socket>((resolve) => {
    arrive = resolve;
  });
  const server = net.createServer({ pauseOnConnect: true }, (socket) => {
    if (early !== undefined) socket.write(early);
    arrive(settledSocket(socket));
  });
  cleanups.push(() => server.close());
  await new Promise<void>((ready) => server.listen(0, '127.0.0.22', ready));
  const { port } = server.address() as net.AddressInfo;
  const ours = await new Promise<Connection>((resolve, reject) => {
    const config = configOf(LEFT, RIGHT, { peerPort: port });
    tcpTransport.dial(config, (result) => (result.ok ? resolve(result.value) : reject(result.error)));
  });
  cleanups.push(() => ours.destroy());
  return { ours, other: await arrived };
};

const closed = (connection: Connection): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    connection.onClose = resolve;
  });

/** No two stretches of it are alike. */
const stream = (octets: number): Uint8Array =>
  Uint8Array.from({ length: octets }, (_, i) => (i * 2_654_435_761) >>> 24);

describe.each([
  ['dialled', dialled],
  ['accepted', accepted],
] as const)('a connection that was %s', (_kind, make) => {
  test('lets a reader keep a copy by slice()', async () => {
    const { ours, other } = await make();
    const kept = new Promise<Uint8Array>((resolve) => {
      ours.onData = (slab, start, end) => {
        const copy = slab.slice(start, end);
        slab.fill(0, start, end);
        resolve(copy);
        return end;
      };
    });
    other.write(Uint8Array.of(1, 2, 3));
    expect(await kept).toEqual(Uint8Array.of(1, 2, 3));
  });

  test('gives what was written before it was there', async () => {
    const { ours } = await make(Uint8Array.of(4, 5, 6, 7));
    expect(await heard(ours, 4)).toEqual(Uint8Array.of(4, 5, 6, 7));
  });

  test('gives more than the slab holds, in order, over pauses', async () => {
    const { ours, other } = await make();
    const sent = stream(3_000_000);
    const all = heard(ours, sent.length);
    const { onData } = ours;
    let reads = 0;
    ours.onData = (slab, start, end) => {
      if (reads++ % 2 === 0) {
        ours.pause();
        setImmediate(() => ours.resume());
      }
      return onData?.(slab, start, end) ?? end;
    };
    other.write(sent);
    expect(Buffer.compare(await all, sent)).toBe(0);
  });

  test('puts a message together that came in pieces', async () => {
    const { ours, other } = await make();
    other.setNoDelay(true);
    const whole = new Promise<Uint8Array>((resolve) => {
      ours.onData = (slab, start, end) => {
        if (end - start < KEEPALIVE_MESSAGE.length) return start;
        resolve(slab.slice(start, end));
        return end;
      };
    });
    for (const octet of KEEPALIVE_MESSAGE) {
      other.write(Uint8Array.of(octet));
      await new Promise((next) => setImmediate(next));
    }
    expect(await whole).toEqual(KEEPALIVE_MESSAGE);
  });

  test('reads what already waits before it answers readPending()', async () => {
    const { ours, other } = await make();
    let got = 0;
    ours.onData = (_slab, start, end) => {
      got += end - start;
      return end;
    };
    await new Promise<void>((written) => other.write(Uint8Array.of(1, 2, 3), () => written()));
    // Where hold timers ask: among the timers, in front of what is read in the same turn.
    await new Promise<void>((done) => setTimeout(() => ours.readPending(done)));
    expect(got).toBe(3);
  });

  test('ends with the last words, and hears the other end close, once and without an error', async () => {
    const { ours, other } = await make();
    const ended = closed(ours);
    let said = 0;
    other.on('data', (bytes) => {
      said += bytes.length;
    });
    other.resume();
    ours.end(KEEPALIVE_MESSAGE);
    expect(await ended).toBeUndefined();
    expect(said).toBe(KEEPALIVE_MESSAGE.length);
  });

  test('says that the other end closed in order', async () => {
    const { ours, other } = await make();
    const ended = closed(ours);
    ours.onData = (_slab, _start, end) => end;
    other.end();
    other.resume();
    expect(await ended).toBeUndefined();
  });

  test('says what a reset was', async () => {
    const { ours, other } = await make();
    const ended = closed(ours);
    other.resetAndDestroy();
    expect((await ended)?.code).toBe('ECONNRESET');
  });

  test('leaves no socket behind when it is destroyed', async () => {
    const { ours, other } = await make();
    const sockets = (): number => process.getActiveResourcesInfo().filter((r) => r === 'TCPSocketWrap').length;
    const before = sockets();
    ours.destroy();
    const gone = new Promise<void>((resolve) => other.once('close', () => resolve()));
    other.resume();
    await gone;
    expect(sockets()).toBeLessThanOrEqual(before - 2);
  });
});

test('a listener is closed for good while a connection that it accepted lives on', async () => {
  const { ours, other } = await accepted();
  for (const cleanup of cleanups.splice(0, 1)) cleanup(); // the listener is the first
  other.write(Uint8Array.of(9));
  expect(await heard(ours, 1)).toEqual(Uint8Array.of(9));
  const listening = (): boolean => process.getActiveResourcesInfo().includes('TCPServerWrap');
  while (listening()) await new Promise((next) => setImmediate(next));
  await expect(
    new Promise((resolve, reject) =>
      net.connect(other.remotePort ?? 0, '127.0.0.22', () => resolve(1)).on('error', reject),
    ),
  ).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
