/** The sockets of a user-space carrier: frames of one device, in and out, and IP protocol 4 of one address, in and out. Not
 *  pure: system calls. All are opened in the namespace of the calling thread.
 *
 *  The outer packets come from a packet socket and not from the raw one, because between two nodes of one machine a packet is
 *  often not finished: a veth hands over 64 KB of TCP in one piece, without checksum, and a network card's GRO makes such pieces
 *  too. A raw socket would hide that; PACKET_VNET_HDR says in ten bytes what is missing, and takes it again when we send on. */

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
} from '../../sys/constants.ts';
import * as ffi from '../../sys/ffi.ts';
import { SysError } from '../../sys/ffi.ts';
import {
  ALL_OF_IT,
  attachFilter,
  JUMP_EQUAL,
  LOAD_BYTE,
  LOAD_WORD,
  NETWORK,
  NOTHING,
  PACKET_TYPE,
} from '../../sys/socket-filter.ts';

const ETH_P_IP = 0x0800;
const IPPROTO_IPIP = 4;
const IPPROTO_IP = 0;
const IP_HDRINCL = 3;
const SOL_PACKET = 263;
const PACKET_QDISC_BYPASS = 20;
const PACKET_VNET_HDR = 15;
const PACKET_HOST = 0;
const BUFFER_BYTES = 8 << 20;

/** struct sockaddr_ll of a device, or with 0 of all: enough to bind. Protocol 0 receives nothing. */
function linkAddress(ifindex: number, protocol: number): Uint8Array {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
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
    ffi.bind(fd, linkAddress(ifindex, ETH_P_IP));
    ffi.setsockoptInt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
  });
}

/** Frames to the device, each after a virtio_net_hdr. Throws SysError. */
export function openFrameSender(ifindex: number): number {
  const fd = ffi.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return prepared(fd, () => {
    ffi.setsockoptInt(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    ffi.setsockoptInt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
    ffi.bind(fd, linkAddress(ifindex, 0));
  });
}

/** Protocol 4 to `local` from any device, each after a virtio_net_hdr and its device's own header. Fragments come as they are.
 *  Born without protocol, so that nothing comes before the filter. Throws SysError. */
export function openOuterSocket(local: number): number {
  const fd = ffi.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return prepared(fd, () => {
    attachFilter(fd, [
      [LOAD_BYTE, 0, 0, PACKET_TYPE],
      [JUMP_EQUAL, 0, 5, PACKET_HOST],
      [LOAD_BYTE, 0, 0, NETWORK + 9],
      [JUMP_EQUAL, 0, 3, IPPROTO_IPIP],
      [LOAD_WORD, 0, 0, NETWORK + 16],
      [JUMP_EQUAL, 0, 1, local],
      ALL_OF_IT,
      NOTHING,
    ]);
    ffi.setsockoptInt(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
    ffi.bind(fd, linkAddress(0, ETH_P_IP));
  });
}

/** Protocol 4 from `local`; we write the outer header. Receives nothing, but as long as it is there the kernel does not answer
 *  "protocol unreachable". Stays unconnected: an ICMP error on a connected socket would end it. Throws SysError;
 *  EADDRNOTAVAIL when the node has not got the address. */
export function openIpipSocket(local: number): number {
  const fd = ffi.socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IPIP);
  return prepared(fd, () => {
    attachFilter(fd, [NOTHING]);
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
