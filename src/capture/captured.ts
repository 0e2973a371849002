/** What a reader of captures hands on, whatever the file was. Pure: types. Readers are fed chunks and hold no more than one
 *  record and what TCP has out of order, both bounded; a file of any size goes through. */
import type { IpAddress } from '../base/ip.ts';
import type { UpdateContext } from '../bgp-js/update/update-context.ts';

/** The input is not what it says it is. `text` names the section of the format that says so. */
export interface CaptureFault {
  /** Octet of the input, from 0; behind gzip, of what was unpacked. */
  readonly offset: number;
  /** Of hex text: where a person looks, from 1. */
  readonly line?: number;
  readonly column?: number;
  readonly text: string;
}

/** One end of a session. A RIB or an MRT file of old may know the address only. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port?: number;
  readonly asn?: number;
}

/** Where the octets of a message lie in the input: it may have come in pieces. */
export type Place = (octet: number) => { readonly offset: number; readonly line?: number; readonly column?: number };

export interface Moment {
  /** Since 1970. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** Digits that the file's clock has behind the second: 0, 3, 6, 9. */
  readonly digits: number;
}

interface Origin {
  readonly place: Place;
  readonly time?: Moment;
  readonly from?: Endpoint;
  readonly to?: Endpoint;
}

/** How the reading context came about: told on the command line, learnt from the OPENs of the session or from the record's
 *  own subtype, guessed from the message itself, or the plain one of RFC 4271. */
export type ContextSource = 'told' | 'open' | 'record' | 'guess' | 'plain';

export interface CapturedMessage extends Origin {
  readonly kind: 'message';
  /** Marker and all; as long as its own length field says. */
  readonly bytes: Uint8Array;
  readonly context: UpdateContext;
  readonly contextFrom: ContextSource;
}

/** RFC 6396 4.4.1 */
export interface CapturedState extends Origin {
  readonly kind: 'state-change';
  readonly oldState: number;
  readonly newState: number;
}

export interface MrtPeer {
  readonly bgpIdentifier: number;
  readonly address: IpAddress;
  readonly asn: number;
}

/** RFC 6396 4.3.1 */
export interface CapturedPeers extends Origin {
  readonly kind: 'peer-index-table';
  readonly collector: number;
  readonly viewName: string;
  readonly peers: readonly MrtPeer[];
}

export interface RibEntry {
  readonly peerIndex: number;
  /** Undefined: the table has no such row, which is a fault of the file. */
  readonly peer?: MrtPeer;
  /** Seconds since 1970. */
  readonly originated: number;
  /** RFC 8050 4.2 */
  readonly pathId?: number;
  readonly attributes: Uint8Array;
  /** Of the first octet of `attributes` in the input. */
  readonly offset: number;
}

/** All that a RIB had for one prefix. RFC 6396 4.3.2 */
export interface CapturedRib extends Origin {
  readonly kind: 'rib';
  readonly sequence: number;
  /** familyKey */
  readonly family: number;
  /** One NLRI without path identifier, as on the wire. */
  readonly nlri: Uint8Array;
  readonly entries: readonly RibEntry[];
}

/** The input goes on being read, yet something of it is not shown: a gap in a TCP stream, a record of another kind. */
export interface CapturedNote extends Origin {
  readonly kind: 'note';
  readonly text: string;
  /** Not how it was captured, but what was sent or written is wrong. */
  readonly bad?: true;
}

/** The end: nothing behind it can be read. */
export interface CapturedFault {
  readonly kind: 'fault';
  readonly fault: CaptureFault;
}

export type Captured = CapturedMessage | CapturedState | CapturedPeers | CapturedRib | CapturedNote | CapturedFault;

/** One input, from the first chunk to the last. */
export interface CaptureReader {
  /** The chunk is not kept, and may be overwritten after the last of what it yields. */
  push(chunk: Uint8Array): Iterable<Captured>;
  /** The input ends here. */
  end(): Iterable<Captured>;
}

/** What the command line says about the session; undefined is left to be learnt or guessed. */
export interface ToldContext {
  readonly fourOctetAs?: boolean;
  readonly addPath?: boolean;
  readonly extendedMessages?: boolean;
  readonly ibgp?: boolean;
}
