/** Any descriptor inside a net.Socket, through public interfaces: libuv is given one end of a unix socket pair, and the
 *  real descriptor is put over it by dup3 before the first read. epoll, no polling, no addon. One read is one datagram.
 *  `manualStart` keeps libuv from looking at the pair before the swap; it is undocumented but stable on Node 20 to 26. */
import net from 'node:net';
import { AF_UNIX, O_CLOEXEC, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from './constants.ts';
import * as ffi from './ffi.ts';

export interface FdSocket {
  /** The number the descriptor now has: for drains by recv and for socket options. */
  readonly fd: number;
  close(): void;
}

/** Takes `fd` over. `onBytes` sees a view that is valid only during the call. After `onError` the socket is gone:
 *  open a new one and read everything again. */
export function openFdSocket(
  fd: number,
  onBytes: (bytes: Buffer, length: number) => void,
  onError: (error: NodeJS.ErrnoException) => void,
  bufferBytes = 1 << 18,
): FdSocket {
  const [kept, spare] = ffi.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
  const options = {
    fd: kept,
    manualStart: true,
    onread: {
      buffer: Buffer.allocUnsafe(bufferBytes),
      callback: (length: number, bytes: Uint8Array): boolean => {
        onBytes(bytes as Buffer, length);
        return true;
      },
    },
  };
  const socket = new net.Socket(options as unknown as net.SocketConstructorOpts);
  ffi.dup3(fd, kept, O_CLOEXEC);
  ffi.close(fd);
  ffi.close(spare);
  socket.on('error', onError);
  socket.read(0);
  return { fd: kept, close: () => void socket.destroy() };
}
