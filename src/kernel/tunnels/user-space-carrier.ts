/** The last carrier of ipip: our own process moves the packets between tunl0-x and protocol-4 sockets. Not pure: sockets.
 *  About 100,000 packets a second and core. Nothing is forwarded while the process is down, though device and routes stay.
 *  The bytes are ipip-packet.ts, the sockets packet-sockets.ts, the devices ipip-pair.ts. */
import type { Timers } from '../../base/ports.ts';
import { EAGAIN, MSG_DONTWAIT } from '../../sys/constants.ts';
import { type FdSocket, openFdSocket } from '../../sys/fd-socket.ts';
import * as ffi from '../../sys/ffi.ts';
import { systemTimers } from '../../sys/time.ts';
import {
  decapsulate,
  dropReason,
  ETHERNET_BYTES,
  encapsulate,
  FRAME_AT,
  frameStart,
  moveVnetHeader,
  OUTER_BYTES,
  outerStart,
  VNET_BYTES,
} from './ipip-packet.ts';
import { openFrameSender, openFrameSocket, openIpipSocket, openOuterSocket, rawAddress } from './packet-sockets.ts';
import type { CarrierCounters } from './tunnel-types.ts';

export interface UserSpaceSpec {
  /** Of tunl0-x. */
  readonly ifindex: number;
  /** Of tunl0: what is written for another MAC counts as someone else's. */
  readonly mac: Uint8Array;
  readonly local: number;
  readonly remotes: ReadonlySet<number>;
}

export interface UserSpaceCarrier {
  /** Sockets are opened anew only when device or address changed. Throws SysError when they cannot be. */
  configure(spec: UserSpaceSpec): void;
  counters(): CarrierCounters;
  /** What broke the sockets, while they are broken. */
  fault(): string | undefined;
  close(): void;
}

/** Packets taken per wakeup: more would keep keepalives waiting, fewer would pay epoll too often. */
const DRAIN = 256;
/** The largest IPv4 packet, and what sockets put before it. */
const SLAB_BYTES = 65_535 + ETHERNET_BYTES + Math.max(FRAME_AT, VNET_BYTES);
const REOPEN_MS = [100, 500, 2000, 5000] as const;

const EMSGSIZE = 90;
/** Names for what happens; the rest go by the kernel's own. */
const SEND_FAULTS = new Map([
  [EAGAIN, 'send-buffer-full'],
  [EMSGSIZE, 'too-big-for-underlay'],
]);

interface Sockets {
  /** From tunl0, and to it. */
  readonly frames: FdSocket;
  readonly toFrames: number;
  /** From the other nodes, and to them. */
  readonly packets: FdSocket;
  readonly toPackets: number;
}

export function createUserSpaceCarrier(timers: Timers = systemTimers): UserSpaceCarrier {
  const slab = Buffer.allocUnsafe(SLAB_BYTES);
  const frameView = slab.subarray(FRAME_AT);
  const dropped = new Map<string, number>();
  const destinations = new Map<number, Uint8Array>();
  let spec: UserSpaceSpec | undefined;
  let sockets: Sockets | undefined;
  let fault: string | undefined;
  let attempts = 0;
  let cancelReopen = (): void => {};
  let txPackets = 0;
  let txBytes = 0;
  let rxPackets = 0;
  let rxBytes = 0;

  const drop = (reason: string): void => void dropped.set(reason, (dropped.get(reason) ?? 0) + 1);
  const refused = (errno: number): void => drop(SEND_FAULTS.get(errno) ?? ffi.errnoName(errno));

  /** The frame of n bytes in frameView goes out as an outer packet. */
  const transmit = (n: number, to: UserSpaceSpec, fd: number): void => {
    const length = encapsulate(slab, n, to.local, to.remotes);
    if (length < 0) {
      drop(dropReason(length));
      return;
    }
    const remote = slab.readUInt32BE(16);
    let address = destinations.get(remote);
    if (address === undefined) {
      address = rawAddress(remote);
      destinations.set(remote, address);
    }
    const sent = ffi.sendto(fd, slab, length, MSG_DONTWAIT, address);
    if (sent < 0) {
      refused(-sent);
      return;
    }
    txPackets++;
    txBytes += length - OUTER_BYTES;
  };

  /** What a packet socket received, n bytes in `bytes`, goes to tunl0 as a frame. */
  const receive = (bytes: Buffer, n: number, to: UserSpaceSpec, fd: number): void => {
    const at = outerStart(bytes, n, to.local);
    if (at === 0) {
      drop('malformed');
      return;
    }
    const outer = bytes.subarray(at);
    const start = frameStart(outer);
    const inner = decapsulate(outer, n - at, to.mac, to.remotes);
    if (inner < 0) {
      drop(dropReason(inner));
      return;
    }
    const frame = at + start;
    moveVnetHeader(bytes, frame, frame - VNET_BYTES);
    const sent = ffi.send(fd, bytes.subarray(frame - VNET_BYTES), VNET_BYTES + ETHERNET_BYTES + inner, MSG_DONTWAIT);
    if (sent < 0) {
      refused(-sent);
      return;
    }
    rxPackets++;
    rxBytes += inner;
  };

  const onFrames = (first: Buffer, length: number): void => {
    const now = spec;
    const open = sockets;
    if (now === undefined || open === undefined) return;
    attempts = 0; // it works again
    first.copy(frameView, 0, 0, length);
    transmit(length, now, open.toPackets);
    for (let i = 1; i < DRAIN; i++) {
      const n = ffi.recv(open.frames.fd, frameView, frameView.length, MSG_DONTWAIT);
      if (n <= 0) return; // EAGAIN; a real error comes to onLost by the next epoll
      transmit(n, now, open.toPackets);
    }
  };

  const onPackets = (first: Buffer, length: number): void => {
    const now = spec;
    const open = sockets;
    if (now === undefined || open === undefined) return;
    attempts = 0;
    receive(first, length, now, open.toFrames);
    for (let i = 1; i < DRAIN; i++) {
      const n = ffi.recv(open.packets.fd, slab, slab.length, MSG_DONTWAIT);
      if (n <= 0) return;
      receive(slab, n, now, open.toFrames);
    }
  };

  const closeSockets = (): void => {
    if (sockets === undefined) return;
    sockets.frames.close();
    sockets.packets.close();
    ffi.close(sockets.toFrames);
    ffi.close(sockets.toPackets);
    sockets = undefined;
  };

  const openSockets = (wanted: UserSpaceSpec): void => {
    const open: number[] = [];
    const kept = (fd: number): number => {
      open.push(fd);
      return fd;
    };
    try {
      const frames = kept(openFrameSocket(wanted.ifindex));
      const toFrames = kept(openFrameSender(wanted.ifindex));
      const packets = kept(openOuterSocket(wanted.local));
      const toPackets = kept(openIpipSocket(wanted.local));
      sockets = {
        frames: openFdSocket(frames, onFrames, onLost, SLAB_BYTES),
        toFrames,
        packets: openFdSocket(packets, onPackets, onLost, SLAB_BYTES),
        toPackets,
      };
      fault = undefined;
    } catch (error) {
      for (const fd of open) ffi.close(fd);
      throw error;
    }
  };

  /** tunl0-x went down or away (ENETDOWN), or the kernel ran short. Both sockets are opened anew, later and later. */
  const onLost = (error: Error): void => {
    closeSockets();
    fault = error.message;
    const wait = REOPEN_MS[Math.min(attempts++, REOPEN_MS.length - 1)] as number;
    cancelReopen();
    cancelReopen = timers.after(wait, () => {
      if (spec === undefined) return;
      try {
        openSockets(spec);
      } catch (again) {
        if (!(again instanceof ffi.SysError)) throw again;
        onLost(again);
      }
    });
  };

  return {
    configure: (wanted) => {
      const same = sockets !== undefined && spec?.ifindex === wanted.ifindex && spec.local === wanted.local;
      spec = wanted;
      destinations.clear();
      if (same) return;
      cancelReopen();
      closeSockets();
      openSockets(wanted);
    },
    counters: () => ({ txPackets, txBytes, rxPackets, rxBytes, dropped: Object.fromEntries(dropped) }),
    fault: () => fault,
    close: () => {
      spec = undefined;
      cancelReopen();
      closeSockets();
    },
  };
}
