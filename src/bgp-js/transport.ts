/** TCP for sessions: the one file of bgp-js that does I/O. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Connection, Transport } from './session-types.ts';

export declare const tcpTransport: Transport;

export interface ListenOptions {
  readonly address: Ipv4;
  readonly port: number;
  readonly onConnection: (connection: Connection) => void;
  /** A connection from any other address is closed on accept. */
  readonly accepts: (remote: Ipv4) => boolean;
}
export interface BgpListener {
  /** The bound port: of use when 0 was asked for. */
  readonly port: number;
  /** Sets or, with undefined, removes the TCP MD5 key of a peer; connections it has are not touched. Throws SysError. RFC 2385 */
  setPassword(peer: Ipv4, key: string | undefined): void;
  close(): void;
}
export declare function listenBgp(options: ListenOptions): Promise<BgpListener>;
