/** An OPEN as JSON, capability by capability in the order of the wire. Pure. RFC 4271 4.2, RFC 5492, RFC 9072.
 *  What a field alone can be wrong in is judged here; what two OPENs make of each other is session/negotiate.ts. */
import { Reader, ShortRead } from '../../base/bytes.ts';
import { formatIpv4 } from '../../base/ipv4.ts';
import { type Capabilities, capabilityName, readCapabilities } from '../wire/capabilities.ts';
import { familyName } from '../wire/family.ts';
import { HEADER_LENGTH } from '../wire/message.ts';
import { decodeOpen } from '../wire/open.ts';
import { roleOfValue } from '../wire/role.ts';
import { faultJson, resetJson } from './fault-json.ts';
import { toHex } from './hex.ts';
import type { CapabilityJson, FaultJson, OpenJson } from './json-types.ts';

const CAPABILITIES = 2;
const EXTENDED = 255;
const VERSION_AT = HEADER_LENGTH;
const MY_AS_AT = HEADER_LENGTH + 1;
const HOLD_TIME_AT = HEADER_LENGTH + 3;
const IDENTIFIER_AT = HEADER_LENGTH + 5;
const PARAMETERS_AT = HEADER_LENGTH + 9;

interface Walked {
  readonly capabilities: CapabilityJson[];
  /** Where the walk stopped, or what it did not know: the octet a fault is at. */
  stopped: number;
}

/** `bytes` is a framed OPEN, header included, of 29 octets at least. */
export function openJson(bytes: Uint8Array): OpenJson {
  const r = new Reader(bytes, VERSION_AT);
  const version = r.u8();
  const myAs = r.u16();
  const holdTimeSec = r.u16();
  const identifier = r.u32();
  const walked: Walked = { capabilities: [], stopped: PARAMETERS_AT };
  const open = decodeOpen(bytes, 0, bytes.length);
  if (version === 4) walk(bytes, walked);
  const faults: FaultJson[] = open.ok ? [] : [resetJson(open.error, faultAt(open.error.subcode, walked))];
  if (open.ok) faults.push(...fieldFaults(myAs, open.value.capabilities.fourOctetAsn, holdTimeSec, identifier));
  const asn = open.ok ? (open.value.capabilities.fourOctetAsn ?? myAs) : myAs;
  return {
    type: 'open',
    length: bytes.length,
    version,
    asn,
    myAs,
    holdTimeSec,
    bgpIdentifier: formatIpv4(identifier),
    capabilities: walked.capabilities,
    faults,
  };
}

const faultAt = (subcode: number, walked: Walked): number => (subcode === 1 ? VERSION_AT : walked.stopped);

function fieldFaults(myAs: number, asn: number | undefined, holdTimeSec: number, identifier: number): FaultJson[] {
  const faults: FaultJson[] = [];
  const wrong = (subcode: number, text: string, octet: number): void => {
    faults.push(faultJson('reset', 2, subcode, text, octet));
  };
  if (myAs === 0 || asn === 0) wrong(2, 'AS 0 (RFC 7607 2)', MY_AS_AT);
  if (holdTimeSec === 1 || holdTimeSec === 2)
    wrong(6, `hold time ${holdTimeSec} is not 0 or at least 3 (RFC 4271 4.2)`, HOLD_TIME_AT);
  if (identifier === 0) wrong(3, 'BGP identifier 0.0.0.0 (RFC 6286 2.1)', IDENTIFIER_AT);
  return faults;
}

/** Goes as far as the lengths add up. */
function walk(bytes: Uint8Array, walked: Walked): void {
  const r = new Reader(bytes, PARAMETERS_AT);
  try {
    let length = r.u8();
    const extended = length > 0 && r.left >= 3 && bytes[r.position] === EXTENDED;
    if (extended) {
      r.u8();
      length = r.u16();
    }
    const end = r.position + length;
    const parameters = r.sub(length);
    while (parameters.left > 0) {
      walked.stopped = parameters.position;
      const type = parameters.u8();
      const body = parameters.sub(extended ? parameters.u16() : parameters.u8());
      if (type !== CAPABILITIES) return;
      while (body.left > 0) {
        walked.stopped = body.position;
        const code = body.u8();
        const value = body.view(body.u8());
        const shown = capabilityJson(code, value);
        walked.capabilities.push(shown);
        // A fault of the first one that cannot be read is this one's.
        if (shown.hex !== undefined && shown.name !== `capability ${code}`) return;
      }
    }
    walked.stopped = r.left > 0 ? end : PARAMETERS_AT;
  } catch (error) {
    if (!(error instanceof ShortRead)) throw error;
  }
}

/** One instance alone. */
function capabilityJson(code: number, value: Uint8Array): CapabilityJson {
  const read: Capabilities = {};
  const tlv = new Uint8Array(2 + value.length);
  tlv.set([code, value.length]);
  tlv.set(value, 2);
  const known = { code, name: capabilityName(code) };
  let fault: unknown;
  try {
    fault = readCapabilities(new Reader(tlv), read);
  } catch (error) {
    if (!(error instanceof ShortRead)) throw error;
    fault = error;
  }
  if (fault !== undefined || read.unknown !== undefined)
    return { ...known, name: OTHERS[code] ?? known.name, hex: toHex(value) };
  const shown = VALUES.map((show) => show(read)).find((v) => v !== undefined);
  return shown === undefined ? known : { ...known, value: shown };
}

/** Capabilities without a row in wire/capabilities.ts, by IANA's registry. */
const OTHERS: Readonly<Record<number, string>> = {
  3: 'outbound route filtering',
  4: 'multiple routes to a destination (deprecated)',
  7: 'BGPsec',
  8: 'multiple labels',
  67: 'dynamic capability',
  68: 'multisession',
  72: 'routing policy distribution',
  74: 'BFD strict mode',
  75: 'software version',
  76: 'paths limit',
  77: 'link-local next hop',
  128: 'route refresh (Cisco)',
  129: 'route refresh of ORF (Cisco)',
  130: 'outbound route filtering (Cisco)',
  131: 'multisession (Cisco)',
};

const named = <T extends { afi: number; safi: number }>(item: T): { family: string } & Omit<T, 'afi' | 'safi'> => {
  const { afi, safi, ...rest } = item;
  return { family: familyName({ afi, safi }), ...rest };
};

/** Each shows its own field of what one capability was read into. */
const VALUES: readonly ((c: Capabilities) => unknown)[] = [
  (c) => c.multiprotocol?.map(named)[0],
  (c) =>
    c.extendedNextHop?.map(({ nextHopAfi, ...family }) => ({
      ...named(family),
      nextHop: NEXT_HOPS[nextHopAfi] ?? `afi ${nextHopAfi}`,
    })),
  (c) => c.gracefulRestart && { ...c.gracefulRestart, families: c.gracefulRestart.families.map(named) },
  (c) => c.fourOctetAsn,
  (c) => c.addPath?.map(named),
  (c) => c.longLivedGracefulRestart?.map(named),
  (c) => c.roles?.map((role) => roleOfValue(role) ?? `role ${role}`)[0],
  (c) => c.hostName,
];
const NEXT_HOPS: Readonly<Record<number, string>> = { 1: 'ipv4', 2: 'ipv6' };
