/** OPEN, bytes <-> value. Pure. RFC 4271 4.2 and 6.2, optional parameters also in the long form of RFC 9072.
 *  What two OPENs agree on is negotiate.ts; this file judges one alone. */
import { Reader, ShortRead, Writer } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import { type Ipv4, ipv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type Capabilities, encodeCapabilities, readCapabilities } from './capabilities.ts';
import { type BgpError, bgpError } from './error.ts';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, message, OPEN } from './message.ts';

const VERSION = 4;
/** Stands in the 2-octet field for an AS number that does not fit. RFC 6793 */
export const AS_TRANS = 23456;

const PARAMETER_CAPABILITIES = 2;
const PARAMETER_EXTENDED = 255;

/** What an OPEN says. RFC 4271 4.2 */
export interface OpenMessage {
  /** The 2-octet field as it is: AS_TRANS when the number is in the capability. */
  readonly myAs: number;
  readonly holdTimeSec: number;
  readonly bgpIdentifier: Ipv4;
  readonly capabilities: Capabilities;
}

/** Decodes a framed OPEN, header included. Faults: 2/1 with our version, 2/4, and 2/0 for lengths that do not add up. */
export function decodeOpen(bytes: Uint8Array, start: number, end: number): Result<OpenMessage, BgpError> {
  try {
    const r = new Reader(bytes, start + HEADER_LENGTH, end);
    const version = r.u8();
    if (version !== VERSION)
      return err(bgpError(2, 1, `BGP version ${version}; we speak 4 (RFC 4271 6.2)`, new Uint8Array([0, VERSION])));
    const myAs = r.u16();
    const holdTimeSec = r.u16();
    const bgpIdentifier = ipv4(r.u32());
    const capabilities = readParameters(r);
    return capabilities.ok ? ok({ myAs, holdTimeSec, bgpIdentifier, capabilities: capabilities.value }) : capabilities;
  } catch (e) {
    if (!(e instanceof ShortRead)) throw e;
    return err(bgpError(2, 0, `an OPEN of ${end - start} octets is shorter than its own lengths say (RFC 4271 4.2)`));
  }
}

function readParameters(r: Reader): Result<Capabilities, BgpError> {
  let length = r.u8();
  // RFC 9072 2: the first parameter's type tells the long form, whatever stands in the length octet (but 0).
  const extended = length > 0 && r.left >= 3 && r.bytes[r.position] === PARAMETER_EXTENDED;
  if (extended) {
    r.u8();
    length = r.u16();
  }
  const parameters = r.sub(length);
  if (r.left > 0) return err(bgpError(2, 0, `${r.left} octets behind the optional parameters of the OPEN`));
  const capabilities = {};
  while (parameters.left > 0) {
    const type = parameters.u8();
    const body = parameters.sub(extended ? parameters.u16() : parameters.u8());
    if (type !== PARAMETER_CAPABILITIES)
      return err(bgpError(2, 4, `optional parameter ${type} is unknown (RFC 4271 6.2)`));
    const fault = readCapabilities(body, capabilities);
    if (fault !== undefined) return err(fault);
  }
  return ok(capabilities);
}

/** All capabilities in one parameter: every known receiver takes that. More than 255 octets take the long form, which a
 *  receiver without RFC 9072 will refuse, so it is used for nothing less. More than an OPEN of 4096 octets holds is our own
 *  mistake. */
export function encodeOpen(open: OpenMessage): Uint8Array {
  const w = new Writer(64);
  w.u8(VERSION);
  w.u16(open.myAs);
  w.u16(open.holdTimeSec);
  w.u32(open.bgpIdentifier);
  const capabilities = encodeCapabilities(open.capabilities);
  const { length } = capabilities;
  if (length === 0) w.u8(0);
  else if (length + 2 <= 0xff) {
    w.u8(length + 2);
    w.u8(PARAMETER_CAPABILITIES);
    w.u8(length);
  } else {
    w.u8(0xff); // RFC 9072 2: length octet and type octet that mean "look behind"
    w.u8(PARAMETER_EXTENDED);
    w.u16(length + 3);
    w.u8(PARAMETER_CAPABILITIES);
    w.u16(length);
  }
  w.bytes(capabilities);
  invariant(
    HEADER_LENGTH + w.length <= MAX_MESSAGE_LENGTH,
    `an OPEN with ${length} octets of capabilities is too long`,
  );
  return message(OPEN, w.view());
}
