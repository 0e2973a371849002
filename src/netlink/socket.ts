/** The transport: an rtnetlink socket as a descriptor that epoll watches. The only file of netlink/ that makes system
 *  calls. A socket stays for ever in the namespace it was born in, so `setns` is needed only round its birth. */
import {
  AF_NETLINK,
  EAGAIN,
  MSG_DONTWAIT,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
} from '../sys/constants.ts';
import { openFdSocket } from '../sys/fd-socket.ts';
import * as ffi from '../sys/ffi.ts';
import { inNetns } from '../sys/netns.ts';
import { ALL_OF_IT, attachFilter, JUMP_EQUAL, LOAD_WORD, NOTHING } from '../sys/socket-filter.ts';
import * as k from './constants.ts';

export interface NetlinkSocket {
  readonly portId: number;
  /** Bytes sent or -errno. The kernel works on the requests inside this call. */
  send(bytes: Uint8Array): number;
  /** Hands `onBytes` what has arrived, now and not when epoll says so, until `enough`: the answers to a request are there when
   *  `send` returns. */
  drain(enough: () => boolean): void;
  /** The same on a thread, for requests that wait for a grace period. */
  sendSlow(bytes: Uint8Array): Promise<number>;
  close(): void;
}

export interface SocketOptions {
  readonly netns?: string;
  readonly groups?: readonly number[];
  readonly receiveBufferBytes: number;
  /** To have again after a loss, if it is free; the kernel gives another one if not. */
  readonly portId?: number;
  /** Drops messages caused by the socket of this port id, in the kernel. */
  readonly ignorePortId?: number;
}

/** The largest datagram of a dump is 32 KB. */
const DRAIN_BYTES = 1 << 16;

const int32 = (v: number): Uint8Array => new Uint8Array(new Int32Array([v]).buffer);

/** `onBytes` sees a view valid during the call; after `onError` the socket is gone. */
export function openNetlinkSocket(
  options: SocketOptions,
  onBytes: (bytes: Uint8Array, length: number) => void,
  onError: (error: NodeJS.ErrnoException) => void,
): NetlinkSocket {
  const born = (): number => ffi.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const raw = options.netns === undefined ? born() : inNetns(options.netns, born);
  let portId = 0;
  try {
    sizeBuffer(raw, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes);
    sizeBuffer(raw, SO_SNDBUFFORCE, SO_SNDBUF, 1 << 20);
    ffi.setsockoptInt(raw, k.SOL_NETLINK, k.NETLINK_CAP_ACK, 1);
    ffi.setsockoptInt(raw, k.SOL_NETLINK, k.NETLINK_EXT_ACK, 1);
    ffi.setsockoptInt(raw, k.SOL_NETLINK, k.NETLINK_GET_STRICT_CHK, 1);
    if (options.ignorePortId !== undefined) ignoreCausedBy(raw, options.ignorePortId);
    bindTo(raw, options.portId ?? 0);
    portId = ffi.getsockname(raw).readUInt32LE(4);
    for (const group of options.groups ?? [])
      ffi.setsockopt(raw, k.SOL_NETLINK, k.NETLINK_ADD_MEMBERSHIP, int32(group));
  } catch (error) {
    ffi.close(raw);
    throw error;
  }
  const socket = openFdSocket(raw, onBytes, onError);
  // A thread must not send on a number that closing has freed for another descriptor.
  let onThreads = 0;
  let closing = false;
  let drained: Uint8Array | undefined;
  return {
    portId,
    send: (bytes) => ffi.send(socket.fd, bytes, bytes.length, 0),
    drain: (enough) => {
      drained ??= new Uint8Array(DRAIN_BYTES);
      while (!closing && !enough()) {
        const n = ffi.recv(socket.fd, drained, DRAIN_BYTES, MSG_DONTWAIT);
        // Reading takes an overflow away from the reader behind epoll, so it is passed on from here.
        if (n < 0 && n !== -EAGAIN) onError(Object.assign(new Error('recv'), { errno: n, code: ffi.errnoName(-n) }));
        if (n <= 0) return;
        onBytes(drained, n);
      }
    },
    sendSlow: async (bytes) => {
      onThreads += 1;
      const sent = await ffi.sendOnThread(socket.fd, bytes, 0);
      onThreads -= 1;
      if (closing && onThreads === 0) socket.close();
      // What went wrong on the other thread is not told: EIO stands for it.
      return sent < 0 ? -5 : sent;
    },
    close: () => {
      closing = true;
      if (onThreads === 0) socket.close();
    },
  };
}

function bindTo(fd: number, portId: number): void {
  const address = new Uint8Array(new Uint32Array([0, portId, 0]).buffer); // sockaddr_nl: family, pad, pid, groups
  new Uint16Array(address.buffer)[0] = AF_NETLINK;
  try {
    ffi.bind(fd, address);
  } catch (error) {
    if (portId === 0 || !(error instanceof ffi.SysError) || error.code !== 'EADDRINUSE') throw error;
    bindTo(fd, 0);
  }
}

/** FORCE passes the system's limit but needs CAP_NET_ADMIN in the first user namespace; a lab's user has not. */
function sizeBuffer(fd: number, force: number, plain: number, bytes: number): void {
  try {
    ffi.setsockoptInt(fd, SOL_SOCKET, force, bytes);
  } catch {
    ffi.setsockoptInt(fd, SOL_SOCKET, plain, bytes);
  }
}

/** A classic BPF program: drop the datagram when nlmsg_pid, at offset 12, is that port. Filtering by protocol instead
 *  would hide a foreign deletion of our routes. BPF loads words in network order, hence the swapped constant. */
function ignoreCausedBy(fd: number, portId: number): void {
  const swapped = new DataView(new Uint32Array([portId]).buffer).getUint32(0);
  attachFilter(fd, [[LOAD_WORD, 0, 0, 12], [JUMP_EQUAL, 0, 1, swapped], NOTHING, ALL_OF_IT]);
}
