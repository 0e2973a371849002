/** The two sockets of a user-space carrier: frames of one device, and IP protocol 4 of one address. Not pure: system calls.
 *  Both are opened in the namespace of the calling thread. */

import {
  AF_INET,
  AF_PACKET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
} from '../sys/constants.ts';
import * as ffi from '../sys/ffi.ts';
import { SysError } from '../sys/ffi.ts';

const ETH_P_IP = 0x0800;
const IPPROTO_IPIP = 4;
const IPPROTO_IP = 0;
const IP_HDRINCL = 3;
const SOL_PACKET = 263;
const PACKET_QDISC_BYPASS = 20;
const BUFFER_BYTES = 8 << 20;

/** struct sockaddr_ll of a device: enough to bind. */
function linkAddress(ifindex: number): Uint8Array {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_IP, 2);
  address.writeInt32LE(ifindex, 4);
  return address;
}

/** struct sockaddr_in; raw sockets have no port. */
export function rawAddress(address: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt32BE(address, 4);
  return bytes;
}

/** Whole IPv4 frames that arrive on the device. Bound to ETH_P_IP and not to ETH_P_ALL, so that it never sees what it sent
 *  itself; frames for another MAC are seen, because a veth does not filter. Throws SysError. */
export function openFrameSocket(ifindex: number): number {
  const protocol = ((ETH_P_IP & 255) << 8) | (ETH_P_IP >>> 8);
  const fd = ffi.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  return prepared(fd, () => {
    ffi.bind(fd, linkAddress(ifindex));
    ffi.setsockoptInt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
  });
}

/** Protocol 4 to and from `local`; we write the outer header. Stays unconnected: an ICMP error on a connected socket
 *  would end it. Throws SysError; EADDRNOTAVAIL when the node has not got the address. */
export function openIpipSocket(local: number): number {
  const fd = ffi.socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IPIP);
  return prepared(fd, () => {
    ffi.bind(fd, rawAddress(local));
    ffi.setsockoptInt(fd, IPPROTO_IP, IP_HDRINCL, 1);
  });
}

function prepared(fd: number, prepare: () => void): number {
  try {
    prepare();
    enlarge(fd, SO_RCVBUFFORCE, SO_RCVBUF);
    enlarge(fd, SO_SNDBUFFORCE, SO_SNDBUF);
    return fd;
  } catch (error) {
    ffi.close(fd);
    throw error;
  }
}

/** Bursts wait in the kernel while JavaScript is busy. Without the privilege the kernel caps the size, which is all right. */
function enlarge(fd: number, force: number, plain: number): void {
  try {
    ffi.setsockoptInt(fd, SOL_SOCKET, force, BUFFER_BYTES);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    ffi.setsockoptInt(fd, SOL_SOCKET, plain, BUFFER_BYTES);
  }
}
