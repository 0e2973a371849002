/** The values of RFC 4271's own attributes, bytes <-> values. Pure. Which fault costs what is attribute-table.ts. */
import type { Reader, Writer } from '../../base/bytes.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { AS_TRANS } from '../wire/open.ts';
import { hasConfederation, hasSets, leftmostAsn, readAsPath } from './as-path.ts';
import type { AttributeParams } from './attribute-params.ts';
import { fault, type RowFault, readU32, wrongLength } from './attribute-row.ts';
import type { AsSegment, Origin } from './attribute-types.ts';

const ORIGINS: readonly Origin[] = ['igp', 'egp', 'incomplete'];

export function readOrigin(r: Reader): Result<Origin, RowFault> {
  if (r.left !== 1) return wrongLength(r, '1');
  const value = r.u8();
  const origin = ORIGINS[value];
  return origin === undefined ? fault(`value ${value} is not 0, 1 or 2`) : ok(origin);
}

export const writeOrigin = (w: Writer, origin: Origin): void => w.u8(ORIGINS.indexOf(origin));

/** The syntax is RFC 4271 4.3 b's; then who may send which segments. A loop is no fault (9.1.2). */
export function readPath(r: Reader, params: AttributeParams): Result<readonly AsSegment[], RowFault> {
  const path = readAsPath(r, params.fourOctetAs);
  if (!path.ok) return fault(path.error);
  const text = segmentsFault(path.value, params);
  return text === undefined ? path : fault(text);
}

function segmentsFault(path: readonly AsSegment[], params: AttributeParams): string | undefined {
  if (params.allowAsSets !== true && hasSets(path)) return 'an AS_SET or AS_CONFED_SET (RFC 9774 3)';
  if (params.confederation !== true && hasConfederation(path))
    return 'a confederation segment from outside the confederation (RFC 5065 5)';
  if (params.confederation === true && !params.ibgp && path[0]?.type !== 'confed-sequence')
    return 'no leading AS_CONFED_SEQUENCE from another member of the confederation (RFC 5065 5)';
  if (params.enforceFirstAs === true && !params.ibgp && params.peerAsn !== undefined) {
    const first = leftmostAsn(path);
    if (first !== params.peerAsn)
      return `the first AS is ${first ?? 'absent'}, and the peer's is ${params.peerAsn} (RFC 4271 6.3)`;
  }
  return undefined;
}

/** Confederation segments do not belong in here: they are dropped, the rest counts. RFC 6793 6 */
export function readAs4Path(r: Reader, params: AttributeParams): Result<readonly AsSegment[], RowFault> {
  if (r.left < 6) return wrongLength(r, 'at least 6, one AS number');
  const path = readAsPath(r, true);
  if (!path.ok) return fault(path.error);
  const segments = path.value.filter((s) => s.type === 'sequence' || s.type === 'set');
  return params.allowAsSets !== true && hasSets(segments)
    ? err({ text: 'an AS_SET (RFC 9774 3)', action: 'withdraw' })
    : ok(segments);
}

/** No address that a host can have: 0/8, 127/8, class D and E. RFC 4271 6.3 */
export function noHost(address: number): boolean {
  const first = address >>> 24;
  return first === 0 || first === 127 || first >= 224;
}

/** RFC 4271 6.3: syntactically an address, and one that a host can have. */
export function readNextHop(r: Reader): Result<Ipv4, RowFault> {
  const value = readU32(r);
  if (!value.ok) return value;
  return noHost(value.value) ? fault(`${formatIpv4(value.value)} is no host's address`) : ok(ipv4(value.value));
}

export const readAddress = (r: Reader): Result<Ipv4, RowFault> => {
  const value = readU32(r);
  return value.ok ? ok(ipv4(value.value)) : value;
};

export const readFlag = (r: Reader): Result<true, RowFault> => (r.left === 0 ? ok(true) : wrongLength(r, '0'));

type Aggregator = { readonly asn: number; readonly address: Ipv4 };

export function readAggregator(r: Reader, fourOctetAs: boolean): Result<Aggregator, RowFault> {
  if (r.left !== (fourOctetAs ? 8 : 6)) return wrongLength(r, fourOctetAs ? '8' : '6');
  const asn = fourOctetAs ? r.u32() : r.u16();
  return asn === 0 ? fault('AS 0 (RFC 7607 2)') : ok({ asn, address: ipv4(r.u32()) });
}

export function writeAggregator(w: Writer, value: Aggregator, fourOctetAs: boolean): void {
  if (fourOctetAs) w.u32(value.asn);
  else w.u16(value.asn > 0xffff ? AS_TRANS : value.asn);
  w.u32(value.address);
}

export const writeWords = (w: Writer, list: readonly number[]): void => {
  for (const word of list) w.u32(word);
};
