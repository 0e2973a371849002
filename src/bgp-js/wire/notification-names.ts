/** Codes and subcodes of NOTIFICATION, their names, and what their data says in words. Pure. RFC 4271 4.5 and 6, 4486, 5492,
 *  6608, 7313, 8538, 9003, 9234, 9384, 9687, with the registry's words. A new subcode is a new line of NAMES. */
import { capabilityName } from './capabilities.ts';
import { familyName } from './family.ts';

interface CodeRow {
  readonly name: string;
  readonly subcodes: Readonly<Record<number, string>>;
}

const NAMES: Readonly<Record<number, CodeRow>> = {
  1: {
    name: 'Message Header Error',
    subcodes: { 1: 'Connection Not Synchronized', 2: 'Bad Message Length', 3: 'Bad Message Type' },
  },
  2: {
    name: 'OPEN Message Error',
    subcodes: {
      1: 'Unsupported Version Number',
      2: 'Bad Peer AS',
      3: 'Bad BGP Identifier',
      4: 'Unsupported Optional Parameter',
      5: 'Authentication Failure (deprecated)',
      6: 'Unacceptable Hold Time',
      7: 'Unsupported Capability',
      8: 'Deprecated',
      11: 'Role Mismatch',
    },
  },
  3: {
    name: 'UPDATE Message Error',
    subcodes: {
      1: 'Malformed Attribute List',
      2: 'Unrecognized Well-known Attribute',
      3: 'Missing Well-known Attribute',
      4: 'Attribute Flags Error',
      5: 'Attribute Length Error',
      6: 'Invalid ORIGIN Attribute',
      7: 'AS Routing Loop (deprecated)',
      8: 'Invalid NEXT_HOP Attribute',
      9: 'Optional Attribute Error',
      10: 'Invalid Network Field',
      11: 'Malformed AS_PATH',
    },
  },
  4: { name: 'Hold Timer Expired', subcodes: {} },
  5: {
    name: 'Finite State Machine Error',
    subcodes: {
      1: 'Receive Unexpected Message in OpenSent State',
      2: 'Receive Unexpected Message in OpenConfirm State',
      3: 'Receive Unexpected Message in Established State',
    },
  },
  6: {
    name: 'Cease',
    subcodes: {
      1: 'Maximum Number of Prefixes Reached',
      2: 'Administrative Shutdown',
      3: 'Peer De-configured',
      4: 'Administrative Reset',
      5: 'Connection Rejected',
      6: 'Other Configuration Change',
      7: 'Connection Collision Resolution',
      8: 'Out of Resources',
      9: 'Hard Reset',
      10: 'BFD Down',
    },
  },
  7: { name: 'ROUTE-REFRESH Message Error', subcodes: { 1: 'Invalid Message Length' } },
  8: { name: 'Send Hold Timer Expired', subcodes: {} },
};

/** "Cease / Administrative Shutdown"; numbers stand where there is no name. Subcode 0 is "unspecific" and left out. */
export function notificationName(code: number, subcode: number): string {
  const row = NAMES[code];
  const name = row?.name ?? `code ${code}`;
  return subcode === 0 ? name : `${name} / ${row?.subcodes[subcode] ?? `subcode ${subcode}`}`;
}

const u16 = (data: Uint8Array, at: number): number => ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);

const MESSAGES = ['', 'OPEN', 'UPDATE', 'NOTIFICATION', 'KEEPALIVE', 'ROUTE-REFRESH'];
const messageType = (data: Uint8Array): string | undefined =>
  data.length === 1 ? MESSAGES[data[0] ?? 0] || `message type ${data[0]}` : undefined;
/** The attribute as it was: flags, type and the rest. */
const attribute = (data: Uint8Array): string | undefined =>
  data.length >= 2 ? `attribute type ${data[1]}` : undefined;

/** By code and subcode; undefined where the data is not what the RFC says. */
const DATA: Readonly<Record<string, (data: Uint8Array) => string | undefined>> = {
  '1/2': (data) => (data.length === 2 ? `length ${u16(data, 0)}` : undefined),
  '1/3': (data) => (data.length === 1 ? `type ${data[0]}` : undefined),
  '2/1': (data) => (data.length === 2 ? `it speaks version ${u16(data, 0)}` : undefined),
  '2/7': capabilities,
  '3/2': attribute,
  '3/3': (data) => (data.length === 1 ? `attribute type ${data[0]}` : undefined),
  '3/4': attribute,
  '3/5': attribute,
  '3/6': attribute,
  '3/8': attribute,
  '3/9': attribute,
  '5/1': messageType,
  '5/2': messageType,
  '5/3': messageType,
  '6/1': maximum,
};

/** RFC 5492 5: as in an OPEN. */
function capabilities(data: Uint8Array): string | undefined {
  const names: string[] = [];
  for (let at = 0; at + 2 <= data.length && names.length < 16; at += 2 + (data[at + 1] ?? 0)) {
    const code = data[at] ?? 0;
    const family = { afi: u16(data, at + 2), safi: data[at + 5] ?? 0 };
    const whole = code === 1 && data[at + 1] === 4 && at + 6 <= data.length;
    names.push(whole ? `${capabilityName(code)} ${familyName(family)}` : capabilityName(code));
  }
  return names.length === 0 ? undefined : names.join(', ');
}

/** RFC 4486 4: AFI (2), SAFI (1), upper bound (4) */
function maximum(data: Uint8Array): string | undefined {
  if (data.length !== 7) return undefined;
  const limit = u16(data, 3) * 65536 + u16(data, 5);
  return `${familyName({ afi: u16(data, 0), safi: data[2] ?? 0 })}, at most ${limit}`;
}

/** What the data of a NOTIFICATION says; undefined when nothing. The shutdown text is shutdown.ts. */
export const explainData = (code: number, subcode: number, data: Uint8Array): string | undefined =>
  data.length === 0 ? undefined : DATA[`${code}/${subcode}`]?.(data);
