/** A node:net socket as a Connection. Dialled sockets read into one slab that all share: libuv reads and calls back at once,
 *  so it holds one read at a time, and the unfinished message of each connection (at most 4095 octets) is kept by itself. */
import net from 'node:net';
import { type Ipv4, ipv4, parseIpv4 } from '../../base/ipv4.ts';
import type { Connection } from '../session/session-types.ts';
import { MAX_MESSAGE_LENGTH } from '../wire/message.ts';

const READ_BYTES = 256 * 1024;
/** In front of what is read stands what was left of the read before. No Buffer: whoever keeps a part of it takes a copy by
 *  slice(), and a Buffer's slice() is a view, which the next read would change. */
const slab = new Uint8Array(MAX_MESSAGE_LENGTH + READ_BYTES);
const readRegion = slab.subarray(MAX_MESSAGE_LENGTH);

/** Above this the session stops producing. */
const HIGH_WATER = 256 * 1024;
/** How long a half-closed socket waits for the peer to read our last words. */
const LINGER_MS = 1_000;

type OnData = NonNullable<Connection['onData']>;

/** Puts split messages together again, whatever the reads look like. */
export class Reassembly {
  private left: Uint8Array | undefined;

  /** `bytes` [0, length) has just been read. */
  take(bytes: Uint8Array, length: number, onData: OnData): void {
    const left = this.left;
    if (left === undefined) {
      this.keep(bytes, onData(bytes, 0, length), length);
      return;
    }
    this.left = undefined;
    if (bytes === readRegion) {
      const start = MAX_MESSAGE_LENGTH - left.length;
      slab.set(left, start);
      const end = MAX_MESSAGE_LENGTH + length;
      this.keep(slab, onData(slab, start, end), end);
      return;
    }
    const joined = new Uint8Array(left.length + length);
    joined.set(left);
    joined.set(bytes.subarray(0, length), left.length);
    this.keep(joined, onData(joined, 0, joined.length), joined.length);
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    // More than a message can be left only when nobody reads: then it is nobody's.
    if (start < end && end - start < MAX_MESSAGE_LENGTH) this.left = Uint8Array.prototype.slice.call(bytes, start, end);
  }
}

class SocketConnection implements Connection {
  readonly remoteAddress: Ipv4;
  readonly remotePort: number;
  readonly localAddress: Ipv4;
  readonly localPort: number;
  onData: Connection['onData'];
  onClose: Connection['onClose'];
  onDrain: Connection['onDrain'];
  private readonly socket: net.Socket;
  private error: NodeJS.ErrnoException | undefined;

  constructor(socket: net.Socket, remote: Ipv4) {
    this.socket = socket;
    this.remoteAddress = remote;
    this.remotePort = socket.remotePort ?? 0;
    this.localAddress = parseIpv4(socket.localAddress ?? '') ?? ipv4(0);
    this.localPort = socket.localPort ?? 0;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error;
    });
    socket.on('close', () => this.onClose?.(this.error));
    socket.on('drain', () => this.onDrain?.());
  }
  write(bytes: Uint8Array): boolean {
    if (!this.socket.writable) return true;
    this.socket.write(bytes);
    return this.socket.writableLength < HIGH_WATER;
  }
  get unsent(): number {
    return this.socket.writableLength;
  }
  end(lastBytes?: Uint8Array): void {
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
  pause(): void {
    this.socket.pause();
  }
  resume(): void {
    this.socket.resume();
  }
  readPending(done: () => void): void {
    // The poll phase reads what waits, the check phase comes right behind it.
    setImmediate(done);
  }
}

export const acceptedConnection = (socket: net.Socket, remote: Ipv4): Connection => {
  const connection = new SocketConnection(socket, remote);
  const reassembly = new Reassembly();
  socket.on('data', (read: Buffer) => {
    const bytes = new Uint8Array(read.buffer, read.byteOffset, read.length);
    if (connection.onData !== undefined) reassembly.take(bytes, bytes.length, connection.onData);
  });
  return connection;
};

/** A socket over our own descriptor, which it takes over, before it is connected. */
export class DialledSocket {
  readonly socket: net.Socket;
  private made: SocketConnection | undefined;

  constructor(fd: number) {
    const reassembly = new Reassembly();
    const options = {
      fd,
      // Undocumented but stable on Node 20 to 26: without it Node reads a socket that is not connected.
      manualStart: true,
      onread: {
        buffer: readRegion,
        callback: (length: number): boolean => {
          if (this.made?.onData !== undefined) reassembly.take(readRegion, length, this.made.onData);
          return true;
        },
      },
    };
    this.socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
    this.socket.setNoDelay(true);
  }
  /** Once connected. */
  connection(): Connection {
    const remote = parseIpv4(this.socket.remoteAddress ?? '') ?? ipv4(0);
    this.made = new SocketConnection(this.socket, remote);
    return this.made;
  }
}
