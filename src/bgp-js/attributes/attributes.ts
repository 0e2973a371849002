/** Path attributes, bytes <-> values. Pure. RFC 4271 4.3 and 5; faults as RFC 7606 3 and 7.
 *  The walk finds attributes, checks flags, duplicates and lengths; what each means is its row in attribute-table.ts. */
import { Reader, ShortRead, Writer } from '../../base/bytes.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { AS_TRANS } from '../wire/open.ts';
import { mergeAs4Path } from './as-path.ts';
import type { AttributeParams } from './attribute-params.ts';
import {
  ATTRIBUTES,
  type AttributeRow,
  type DecodedBlock,
  FLAG_EXTENDED,
  FLAG_OPTIONAL,
  FLAG_PARTIAL,
  FLAG_TRANSITIVE,
} from './attribute-table.ts';
import type { Ipv4Attributes, PathAttributes, RawAttribute } from './attribute-types.ts';
import type { AttributeFault, Disposition, FaultAction } from './faults.ts';

const SEVERITY: readonly Disposition[] = ['accept', 'discard', 'withdraw', 'reset'];

export type { AttributeParams } from './attribute-params.ts';
export type { AttributeFault, Disposition } from './faults.ts';

export interface DecodedAttributes<A extends PathAttributes = PathAttributes> {
  /** Present exactly when the disposition is accept or discard. */
  readonly attributes?: A;
  /** The first few: a hostile block could hold a thousand. */
  readonly faults: readonly AttributeFault[];
  /** discard: the routes are good, an attribute was dropped. withdraw: treat the NLRI as withdrawn. reset: end with `error`. */
  readonly disposition: Disposition;
  readonly error?: BgpError;
}

const MAX_FAULTS = 8;
const MAX_UNKNOWN = 32;
const FLAG_KIND = FLAG_OPTIONAL | FLAG_TRANSITIVE;
const ROWS = new Map<number, AttributeRow>(ATTRIBUTES.map((row) => [row.type, row]));

/** What the walk has found so far. */
class Findings {
  readonly block: { -readonly [K in keyof DecodedBlock]?: DecodedBlock[K] } = {};
  readonly unknown: RawAttribute[] = [];
  readonly faults: AttributeFault[] = [];
  disposition: Disposition = 'accept';
  error: BgpError | undefined;

  /** The strongest fault decides. RFC 7606 3 h */
  fault(type: number, action: FaultAction, text: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ type, action, text, subcode: 1 });
    if (SEVERITY.indexOf(action) > SEVERITY.indexOf(this.disposition)) this.disposition = action;
  }
  reset(type: number, subcode: number, text: string, data?: Uint8Array): void {
    this.fault(type, 'reset', text);
    this.error ??= bgpError(3, subcode, text, data);
  }
}

/** Where the announced routes of an UPDATE are: in its NLRI field (then NEXT_HOP is mandatory), in MP_REACH_NLRI, in both, or
 *  there are none (then nothing is mandatory). */
export type RoutesIn = 'nlri' | 'mp' | 'both' | 'none';

/** The same wherever the routes are. */
export const decodeAttributesOf = (
  bytes: Uint8Array,
  start: number,
  end: number,
  params: AttributeParams,
  _routes: RoutesIn,
): DecodedAttributes => decodeAttributes(bytes, start, end, params);

/** Decodes the attributes of an UPDATE with IPv4 NLRI; one without NLRI needs no call. Never throws, whatever the bytes. */
export function decodeAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  params: AttributeParams,
): DecodedAttributes<Ipv4Attributes> {
  const found = new Findings();
  walk(new Reader(bytes, start, end), params, found);
  if (found.disposition === 'reset' && found.error !== undefined)
    return { faults: found.faults, disposition: 'reset', error: found.error };
  const attributes = complete(found, params);
  return attributes === undefined || found.disposition === 'withdraw'
    ? { faults: found.faults, disposition: 'withdraw' }
    : { attributes, faults: found.faults, disposition: found.disposition };
}

function walk(r: Reader, params: AttributeParams, found: Findings): void {
  const seen = new Set<number>();
  while (r.left > 0) {
    const from = r.position;
    let flags: number;
    let type = 0;
    let body: Reader;
    try {
      flags = r.u8();
      type = r.u8();
      body = r.sub((flags & FLAG_EXTENDED) !== 0 ? r.u16() : r.u8());
    } catch (e) {
      if (!(e instanceof ShortRead)) throw e;
      // The NLRI is still found by the total attribute length, so the session can live. RFC 7606 4
      found.fault(type, 'withdraw', `attribute ${type} runs past the end of the attributes (RFC 7606 4)`);
      return;
    }
    attribute(flags, type, body, r.bytes.subarray(from, r.position), params, found, seen);
  }
}

function attribute(
  flags: number,
  type: number,
  body: Reader,
  whole: Uint8Array,
  params: AttributeParams,
  found: Findings,
  seen: Set<number>,
): void {
  const row = ROWS.get(type);
  if (seen.has(type)) {
    if (row?.duplicate === 'reset') found.reset(type, 1, `${row.name} comes twice (RFC 7606 3 g)`);
    else found.fault(type, 'discard', `attribute ${type} comes twice; the first counts (RFC 7606 3 g)`);
    return;
  }
  seen.add(type);
  if (row === undefined) unknownAttribute(flags, type, body, whole, found);
  else if (row.ibgpOnly === true && !params.ibgp)
    found.fault(type, 'discard', `${row.name} over eBGP is dropped (RFC 7606 7)`);
  else knownAttribute(row, flags, body, params, found);
}

function unknownAttribute(flags: number, type: number, body: Reader, whole: Uint8Array, found: Findings): void {
  if ((flags & FLAG_OPTIONAL) === 0)
    found.reset(
      type,
      2,
      `attribute ${type} is well-known by its flags and unknown to us (RFC 4271 6.3)`,
      whole.slice(),
    );
  else if ((flags & FLAG_TRANSITIVE) !== 0) {
    // Whoever gets it from us must see that somebody on the way did not understand it. RFC 4271 5
    const value = body.view(body.left).slice();
    if (found.unknown.length < MAX_UNKNOWN) found.unknown.push({ type, flags: FLAG_KIND | FLAG_PARTIAL, value });
    else found.fault(type, 'discard', `more than ${MAX_UNKNOWN} unknown attributes; ${type} is dropped`);
  }
}

function knownAttribute(
  row: AttributeRow,
  flags: number,
  body: Reader,
  params: AttributeParams,
  found: Findings,
): void {
  if ((flags & FLAG_KIND) !== row.flags) {
    const action = row.onFault === 'reset' ? 'reset' : 'withdraw';
    const text = `${row.name} has flags 0x${flags.toString(16)} (RFC 7606 3 c)`;
    if (action === 'reset') found.reset(row.type, 1, text);
    else found.fault(row.type, action, text);
    return;
  }
  if (row.key === undefined) return;
  const value = row.decode(body, params);
  const fault = !value.ok ? value.error : body.left > 0 ? `${body.left} octets too many` : undefined;
  if (fault !== undefined) {
    const text = `${row.name}: ${fault}`;
    if (row.onFault === 'reset') found.reset(row.type, 9, text);
    else found.fault(row.type, row.onFault, text);
  } else if (value.ok) Object.assign(found.block, { [row.key]: value.value });
}

/** Puts the 4-octet parts in and asks for the mandatory attributes. RFC 6793 4.2.3, RFC 7606 3 d */
function complete(found: Findings, params: AttributeParams): Ipv4Attributes | undefined {
  const { as4Path, as4Aggregator, ...block } = found.block;
  const { origin, asPath, nextHop } = block;
  if (origin === undefined) found.fault(1, 'withdraw', 'ORIGIN is missing (RFC 7606 3 d)');
  if (asPath === undefined) found.fault(2, 'withdraw', 'AS_PATH is missing (RFC 7606 3 d)');
  if (nextHop === undefined) found.fault(3, 'withdraw', 'NEXT_HOP is missing (RFC 7606 3 d)');
  if (params.ibgp && block.localPref === undefined)
    found.fault(5, 'withdraw', 'LOCAL_PREF is missing over iBGP (RFC 4271 5.1.5, RFC 7606 3 d)');
  if (origin === undefined || asPath === undefined || nextHop === undefined) return undefined;
  const plain = { ...block, origin, asPath, nextHop, ...(found.unknown.length > 0 ? { unknown: found.unknown } : {}) };
  // A peer that speaks 4 octets must not send these; AGGREGATOR without AS_TRANS tells that they are out of date.
  const outdated = as4Aggregator !== undefined && plain.aggregator !== undefined && plain.aggregator.asn !== AS_TRANS;
  if (params.fourOctetAs || outdated) return plain;
  return {
    ...plain,
    ...(as4Path !== undefined ? { asPath: mergeAs4Path(asPath, as4Path) } : {}),
    ...(as4Aggregator !== undefined && plain.aggregator !== undefined ? { aggregator: as4Aggregator } : {}),
  };
}

/** The attributes as on the wire, in ascending order of type (RFC 4271 5). Which of them a peer may see is the caller's:
 *  what is there is written. A 2-octet peer gets AS_TRANS, and AS4_PATH and AS4_AGGREGATOR beside it. RFC 6793 4.2.2 */
export function encodeAttributes(attributes: PathAttributes, params: { readonly fourOctetAs: boolean }): Uint8Array {
  const w = new Writer(128);
  const unknown = [...(attributes.unknown ?? [])].sort((a, b) => a.type - b.type);
  let next = 0;
  const unknownBelow = (type: number): void => {
    for (let raw = unknown[next]; raw !== undefined && raw.type < type; raw = unknown[++next])
      writeAttribute(w, raw.flags | FLAG_PARTIAL, raw.type, raw.value);
  };
  const body = new Writer(64);
  for (const row of ATTRIBUTES) {
    const value = row.toWire(attributes, params.fourOctetAs);
    if (value === undefined) continue;
    unknownBelow(row.type);
    body.length = 0;
    row.encode(body, value, params.fourOctetAs);
    writeAttribute(w, row.flags, row.type, body.view());
  }
  unknownBelow(256);
  return w.copy();
}

function writeAttribute(w: Writer, flags: number, type: number, value: Uint8Array): void {
  const long = value.length > 255;
  w.u8(long ? flags | FLAG_EXTENDED : flags & ~FLAG_EXTENDED);
  w.u8(type);
  if (long) w.u16(value.length);
  else w.u8(value.length);
  w.bytes(value);
}
