/** What was captured as JSON values, one object each: the message of bgp-js/json with where, when and between whom in front.
 *  Pure. The schema is bgp-js/json/message.schema.json, definitions from `captured` on. */
import { formatIp } from '../base/ip.ts';
import { formatIpv4 } from '../base/ipv4.ts';
import { attributeName } from '../bgp-js/attributes/attribute-table.ts';
import { MALFORMED_LIST } from '../bgp-js/attributes/faults.ts';
import { attributesJson } from '../bgp-js/json/attribute-json.ts';
import { faultJson, sectionOf } from '../bgp-js/json/fault-json.ts';
import type { AttributesJson, FaultJson, MessageJson, NlriJson } from '../bgp-js/json/json-types.ts';
import { messageJson } from '../bgp-js/json/message-json.ts';
import { nlriJson } from '../bgp-js/json/nlri-json.ts';
import { familyName, familyOfKey } from '../bgp-js/wire/family.ts';
import type {
  Captured,
  CapturedMessage,
  CapturedPeers,
  CapturedRib,
  Endpoint,
  Moment,
  MrtPeer,
  Place,
  RibEntry,
} from './captured.ts';

export interface PlaceJson {
  readonly offset: number;
  readonly line?: number;
  readonly column?: number;
}
interface OriginJson extends PlaceJson {
  /** RFC 3339, UTC */
  readonly time?: string;
  readonly from?: EndpointJson;
  readonly to?: EndpointJson;
}
export interface EndpointJson {
  readonly address: string;
  readonly port?: number;
  readonly asn?: number;
}
/** A fault that also knows where it is in the input. */
export type PlacedFault = FaultJson & PlaceJson;

export interface ContextJson {
  readonly fourOctetAs: boolean;
  readonly addPath: readonly string[];
  readonly extendedMessages: boolean;
  readonly ibgp: boolean;
  readonly source: CapturedMessage['contextFrom'];
}

export type CapturedMessageJson = OriginJson &
  MessageJson & { readonly context?: ContextJson; readonly faults: readonly PlacedFault[] };

export interface StateChangeJson extends OriginJson {
  readonly type: 'state-change';
  readonly oldState: string;
  readonly newState: string;
}
export interface PeerJson {
  readonly address: string;
  readonly asn: number;
  readonly bgpIdentifier: string;
}
export interface PeersJson extends OriginJson {
  readonly type: 'peer-index-table';
  readonly collector: string;
  readonly viewName: string;
  readonly peers: readonly PeerJson[];
}
export interface RibEntryJson {
  readonly peerIndex: number;
  readonly peer?: PeerJson;
  readonly originated: string;
  readonly pathId?: number;
  readonly attributes: AttributesJson;
  readonly faults: readonly PlacedFault[];
}
export interface RibJson extends OriginJson {
  readonly type: 'rib';
  readonly sequence: number;
  readonly nlri: NlriJson;
  readonly entries: readonly RibEntryJson[];
}
export interface NoteJson extends OriginJson {
  readonly type: 'note';
  readonly text: string;
  readonly bad?: true;
}
export interface InputFaultJson extends PlaceJson {
  readonly type: 'fault';
  readonly text: string;
  readonly section?: string;
}
export type CapturedJson = CapturedMessageJson | StateChangeJson | PeersJson | RibJson | NoteJson | InputFaultJson;

export function capturedJson(captured: Captured): CapturedJson {
  switch (captured.kind) {
    case 'message':
      return messageOf(captured);
    case 'state-change': {
      const { oldState, newState } = captured;
      return {
        type: 'state-change',
        ...origin(captured),
        oldState: stateName(oldState),
        newState: stateName(newState),
      };
    }
    case 'peer-index-table':
      return peersOf(captured);
    case 'rib':
      return ribOf(captured);
    case 'note':
      return { type: 'note', ...origin(captured), text: captured.text, ...(captured.bad && { bad: captured.bad }) };
    default: {
      const { text, ...place } = captured.fault;
      const section = sectionOf(text);
      return { type: 'fault', ...place, text, ...(section !== undefined && { section }) };
    }
  }
}

function messageOf(captured: CapturedMessage): CapturedMessageJson {
  const { context, contextFrom, place, bytes } = captured;
  const message = messageJson(bytes, context);
  const shown = {
    fourOctetAs: context.fourOctetAs,
    addPath: [...context.addPath].map((key) => familyName(familyOfKey(key))),
    extendedMessages: context.maxMessageLength > 4096,
    ibgp: context.ibgp,
    source: contextFrom,
  };
  // What it is comes first, then where from: a person who reads a line sees both at once.
  const head = { type: message.type, ...origin(captured), ...(message.type === 'update' && { context: shown }) };
  return { ...head, ...message, faults: message.faults.map((f) => ({ ...f, ...place(f.octet) })) };
}

function peersOf(captured: CapturedPeers): PeersJson {
  return {
    type: 'peer-index-table',
    ...origin(captured),
    collector: formatIpv4(captured.collector),
    viewName: captured.viewName,
    peers: captured.peers.map(peerJson),
  };
}

const peerJson = ({ address, asn, bgpIdentifier }: MrtPeer): PeerJson => ({
  address: formatIp(address),
  asn,
  bgpIdentifier: formatIpv4(bgpIdentifier),
});

function ribOf(captured: CapturedRib): RibJson {
  return {
    type: 'rib',
    ...origin(captured),
    sequence: captured.sequence,
    nlri: nlriJson(captured.nlri, 0, captured.nlri.length, captured.family, undefined),
    entries: captured.entries.map(entryJson),
  };
}

function entryJson(entry: RibEntry): RibEntryJson {
  // RFC 6396 4.3.4: AS numbers have four octets, whatever the session had.
  const view = { fourOctetAs: true, abbreviatedReach: true };
  const { attributes, stopped, malformed } = attributesJson(entry.attributes, 0, entry.attributes.length, view);
  const faults: FaultJson[] = [];
  if (entry.peer === undefined)
    faults.push(
      faultJson('discard', 0, 0, `peer ${entry.peerIndex} is not in the peer index table (RFC 6396 4.3.4)`, 0),
    );
  for (const { type, at, from, to } of malformed) {
    const text = `${attributeName(type)} of ${to - from} octets is malformed`;
    faults.push(faultJson('withdraw', 3, MALFORMED_LIST, text, at, type));
  }
  if (stopped < entry.attributes.length)
    faults.push(
      faultJson(
        'withdraw',
        3,
        MALFORMED_LIST,
        'an attribute runs past the end of the attributes (RFC 7606 4)',
        stopped,
      ),
    );
  return {
    peerIndex: entry.peerIndex,
    ...(entry.peer && { peer: peerJson(entry.peer) }),
    originated: timeText({ seconds: entry.originated, nanoseconds: 0, digits: 0 }),
    ...(entry.pathId !== undefined && { pathId: entry.pathId }),
    attributes,
    faults: faults.map((f) => ({ ...f, offset: entry.offset + f.octet })),
  };
}

function origin(captured: { place: Place; time?: Moment; from?: Endpoint; to?: Endpoint }): OriginJson {
  const { place, time, from, to } = captured;
  return {
    ...place(0),
    ...(time && { time: timeText(time) }),
    ...(from && { from: endpoint(from) }),
    ...(to && { to: endpoint(to) }),
  };
}

const endpoint = ({ address, port, asn }: Endpoint): EndpointJson => ({
  address: formatIp(address),
  ...(port !== undefined && { port }),
  ...(asn !== undefined && { asn }),
});

/** With as many digits as the clock had. */
export function timeText({ seconds, nanoseconds, digits }: Moment): string {
  const fraction = digits === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').slice(0, digits)}`;
  return `${wholeSeconds(seconds)}${fraction}Z`;
}

/** What a Date can hold. */
const MAX_SECONDS = 8_640_000_000_000;
/** Captures have many records a second: the last one's text is kept. */
let last = { seconds: 0, text: '1970-01-01T00:00:00' };
function wholeSeconds(seconds: number): string {
  if (last.seconds !== seconds)
    last = { seconds, text: new Date(Math.min(seconds, MAX_SECONDS) * 1000).toISOString().slice(0, -5) };
  return last.text;
}

/** RFC 6396 4.4.1 and 4.4 (IANA's FSM numbers) */
const STATES = ['', 'Idle', 'Connect', 'Active', 'OpenSent', 'OpenConfirm', 'Established', 'Clearing', 'Deleted'];
const stateName = (state: number): string => STATES[state] || `state ${state}`;
