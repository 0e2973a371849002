/** Receiving sockets in an event loop: node:dgram waits for them, and in a hurry they are read to their end by hand. Not pure. */
import dgram from 'node:dgram';
import { EAGAIN } from '../sys/constants.ts';
import { interfaceName } from '../sys/device.ts';
import * as ffi from '../sys/ffi.ts';
import { addressOfSockaddr, needsInterface, readHost } from '../sys/sockaddr.ts';
import { attachFilter, type FilterStep } from '../sys/socket-filter.ts';
import { type Family, keepPort, receivingSocket } from './sockets.ts';
import type { OnDatagram } from './wire.ts';

export interface Receiver {
  readonly fd: number;
  setFilter(steps: readonly FilterStep[], otherwise: readonly FilterStep[]): void;
  /** Hands on all that waits. */
  drain(): void;
  close(): void;
}

const LONGEST = 1500;
const SOCKADDR_BYTES = 28;
/** More than the socket's buffer holds: a flood cannot keep us here. */
const MOST_AT_ONCE = 16_384;

/** Throws SysError. After `onError` it is closed. */
export function openReceiver(
  { family, device }: { readonly family: Family; readonly device: string | undefined },
  filter: readonly FilterStep[],
  beside: readonly number[],
  onDatagram: OnDatagram,
  onError: () => void,
): Receiver {
  const fd = receivingSocket(family, device, filter, beside);
  const socket = dgram.createSocket({ type: family === 'ipv6' ? 'udp6' : 'udp4' });
  socket.on('message', (bytes, { address }) => {
    const from = readHost(address);
    if (from !== undefined) onDatagram(bytes, bytes.length, from.address, from.device ?? device);
  });
  socket.on('error', () => {
    socket.close();
    onError();
  });
  socket.bind({ fd });
  keepPort(fd);
  const bytes = Buffer.alloc(LONGEST);
  const sockaddr = Buffer.alloc(SOCKADDR_BYTES);
  return {
    fd,
    setFilter: (steps, otherwise) => attachOneOf(fd, steps, otherwise),
    drain() {
      for (let n = 0; n < MOST_AT_ONCE; n++) {
        const length = ffi.recvfrom(fd, bytes, 0, sockaddr);
        if (length === -EAGAIN) return;
        const from = length < 0 ? undefined : addressOfSockaddr(sockaddr);
        if (from === undefined) return;
        onDatagram(bytes, length, from.address, deviceOf(from) ?? device);
      }
    },
    close: () => void socket.close(),
  };

  function deviceOf({ address, scopeId }: ReturnType<typeof addressOfSockaddr> & object): string | undefined {
    if (!needsInterface(address) || scopeId === 0) return undefined;
    try {
      return interfaceName(fd, scopeId);
    } catch {
      return undefined; // its device went after the packet came
    }
  }
}

/** Small systems limit what a filter may weigh. */
function attachOneOf(fd: number, steps: readonly FilterStep[], otherwise: readonly FilterStep[]): void {
  try {
    attachFilter(fd, steps);
  } catch {
    attachFilter(fd, otherwise);
  }
}
