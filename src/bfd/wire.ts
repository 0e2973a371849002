/** The port between sessions and sockets. Pure: types. transport.ts is the real one, tests have channels. */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { BfdTarget } from './bfd-types.ts';

/** What came: UDP payload, valid during the call, and where from. The device is known for a link-local source, and where the
 *  path is bound to one. */
export type OnDatagram = (bytes: Uint8Array, length: number, from: IpAddress, device: string | undefined) => void;

export interface Wire {
  /** To one neighbour and from it, on one source port for ever. Its sockets are made when they are needed, so that a path whose
   *  interface is not there yet comes by itself. */
  open(target: BfdTarget, discriminator: number): WirePath;
  /** Hands on all that has arrived and waits. */
  readWaiting(): void;
  close(): void;
}

export interface WirePath {
  /** Undefined: it is on its way. Else why not; the next call tries again. */
  send(bytes: Uint8Array): Reason | undefined;
  close(): void;
}
