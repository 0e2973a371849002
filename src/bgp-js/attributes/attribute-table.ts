/** One row per path attribute: type, flags, what a fault costs (RFC 7606 7), bytes -> value -> bytes. Pure.
 *  The walk in attributes.ts knows no attribute by name, but for the mandatory ones. A new attribute is a new row. */
import type { Reader, Writer } from '../../base/bytes.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../../base/ipv4.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { AS_TRANS } from '../wire/open.ts';
import { hasSets, needsAs4Path, readAsPath, writeAsPath } from './as-path.ts';
import type { AttributeParams } from './attribute-params.ts';
import type { AsSegment, Origin, PathAttributes } from './attribute-types.ts';

export const FLAG_OPTIONAL = 0x80;
export const FLAG_TRANSITIVE = 0x40;
export const FLAG_PARTIAL = 0x20;
export const FLAG_EXTENDED = 0x10;
const WELL_KNOWN = FLAG_TRANSITIVE;
const OPTIONAL = FLAG_OPTIONAL;
const OPTIONAL_TRANSITIVE = FLAG_OPTIONAL | FLAG_TRANSITIVE;

/** What a block decodes to before the 4-octet parts are merged in. */
export interface DecodedBlock extends PathAttributes {
  readonly as4Path?: readonly AsSegment[];
  readonly as4Aggregator?: { readonly asn: number; readonly address: Ipv4 };
}

type Key = Exclude<keyof DecodedBlock, 'unknown'>;
type Value<K extends Key> = NonNullable<DecodedBlock[K]>;

export interface AttributeRow<K extends Key = Key> {
  readonly type: number;
  readonly name: string;
  readonly key: K | undefined;
  readonly flags: number;
  readonly onFault: 'withdraw' | 'discard' | 'reset';
  /** Dropped unread when it comes over eBGP, right or wrong. RFC 7606 7.5, 7.9, 7.10 */
  readonly ibgpOnly?: true;
  /** A second one ends the session; elsewhere the first counts. RFC 7606 3 g */
  readonly duplicate?: 'reset';
  /** The fault is a text. Bytes left over are the walk's to find. */
  readonly decode: (r: Reader, params: AttributeParams) => Result<Value<K>, string>;
  /** Undefined: nothing is to be written for these attributes to such a peer. */
  readonly toWire: (attributes: PathAttributes, fourOctetAs: boolean) => Value<K> | undefined;
  readonly encode: (w: Writer, value: Value<K>, fourOctetAs: boolean) => void;
}

const row = <K extends Key>(r: AttributeRow<K>): AttributeRow => r as unknown as AttributeRow;
const u32 = (r: Reader): Result<number, string> => (r.left === 4 ? ok(r.u32()) : wrongLength(r, '4'));
const wrongLength = (r: Reader, wanted: string): Result<never, string> => err(`length ${r.left}, not ${wanted}`);

const ORIGINS: readonly Origin[] = ['igp', 'egp', 'incomplete'];

function readOrigin(r: Reader): Result<Origin, string> {
  if (r.left !== 1) return wrongLength(r, '1');
  const value = r.u8();
  const origin = ORIGINS[value];
  return origin === undefined ? err(`value ${value} is not 0, 1 or 2`) : ok(origin);
}

function readPath(r: Reader, params: AttributeParams): Result<readonly AsSegment[], string> {
  const path = readAsPath(r, params.fourOctetAs);
  return path.ok && params.allowAsSets !== true && hasSets(path.value) ? err('an AS_SET (RFC 9774 3)') : path;
}

/** RFC 4271 6.3: syntactically an address, and one that a host can have. */
function readNextHop(r: Reader): Result<Ipv4, string> {
  const value = u32(r);
  if (!value.ok) return value;
  const first = value.value >>> 24;
  return first === 0 || first === 127 || first >= 224
    ? err(`${formatIpv4(value.value)} is no host's address`)
    : ok(ipv4(value.value));
}

const address = (r: Reader): Result<Ipv4, string> => {
  const value = u32(r);
  return value.ok ? ok(ipv4(value.value)) : value;
};

/** A list of 32-bit words: at least one. */
function words(r: Reader): Result<readonly number[], string> {
  if (r.left === 0 || r.left % 4 !== 0) return wrongLength(r, 'a multiple of 4 above 0');
  const list: number[] = [];
  while (r.left > 0) list.push(r.u32());
  return ok(list);
}
const writeWords = (w: Writer, list: readonly number[]): void => {
  for (const word of list) w.u32(word);
};

function readAggregator(r: Reader, fourOctetAs: boolean): Result<{ asn: number; address: Ipv4 }, string> {
  if (r.left !== (fourOctetAs ? 8 : 6)) return wrongLength(r, fourOctetAs ? '8' : '6');
  const asn = fourOctetAs ? r.u32() : r.u16();
  return asn === 0 ? err('AS 0 (RFC 7607 2)') : ok({ asn, address: ipv4(r.u32()) });
}
function writeAggregator(w: Writer, value: { asn: number; address: Ipv4 }, fourOctetAs: boolean): void {
  if (fourOctetAs) w.u32(value.asn);
  else w.u16(value.asn > 0xffff ? AS_TRANS : value.asn);
  w.u32(value.address);
}

/** IPv6 and the rest come with their issue; until then the peer has nothing to say in these. */
const notNegotiated = (type: number, name: string): AttributeRow => ({
  type,
  name,
  key: undefined,
  flags: OPTIONAL,
  onFault: 'reset',
  duplicate: 'reset',
  decode: () => err('not read'),
  toWire: () => undefined,
  encode: () => {},
});

/** Ascending by type: also the order on the wire. RFC 4271 5 */
export const ATTRIBUTES: readonly AttributeRow[] = [
  row<'origin'>({
    type: 1,
    name: 'ORIGIN',
    key: 'origin',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // RFC 7606 7.1
    decode: readOrigin,
    toWire: (a) => a.origin,
    encode: (w, v) => w.u8(ORIGINS.indexOf(v)),
  }),
  row<'asPath'>({
    type: 2,
    name: 'AS_PATH',
    key: 'asPath',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // 7.2
    decode: readPath,
    toWire: (a) => a.asPath,
    encode: writeAsPath,
  }),
  row<'nextHop'>({
    type: 3,
    name: 'NEXT_HOP',
    key: 'nextHop',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // 7.3
    decode: readNextHop,
    toWire: (a) => a.nextHop,
    encode: (w, v) => w.u32(v),
  }),
  row<'med'>({
    type: 4,
    name: 'MULTI_EXIT_DISC',
    key: 'med',
    flags: OPTIONAL,
    onFault: 'withdraw', // 7.4
    decode: u32,
    toWire: (a) => a.med,
    encode: (w, v) => w.u32(v),
  }),
  row<'localPref'>({
    type: 5,
    name: 'LOCAL_PREF',
    key: 'localPref',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // 7.5
    ibgpOnly: true,
    decode: u32,
    toWire: (a) => a.localPref,
    encode: (w, v) => w.u32(v),
  }),
  row<'atomicAggregate'>({
    type: 6,
    name: 'ATOMIC_AGGREGATE',
    key: 'atomicAggregate',
    flags: WELL_KNOWN,
    onFault: 'discard', // 7.6
    decode: (r) => (r.left === 0 ? ok(true as const) : wrongLength(r, '0')),
    toWire: (a) => a.atomicAggregate,
    encode: () => {},
  }),
  row<'aggregator'>({
    type: 7,
    name: 'AGGREGATOR',
    key: 'aggregator',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'discard', // 7.7
    decode: (r, params) => readAggregator(r, params.fourOctetAs),
    toWire: (a) => a.aggregator,
    encode: writeAggregator,
  }),
  row<'communities'>({
    type: 8,
    name: 'COMMUNITIES',
    key: 'communities',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'withdraw', // 7.8
    decode: words,
    toWire: (a) => a.communities,
    encode: writeWords,
  }),
  row<'originatorId'>({
    type: 9,
    name: 'ORIGINATOR_ID',
    key: 'originatorId',
    flags: OPTIONAL,
    onFault: 'withdraw', // 7.9
    ibgpOnly: true,
    decode: address,
    toWire: (a) => a.originatorId,
    encode: (w, v) => w.u32(v),
  }),
  row<'clusterList'>({
    type: 10,
    name: 'CLUSTER_LIST',
    key: 'clusterList',
    flags: OPTIONAL,
    onFault: 'withdraw', // 7.10
    ibgpOnly: true,
    decode: (r) => words(r) as Result<readonly Ipv4[], string>,
    toWire: (a) => a.clusterList,
    encode: writeWords,
  }),
  notNegotiated(14, 'MP_REACH_NLRI'),
  notNegotiated(15, 'MP_UNREACH_NLRI'),
  row<'as4Path'>({
    type: 17,
    name: 'AS4_PATH',
    key: 'as4Path',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'discard', // RFC 6793 6
    decode: (r, params) => readPath(r, { ...params, fourOctetAs: true }),
    toWire: (a, fourOctetAs) => (!fourOctetAs && needsAs4Path(a.asPath) ? a.asPath : undefined),
    encode: (w, v) => writeAsPath(w, v, true),
  }),
  row<'as4Aggregator'>({
    type: 18,
    name: 'AS4_AGGREGATOR',
    key: 'as4Aggregator',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'discard', // RFC 6793 6
    decode: (r) => readAggregator(r, true),
    toWire: (a, fourOctetAs) =>
      !fourOctetAs && a.aggregator !== undefined && a.aggregator.asn > 0xffff ? a.aggregator : undefined,
    encode: (w, v) => writeAggregator(w, v, true),
  }),
];
