/** The sockets of BFD, with what node:dgram does not offer: one to send for each session, on a source port of its own; one to
 *  receive for each family and device. Not pure: system calls. All throw SysError. RFC 5881 4 and 5, RFC 2474 (DSCP). */
import { type IpAddress, isIpv6 } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import type { Random } from '../base/ports.ts';
import {
  AF_INET,
  AF_INET6,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from '../sys/constants.ts';
import { bindToDevice, interfaceIndex } from '../sys/device.ts';
import * as ffi from '../sys/ffi.ts';
import { needsInterface, sockaddr } from '../sys/sockaddr.ts';
import { attachFilter, type FilterStep, NOTHING } from '../sys/socket-filter.ts';
import type { BfdTarget } from './bfd-types.ts';

export const BFD_PORT = 3784;
const FIRST_SOURCE_PORT = 49152;
const SOURCE_PORTS = 65536 - FIRST_SOURCE_PORT;
const PORT_ATTEMPTS = 64;
const MOST_TTL = 255;
/** Network control. RFC 4594 3.1 */
const CS6 = 0xc0;
/** Packets wait here while the thread is busy, half a kilobyte of the kernel's memory each. */
const BUFFER_BYTES = 4 << 20;

const IPV6_V6ONLY = 26;
/** The same options at the two levels. linux/in.h, linux/in6.h */
const IPV4 = { level: 0, tos: 1, ttl: 2 };
const IPV6 = { level: 41, tos: 67, ttl: 16 };
const ANY_IPV4 = ipv4(0);
const ANY_IPV6 = ipv6(0n);

export type Family = 'ipv4' | 'ipv6';
export const familyOf = (address: IpAddress): Family => (isIpv6(address) ? 'ipv6' : 'ipv4');

/** Made and prepared, or closed again. */
function made(family: Family, prepare: (fd: number) => void): number {
  const fd = ffi.socket(family === 'ipv6' ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    if (family === 'ipv6') ffi.setsockoptInt(fd, IPV6.level, IPV6_V6ONLY, 1);
    prepare(fd);
    return fd;
  } catch (error) {
    ffi.close(fd);
    throw error;
  }
}

export interface SendingSocket {
  readonly fd: number;
  /** The neighbour's sockaddr. */
  readonly to: Uint8Array;
  /** Index of the device it is bound to; 0: none. */
  readonly device: number;
}

/** Unconnected: the route is looked up for each packet, and no ICMP error ends it. Nothing is ever received here. */
export function sendingSocket({ address, localAddress, interface: device }: BfdTarget, random: Random): SendingSocket {
  const { level, tos, ttl } = isIpv6(address) ? IPV6 : IPV4;
  let to: Uint8Array = new Uint8Array();
  let index = 0;
  const fd = made(familyOf(address), (fd) => {
    attachFilter(fd, [NOTHING]);
    ffi.setsockoptInt(fd, level, ttl, MOST_TTL);
    ffi.setsockoptInt(fd, level, tos, CS6);
    if (device !== undefined) {
      bindToDevice(fd, device);
      index = interfaceIndex(fd, device);
    }
    const scope = needsInterface(address) ? index : 0;
    to = sockaddr(address, BFD_PORT, scope);
    bindToFreePort(fd, localAddress ?? (isIpv6(address) ? ANY_IPV6 : ANY_IPV4), scope, random);
  });
  return { fd, to, device: index };
}

/** Unique among all sockets of the machine, since none of these shares its port. */
function bindToFreePort(fd: number, local: IpAddress, scope: number, random: Random): void {
  for (let attempt = 1; ; attempt++) {
    const port = FIRST_SOURCE_PORT + Math.floor(random() * SOURCE_PORTS);
    try {
      ffi.bind(fd, sockaddr(local, port, scope));
      return;
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !(error instanceof ffi.SysError) || error.code !== 'EADDRINUSE') throw error;
    }
  }
}

/** Bound to the port after the filter is on, so that nothing comes past it. `beside`: receiving sockets of ours, with which
 *  alone the port is shared. EADDRINUSE: another program has it. */
export function receivingSocket(
  family: Family,
  device: string | undefined,
  filter: readonly FilterStep[],
  beside: readonly number[],
): number {
  const share = (yes: boolean, fds: readonly number[]): void => {
    for (const fd of fds) ffi.setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, yes ? 1 : 0);
  };
  return made(family, (fd) => {
    attachFilter(fd, filter);
    enlarge(fd);
    if (device !== undefined) bindToDevice(fd, device);
    share(beside.length > 0, [...beside, fd]);
    try {
      ffi.bind(fd, sockaddr(family === 'ipv6' ? ANY_IPV6 : ANY_IPV4, BFD_PORT));
    } finally {
      share(false, [...beside, fd]);
    }
  });
}

/** libuv lets other programs share the port of what it is given. */
export const keepPort = (fd: number): void => ffi.setsockoptInt(fd, SOL_SOCKET, SO_REUSEADDR, 0);

/** FORCE passes the system's limit but needs CAP_NET_ADMIN in the first user namespace. */
function enlarge(fd: number): void {
  try {
    ffi.setsockoptInt(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES);
  } catch {
    ffi.setsockoptInt(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_BYTES);
  }
}
