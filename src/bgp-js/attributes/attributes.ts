/** Path attributes, bytes -> values; the way back is encode-attributes.ts. Pure. RFC 4271 4.3 and 5; faults as RFC 7606 3 and 7.
 *  The walk finds attributes, checks flags, duplicates and lengths; what each means is its row in attribute-table.ts. */
import { Reader } from '../../base/bytes.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { AS_TRANS } from '../wire/open.ts';
import { mergeAs4Path } from './as-path.ts';
import type { AttributeParams } from './attribute-params.ts';
import {
  type AttributeRow,
  type DecodedBlock,
  FLAG_EXTENDED,
  FLAG_OPTIONAL,
  FLAG_PARTIAL,
  FLAG_TRANSITIVE,
  type Key,
  type RowFault,
} from './attribute-row.ts';
import { ATTRIBUTES } from './attribute-table.ts';
import type { Ipv4Attributes, PathAttributes, RawAttribute } from './attribute-types.ts';
import {
  type AttributeFault,
  attributeData,
  type Disposition,
  type FaultAction,
  Faults,
  FLAGS_ERROR,
  MALFORMED_LIST,
  MISSING_WELL_KNOWN,
  malformedList,
  OPTIONAL_ERROR,
  UNRECOGNISED_WELL_KNOWN,
} from './faults.ts';

export type { AttributeParams } from './attribute-params.ts';
export { encodeAttributes } from './encode-attributes.ts';
export type { AttributeFault, Disposition } from './faults.ts';

/** An attribute block as values, with what was wrong in it and what that asks for. RFC 7606 2 */
export interface DecodedAttributes<A extends PathAttributes = PathAttributes> {
  /** Present exactly when the disposition is accept or discard and routes are announced. */
  readonly attributes?: A;
  /** The first few: a hostile block could hold a thousand. */
  readonly faults: readonly AttributeFault[];
  /** discard: the routes are good, an attribute was dropped. withdraw: treat the NLRI as withdrawn. reset: end with `error`. */
  readonly disposition: Disposition;
  readonly error?: BgpError;
}

/** Where the announced routes of an UPDATE are: in its NLRI field (then NEXT_HOP is mandatory), in MP_REACH_NLRI, in both, or
 *  there are none (then nothing is mandatory). */
export type RoutesIn = 'nlri' | 'mp' | 'both' | 'none';

const MAX_UNKNOWN = 32;
const FLAG_KIND = FLAG_OPTIONAL | FLAG_TRANSITIVE;
const NEXT_HOP = 3;
const AS4_PATH = 17;
const AS4_AGGREGATOR = 18;
const ROWS = new Map<number, AttributeRow>(ATTRIBUTES.map((row) => [row.type, row]));

/** What the walk has found so far. */
class Walk {
  readonly block: { -readonly [K in keyof PathAttributes]?: PathAttributes[K] } = {};
  /** What stands beside it and goes in at the end. */
  as4Path: DecodedBlock['as4Path'];
  as4Aggregator: DecodedBlock['as4Aggregator'];
  readonly unknown: RawAttribute[] = [];
  readonly partial: number[] = [];
  readonly faults = new Faults();
  /** The types so far: one bit each, those above 31 in the second, and above 63 as numbers. */
  private seenLow = 0;
  private seenHigh = 0;
  private seenAbove: Set<number> | undefined;
  readonly params: AttributeParams;
  readonly routes: RoutesIn;
  readonly bytes: Uint8Array;
  readonly start: number;
  // The attribute at hand.
  type = 0;
  flags = 0;
  at = 0;
  end = 0;

  constructor(bytes: Uint8Array, start: number, params: AttributeParams, routes: RoutesIn) {
    this.bytes = bytes;
    this.start = start;
    this.params = params;
    this.routes = routes;
  }
  keep(key: Key, value: DecodedBlock[Key]): void {
    if (key === 'as4Path') this.as4Path = value as DecodedBlock['as4Path'];
    else if (key === 'as4Aggregator') this.as4Aggregator = value as DecodedBlock['as4Aggregator'];
    // The row's types tie key and value together.
    else (this.block as Record<string, unknown>)[key] = value;
  }
  /** True from the second time on. */
  again(type: number): boolean {
    const bit = 1 << (type & 31);
    if (type < 32) {
      const seen = (this.seenLow & bit) !== 0;
      this.seenLow |= bit;
      return seen;
    }
    if (type < 64) {
      const seen = (this.seenHigh & bit) !== 0;
      this.seenHigh |= bit;
      return seen;
    }
    this.seenAbove ??= new Set();
    const seen = this.seenAbove.has(type);
    this.seenAbove.add(type);
    return seen;
  }
  fault(action: FaultAction, subcode: number, text: string): void {
    const at = this.at - this.start;
    if (action !== 'reset') this.faults.add(this.type, action, subcode, text, at);
    else this.faults.reset(this.type, this.error(subcode, text), at);
  }
  private error(subcode: number, text: string): BgpError {
    return subcode === MALFORMED_LIST
      ? malformedList(text)
      : bgpError(3, subcode, text, attributeData(this.bytes, this.at, this.end));
  }
}

/** Decodes the attributes of an UPDATE with IPv4 NLRI; one without routes needs no call. Never throws, whatever the bytes. */
export const decodeAttributes = (
  bytes: Uint8Array,
  start: number,
  end: number,
  params: AttributeParams,
): DecodedAttributes<Ipv4Attributes> =>
  // Of routes in the NLRI field there are no attributes without a next hop: complete() sees to it.
  decodeAttributesOf(bytes, start, end, params, 'nlri') as DecodedAttributes<Ipv4Attributes>;

/** The same wherever the routes are. Of routes in MP_REACH_NLRI only the next hop is read: the rest is update/nlri.ts. */
export function decodeAttributesOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  params: AttributeParams,
  routes: RoutesIn,
): DecodedAttributes {
  const found = new Walk(bytes, start, params, routes);
  const { faults } = found;
  walk(end, found);
  if (faults.disposition === 'reset' && faults.error !== undefined)
    return { faults: faults.list, disposition: 'reset', error: faults.error };
  const attributes = routes === 'none' ? undefined : complete(found);
  return attributes === undefined || faults.disposition === 'withdraw'
    ? { faults: faults.list, disposition: routes === 'none' ? faults.disposition : 'withdraw' }
    : { attributes, faults: faults.list, disposition: faults.disposition };
}

/** Type, length, value; the length has two octets where a flag says so. RFC 4271 4.3 */
function walk(end: number, found: Walk): void {
  const { bytes } = found;
  let at = found.start;
  while (at < end) {
    found.at = at;
    const flags = bytes[at]!;
    const long = (flags & FLAG_EXTENDED) !== 0;
    const value = at + (long ? 4 : 3);
    found.flags = flags;
    found.type = at + 1 < end ? bytes[at + 1]! : 0;
    const next = value + (long ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!);
    if (value > end || next > end) {
      // The NLRI is still found by the total attribute length, so the session can live. RFC 7606 4
      const text = `attribute ${found.type} runs past the end of the attributes (RFC 7606 4)`;
      found.fault('withdraw', MALFORMED_LIST, text);
      return;
    }
    found.end = next;
    attribute(new Reader(bytes, value, next), found);
    at = next;
  }
}

function attribute(body: Reader, found: Walk): void {
  const { type, params } = found;
  const row = ROWS.get(type);
  if (found.again(type)) {
    const text = `${row?.name ?? `attribute ${type}`} comes twice`;
    if (row?.duplicate === 'reset') found.fault('reset', MALFORMED_LIST, `${text} (RFC 7606 3 g)`);
    else found.fault('discard', MALFORMED_LIST, `${text}; the first counts (RFC 7606 3 g)`);
    return;
  }
  if (row === undefined) {
    unknownAttribute(body, found);
    return;
  }
  // Routes in MP_REACH_NLRI have their next hop there. RFC 4760 3
  if (type === NEXT_HOP && found.routes === 'mp') return;
  const refused = row.refuse?.(params);
  if (refused === undefined) knownAttribute(row, body, found);
  else if (row.quietly !== true) found.fault('discard', row.subcode, `${row.name} ${refused}`);
}

function unknownAttribute(body: Reader, found: Walk): void {
  const { type, flags } = found;
  if ((flags & FLAG_OPTIONAL) === 0) {
    const text = `attribute ${type} is well-known by its flags and unknown to us (RFC 4271 6.3)`;
    found.fault('reset', UNRECOGNISED_WELL_KNOWN, text);
  } else if ((flags & FLAG_TRANSITIVE) !== 0) {
    // Whoever gets it from us must see that somebody on the way did not understand it. RFC 4271 5
    const value = body.view(body.left).slice();
    if (found.unknown.length < MAX_UNKNOWN) found.unknown.push({ type, flags: FLAG_KIND | FLAG_PARTIAL, value });
    else found.fault('discard', OPTIONAL_ERROR, `more than ${MAX_UNKNOWN} unknown attributes; ${type} is dropped`);
  }
}

function knownAttribute(row: AttributeRow, body: Reader, found: Walk): void {
  const { flags } = found;
  if ((flags & FLAG_KIND) !== row.flags) {
    found.fault(row.onFlags ?? 'withdraw', FLAGS_ERROR, `${row.name} has flags 0x${flags.toString(16)} (RFC 7606 3 c)`);
    return;
  }
  const value = row.decode(body, found.params);
  const fault: RowFault | undefined = !value.ok
    ? value.error
    : body.left > 0
      ? { text: `${body.left} octets too many` }
      : undefined;
  if (fault !== undefined) {
    const text = fault.text.startsWith(row.name) ? fault.text : `${row.name}: ${fault.text}`;
    const action = fault.action ?? row.onFault;
    // A reset of a multiprotocol attribute is always 3/9 with the attribute. RFC 4760 7
    found.fault(action, action === 'reset' ? row.subcode : (fault.subcode ?? row.subcode), text);
  } else if (value.ok && value.value !== undefined && row.key !== undefined) {
    found.keep(row.key, value.value);
    if (row.flags === FLAG_KIND && (flags & FLAG_PARTIAL) !== 0) found.partial.push(row.type);
  }
}

/** Puts the 4-octet parts in and asks for the mandatory attributes. RFC 6793 4.2.3, RFC 7606 3 d */
function complete(found: Walk): PathAttributes | undefined {
  const { params, routes, faults, block, as4Path, as4Aggregator } = found;
  const { origin, asPath } = block;
  const missing = (type: number, name: string): void => {
    // One that is there and malformed is not missing as well.
    if (!found.again(type)) faults.add(type, 'withdraw', MISSING_WELL_KNOWN, `${name} is missing (RFC 7606 3 d)`);
  };
  if (origin === undefined) missing(1, 'ORIGIN');
  if (asPath === undefined) missing(2, 'AS_PATH');
  if (routes !== 'mp' && block.nextHop === undefined) missing(NEXT_HOP, 'NEXT_HOP');
  if (params.ibgp && block.localPref === undefined) missing(5, 'LOCAL_PREF');
  if (origin === undefined || asPath === undefined || faults.disposition === 'withdraw') return undefined;
  const partial = found.partial.filter((type) => type !== AS4_PATH && type !== AS4_AGGREGATOR);
  if (partial.length > 0) block.partial = partial;
  if (found.unknown.length > 0) block.unknown = found.unknown;
  // AGGREGATOR without AS_TRANS tells that the 4-octet parts are out of date.
  const outdated = as4Aggregator !== undefined && block.aggregator !== undefined && block.aggregator.asn !== AS_TRANS;
  if (!outdated) {
    if (as4Path !== undefined) block.asPath = mergeAs4Path(asPath, as4Path);
    if (as4Aggregator !== undefined && block.aggregator !== undefined) block.aggregator = as4Aggregator;
  }
  return { ...block, origin, asPath: block.asPath ?? asPath };
}
