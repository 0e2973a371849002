/** A node:net socket, dialled or accepted, as a Connection. */
import net from 'node:net';
import { addressBits, type IpAddress } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import { ffiFault, SysError } from '../../sys/ffi.ts';
import { readHost } from '../../sys/sockaddr.ts';
import type { Connection } from '../session/session-types.ts';
import type { Reader } from './reading-turns.ts';
import { SlabReader } from './slab-reader.ts';
import { setMd5Key } from './tcp-md5.ts';

/** Above this the session stops producing. */
const HIGH_WATER = 256 * 1024;
/** With so much waiting already another write ends the connection: its peer does not read, and its owner does not listen to
 *  what write() answers. (A session has a limit of half as much, at which it says why.) A single write may be larger,
 *  because its octets are in memory before it. */
export const WRITE_LIMIT = 32 * 1024 * 1024;
/** How long a half-closed socket waits for the peer to read our last words. */
const LINGER_MS = 1_000;

/** What libuv has of a socket; documented nowhere, the same on Node 20 to 26. */
interface Handle {
  readonly fd?: number;
}
/** Null as soon as the socket is closed, and before its descriptor is. */
const handleOf = (socket: net.Socket): Handle | null | undefined =>
  (socket as unknown as { readonly _handle?: Handle | null })._handle;

/** Of an open socket. */
export function descriptorOf(socket: net.Socket): number | undefined {
  const fd = handleOf(socket)?.fd;
  return fd !== undefined && fd >= 0 ? fd : undefined;
}

/** Undefined for a socket that is gone, or whose link is: node:net throws when the device of a link-local address has no name
 *  any more. */
export function hostOf(socket: net.Socket, end: 'remoteAddress' | 'localAddress'): ReturnType<typeof readHost> {
  try {
    return readHost(socket[end]);
  } catch {
    return undefined;
  }
}

/** Octets into the socket `fd`, past node:net: how many it took, or anything negative. For who has a quicker way than node:net's,
 *  whose write costs more than the system call. Never waits, and raises no signal. */
export type DirectSend = (fd: number, bytes: Uint8Array) => number;

class SocketConnection implements Connection, Reader {
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly remoteInterface?: string;
  readonly localAddress: IpAddress;
  readonly localPort: number;
  onData: Connection['onData'];
  onClose: Connection['onClose'];
  onDrain: Connection['onDrain'];
  /** We have said our last word. */
  ended = false;
  private readonly socket: net.Socket;
  private readonly reader: SlabReader;
  private readonly direct: DirectSend | undefined;
  /** The handle that was asked for its descriptor last, and what it said: asking costs a tenth of a write. */
  private handle: Handle | undefined;
  private descriptor: number | undefined;
  private error: NodeJS.ErrnoException | undefined;
  /** By our owner. */
  private paused = false;
  /** Until its turn to read comes. */
  private held = false;

  constructor(socket: net.Socket, reader: SlabReader, direct: DirectSend | undefined) {
    this.socket = socket;
    this.reader = reader;
    this.direct = direct;
    reader.socket = this;
    reader.to = this;
    const remote = hostOf(socket, 'remoteAddress');
    this.remoteAddress = remote?.address ?? ipv4(0);
    if (remote?.device !== undefined) this.remoteInterface = remote.device;
    this.remotePort = remote === undefined ? 0 : (socket.remotePort ?? 0);
    const local = hostOf(socket, 'localAddress');
    this.localAddress = local?.address ?? ipv4(0);
    this.localPort = local === undefined ? 0 : (socket.localPort ?? 0);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error;
    });
    socket.on('close', () => {
      // Its last words may say why it went.
      this.reader.finish();
      this.onClose?.(this.error);
    });
    socket.on('drain', () => this.onDrain?.());
  }
  write(bytes: Uint8Array): boolean {
    const waiting = this.socket.writableLength;
    // Only where nothing waits that would have to go first.
    const left = waiting === 0 ? this.sendDirectly(bytes) : bytes;
    if (left === undefined) return true;
    if (!this.socket.writable) return true;
    if (waiting > WRITE_LIMIT) {
      this.socket.destroy(writeQueueFull(waiting));
      return false;
    }
    this.socket.write(left);
    return this.socket.writableLength < HIGH_WATER;
  }
  /** Answers what is left for node:net, which then also meets whatever error there was. */
  private sendDirectly(bytes: Uint8Array): Uint8Array | undefined {
    const { direct } = this;
    const handle = handleOf(this.socket);
    if (direct === undefined || handle === undefined || handle === null || this.ended) return bytes;
    if (handle !== this.handle) {
      this.handle = handle;
      this.descriptor = descriptorOf(this.socket);
    }
    const sent = this.descriptor === undefined ? 0 : direct(this.descriptor, bytes);
    if (sent === bytes.length) return undefined;
    return sent > 0 ? bytes.subarray(sent) : bytes;
  }
  get unsent(): number {
    return this.socket.writableLength;
  }
  end(lastBytes?: Uint8Array): void {
    this.ended = true;
    if (lastBytes === undefined) this.socket.end();
    else this.socket.end(lastBytes);
    // Unread bytes in the socket would turn our close into a reset, which overtakes the last words.
    this.onData = (_slab, _start, end) => end;
    this.socket.resume();
    const timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
    this.socket.once('close', () => clearTimeout(timer));
  }
  destroy(): void {
    this.onData = undefined;
    this.onClose = undefined;
    this.onDrain = undefined;
    this.socket.destroy();
  }
  setPassword(key: string | undefined): boolean {
    const fd = descriptorOf(this.socket);
    if (fd === undefined || ffiFault() !== undefined) return false;
    try {
      setMd5Key(fd, { address: this.remoteAddress, length: addressBits(this.remoteAddress) }, key);
      return true;
    } catch (error) {
      if (error instanceof SysError) return false;
      throw error;
    }
  }
  pause(): void {
    this.paused = true;
    this.socket.pause();
  }
  resume(): void {
    this.paused = false;
    if (!this.held) this.readOn();
  }
  hold(): void {
    this.held = true;
    if (!this.ended) this.socket.pause();
  }
  release(): void {
    this.held = false;
    if (!this.paused) this.readOn();
  }
  private readOn(): void {
    if (this.reader.goOn() && !this.socket.destroyed) this.socket.resume();
  }
  readPending(done: () => void): void {
    this.reader.finish();
    if (this.held) this.release();
    // The poll phase reads what waits, the check phase comes right behind it.
    setImmediate(() => {
      this.reader.finish();
      done();
    });
  }
}

const writeQueueFull = (waiting: number): NodeJS.ErrnoException =>
  Object.assign(
    new Error(
      `${waiting} octets wait for a peer that does not read; ${WRITE_LIMIT} is the limit. Stop sending when write() answers false.`,
    ),
    { code: 'WRITE_QUEUE_FULL' },
  );

/** The same connection in a socket that reads into the slab: node:net offers that for sockets that dial only. `socket` must
 *  not have been read from (pauseOnConnect). It is left without its handle, and destroyed: else its server would count it for
 *  ever, and never be closed. Undocumented, the same on Node 20 to 26. */
function rewrapped(socket: net.Socket, onread: SlabReader['onread']): net.Socket {
  const bare = socket as unknown as { _handle: unknown };
  const handle = bare._handle;
  bare._handle = null;
  socket.destroy();
  // As net.Server makes it: nothing is read before resume().
  const options = { handle, onread, pauseOnCreate: true };
  return new net.Socket(options as unknown as net.SocketConstructorOpts);
}

/** A socket that a server accepted and paused; it is read from now on, and `paused` is of no use any more. `onSpoken` is
 *  called once: with the first whole message that the owner did not answer by closing, or with the end. */
export const acceptedConnection = (
  paused: net.Socket,
  direct: DirectSend | undefined,
  onSpoken: () => void,
): Connection => {
  const reader = new SlabReader();
  const socket = rewrapped(paused, reader.onread);
  const connection = new SocketConnection(socket, reader, direct);
  let silent = true;
  const spoken = (): void => {
    if (silent) onSpoken();
    silent = false;
    reader.to = connection;
  };
  socket.once('close', spoken);
  reader.to = {
    get onData(): Connection['onData'] {
      const { onData } = connection;
      if (onData === undefined) return onData;
      return (bytes, start, end) => {
        const next = onData(bytes, start, end);
        if (next > start && !connection.ended && !socket.destroyed) spoken();
        return next;
      };
    },
  };
  // Its owner sets onData in this turn; the first read comes in a later one.
  socket.resume();
  return connection;
};

/** A socket before it is connected; over our own descriptor, which it takes over, or one that node:net makes. */
export class DialledSocket {
  readonly socket: net.Socket;
  private readonly reader = new SlabReader();

  constructor(fd: number | undefined) {
    const options = {
      // Undocumented but stable on Node 20 to 26: without it Node reads a socket that is not connected.
      ...(fd === undefined ? {} : { fd, manualStart: true }),
      onread: this.reader.onread,
    };
    this.socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
    this.socket.setNoDelay(true);
  }
  /** Once connected. */
  connection(direct: DirectSend | undefined): Connection {
    return new SocketConnection(this.socket, this.reader, direct);
  }
}
