/** A message as plain JSON values: what is on the wire, and what is wrong with it. Pure: types. Stable: keys are only added.
 *  Addresses and prefixes are text, octets that nobody decodes are hex, absent is omitted. message.schema.json says the same
 *  to programs in other languages; a test holds the two together. */

/** What an octet string costs. RFC 7606 2: `discard` one attribute, `withdraw` the announced routes, `reset` the session. */
export interface FaultJson {
  readonly disposition: 'discard' | 'withdraw' | 'reset';
  /** Of the NOTIFICATION that RFC 4271 6 has for it, sent or not. */
  readonly code: number;
  readonly subcode: number;
  /** "UPDATE Message Error / Malformed AS_PATH" */
  readonly name: string;
  readonly text: string;
  /** "RFC 7606 7.2" */
  readonly section?: string;
  /** Of the message, from 0: where the fault is, or the field that it is in. */
  readonly octet: number;
  /** Type of the path attribute. */
  readonly attribute?: number;
}

/** One capability of an OPEN. */
export interface CapabilityJson {
  readonly code: number;
  readonly name: string;
  /** Absent where presence says all; its form depends on the code. */
  readonly value?: unknown;
  /** As on the wire, when nobody here knows or can read it. */
  readonly hex?: string;
}

/** One route. */
export interface NlriJson {
  readonly family: string;
  /** Where ADD-PATH was agreed. RFC 7911 3 */
  readonly pathId?: number;
  readonly prefix?: string;
  /** Labelled and VPN families. RFC 8277 2, RFC 4364 4 */
  readonly labels?: readonly number[];
  readonly rd?: string;
  /** Families that are not taken apart: the whole NLRI. */
  readonly hex?: string;
}

/** One path attribute: its flags, and its value or octets. */
export interface AttributeJson {
  readonly type: number;
  /** 'optional', 'transitive', 'partial', 'extended' */
  readonly flags: readonly string[];
  /** Octets of the value. */
  readonly length: number;
  /** Its form depends on the type; absent when it is malformed or nobody here knows it. */
  readonly value?: unknown;
  readonly hex?: string;
}

/** By name: origin, asPath, nextHop, …; `attribute77` for a type without one. Of several of a type the first. */
export type AttributesJson = Readonly<Record<string, AttributeJson>>;

interface Common {
  /** Octets, header included, as the header says. */
  readonly length: number;
  readonly faults: readonly FaultJson[];
}

/** An OPEN. */
export interface OpenJson extends Common {
  readonly type: 'open';
  readonly version?: number;
  /** The real one: out of the capability when there is one. */
  readonly asn?: number;
  /** The 2-octet field. */
  readonly myAs?: number;
  readonly holdTimeSec?: number;
  readonly bgpIdentifier?: string;
  readonly capabilities: readonly CapabilityJson[];
}

/** An UPDATE, with its faults. */
export interface UpdateJson extends Common {
  readonly type: 'update';
  readonly withdrawn: readonly NlriJson[];
  readonly nlri: readonly NlriJson[];
  readonly attributes: AttributesJson;
  /** Second and further ones of a type. RFC 7606 3 g */
  readonly repeated?: readonly AttributeJson[];
  /** The family. RFC 4724 2 */
  readonly endOfRib?: string;
  /** The strongest of the faults, or 'accept'. */
  readonly disposition: 'accept' | FaultJson['disposition'];
}

/** A NOTIFICATION, in words. */
export interface NotificationJson extends Common {
  readonly type: 'notification';
  readonly code: number;
  readonly subcode: number;
  readonly name: string;
  /** RFC 9003 2 */
  readonly shutdownText?: string;
  /** What a Hard Reset carries. RFC 8538 3.1 */
  readonly hardReset?: {
    readonly code: number;
    readonly subcode: number;
    readonly name: string;
    readonly shutdownText?: string;
  };
  readonly data?: string;
}

/** A KEEPALIVE. */
export interface KeepaliveJson extends Common {
  readonly type: 'keepalive';
}

/** A ROUTE-REFRESH. */
export interface RouteRefreshJson extends Common {
  readonly type: 'route-refresh';
  readonly family?: string;
  /** 'request', 'begin', 'end', or 'subtype 9'. RFC 7313 3.2 */
  readonly kind?: string;
  /** Outbound route filters, RFC 5291 4 */
  readonly orf?: string;
}

/** The header is so wrong that no message is in it. */
export interface UnreadableJson extends Common {
  readonly type: 'unreadable';
  readonly hex: string;
}

/** Any message; `type` tells which. */
export type MessageJson = OpenJson | UpdateJson | NotificationJson | KeepaliveJson | RouteRefreshJson | UnreadableJson;
