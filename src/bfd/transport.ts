/** BFD over UDP: which sockets there are, and why a packet does not leave. Not pure. RFC 5881 4: port 3784, from a source port
 *  of the session's own in 49152..65535, TTL 255 both ways. A socket that cannot be had is tried again with each packet, so
 *  what was missing (an interface, an address, a port) may come later. */
import { formatIp } from '../base/ip.ts';
import type { Random } from '../base/ports.ts';
import type { Reason } from '../base/reason.ts';
import { MSG_DONTWAIT } from '../sys/constants.ts';
import * as ffi from '../sys/ffi.ts';
import type { BfdTarget } from './bfd-types.ts';
import { type Expected, receiveFilter, ttlFilter } from './receive-filter.ts';
import { openReceiver, type Receiver } from './receiver.ts';
import { BFD_PORT, type Family, familyOf, type SendingSocket, sendingSocket } from './sockets.ts';
import type { OnDatagram, Wire, WirePath } from './wire.ts';

interface Path extends Expected {
  readonly target: BfdTarget;
  readonly key: string;
  socket: SendingSocket | undefined;
}

/** One receiver for each. */
const keyOf = ({ address, interface: device }: BfdTarget): string => `${familyOf(address)} ${device ?? ''}`;

class UdpWire implements Wire {
  private readonly onDatagram: OnDatagram;
  private readonly random: Random;
  private readonly paths = new Set<Path>();
  private readonly receivers = new Map<string, Receiver & { readonly deviceIndex: number }>();

  constructor(onDatagram: OnDatagram, random: Random) {
    this.onDatagram = onDatagram;
    this.random = random;
  }

  open(target: BfdTarget, discriminator: number): WirePath {
    const key = keyOf(target);
    const path: Path = { target, address: target.address, discriminator, key, socket: undefined };
    this.paths.add(path);
    this.setFilters(familyOf(target.address));
    return {
      send: (bytes) => this.send(path, bytes),
      close: () => this.closePath(path),
    };
  }

  readWaiting(): void {
    for (const receiver of this.receivers.values()) receiver.drain();
  }

  close(): void {
    for (const path of [...this.paths]) this.closePath(path);
  }

  private closePath(path: Path): void {
    if (!this.paths.delete(path)) return;
    this.forgetSocket(path);
    if (![...this.paths].some((other) => other.key === path.key)) this.closeReceiver(path.key);
    this.setFilters(familyOf(path.address));
  }

  private closeReceiver(key: string): void {
    this.receivers.get(key)?.close();
    this.receivers.delete(key);
  }

  private send(path: Path, bytes: Uint8Array): Reason | undefined {
    if (!this.paths.has(path)) return undefined;
    const missing = ffi.ffiFault();
    if (missing !== undefined) return unavailable(missing);
    try {
      path.socket ??= sendingSocket(path.target, this.random);
      this.needReceiver(path, path.socket.device);
    } catch (error) {
      return faultOf(path.target, error);
    }
    const sent = ffi.sendto(path.socket.fd, bytes, bytes.length, MSG_DONTWAIT, path.socket.to);
    if (sent >= 0) return undefined;
    const code = ffi.errnoName(-sent);
    if (!PASSING.has(code)) this.forgetSocket(path);
    return { code: 'BFD_SEND_FAILED', text: `${nameOf(path.target)}: a packet could not be sent: ${code}` };
  }

  private forgetSocket(path: Path): void {
    if (path.socket !== undefined) ffi.close(path.socket.fd);
    path.socket = undefined;
  }

  /** A device that went and came back under its name is another one, and what is bound to the old one is deaf. */
  private needReceiver({ key, target }: Path, deviceIndex: number): void {
    if (this.receivers.get(key)?.deviceIndex === deviceIndex) return;
    this.closeReceiver(key);
    const family = familyOf(target.address);
    const beside = [...this.receivers].filter(([k]) => k.startsWith(family)).map(([, receiver]) => receiver.fd);
    const receiver = openReceiver(
      { family, device: target.interface },
      ttlFilter(family),
      beside,
      this.onDatagram,
      () => void this.receivers.delete(key),
    );
    this.receivers.set(key, { ...receiver, deviceIndex });
    this.setFilters(family);
  }

  private setFilters(family: Family): void {
    const expected = [...this.paths].filter((path) => familyOf(path.address) === family);
    const steps = receiveFilter(family, expected);
    for (const [key, receiver] of this.receivers)
      if (key.startsWith(family)) receiver.setFilter(steps, ttlFilter(family));
  }
}

export const udpWire =
  (random: Random) =>
  (onDatagram: OnDatagram): Wire =>
    new UdpWire(onDatagram, random);

/** The socket is not to blame. */
const PASSING: ReadonlySet<string> = new Set(['EAGAIN', 'ENOBUFS', 'ENOMEM', 'EPERM', 'ENETDOWN', 'EHOSTUNREACH']);

const nameOf = ({ address, interface: device }: BfdTarget): string =>
  device === undefined ? formatIp(address) : `${formatIp(address)} on ${device}`;

const unavailable = (why: string): Reason => ({
  code: 'BFD_UNAVAILABLE',
  text: `BFD needs the package koffi, which cannot be loaded: ${why}. Install it, or take bfd out of the peer.`,
});

function faultOf(target: BfdTarget, error: unknown): Reason {
  const name = nameOf(target);
  if (!(error instanceof ffi.SysError)) return { code: 'BFD_UNAVAILABLE', text: `${name}: ${String(error)}` };
  if (error.code === 'ENODEV')
    return { code: 'BFD_INTERFACE_UNAVAILABLE', text: `${name}: there is no interface "${target.interface}"` };
  if (error.code === 'EADDRINUSE')
    return {
      code: 'BFD_PORT_IN_USE',
      text: `${name}: another program has UDP port ${BFD_PORT} (ss -lunp 'sport = :${BFD_PORT}'): stop its BFD, or take bfd out of the peer`,
    };
  if (error.code === 'EADDRNOTAVAIL' && target.localAddress !== undefined)
    return {
      code: 'BFD_LOCAL_ADDRESS_UNAVAILABLE',
      text: `${name}: no interface has ${formatIp(target.localAddress)} (an IPv6 address is usable once duplicate detection is over)`,
    };
  return { code: 'BFD_SOCKET_FAILED', text: `${name}: ${error.message}` };
}
