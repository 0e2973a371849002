/** One row per path attribute: type, flags, what a fault costs (RFC 7606 7), bytes -> value -> bytes. Pure.
 *  The walk in attributes.ts knows no attribute by name, but for the mandatory ones. A new attribute is a new row.
 *  An attribute without a row is unknown: where it is optional transitive it is passed on with the Partial bit. */
import { ipv4 } from '../../base/ipv4.ts';
import { as4PathOf, writeAsPath } from './as-path.ts';
import type { AttributeParams } from './attribute-params.ts';
import { type AttributeRow, FLAG_OPTIONAL, FLAG_TRANSITIVE, readList, readU32, row } from './attribute-row.ts';
import {
  readAddress,
  readAggregator,
  readAs4Path,
  readFlag,
  readNextHop,
  readOrigin,
  readPath,
  writeAggregator,
  writeOrigin,
  writeWords,
} from './basic-values.ts';
import {
  readAigp,
  readExtendedCommunities,
  readIpv6ExtendedCommunities,
  readLargeCommunities,
  writeAigp,
  writeExtendedCommunities,
  writeIpv6ExtendedCommunities,
  writeLargeCommunities,
} from './community-values.ts';
import { INVALID_NEXT_HOP, INVALID_ORIGIN, LENGTH_ERROR, MALFORMED_AS_PATH, OPTIONAL_ERROR } from './faults.ts';
import { MP_REACH, MP_UNREACH, readMpReach, readMpUnreach } from './mp-reach.ts';

const WELL_KNOWN = FLAG_TRANSITIVE;
const OPTIONAL = FLAG_OPTIONAL;
const OPTIONAL_TRANSITIVE = FLAG_OPTIONAL | FLAG_TRANSITIVE;

const outsideAs = (p: AttributeParams): string | undefined =>
  p.ibgp ? undefined : 'over eBGP is dropped (RFC 7606 7)';
/** A member of our confederation is no external neighbour. RFC 5065 4 */
const outsideConfederation = (p: AttributeParams): string | undefined =>
  p.confederation === true ? undefined : outsideAs(p);
const fromFourOctetSpeaker = (p: AttributeParams): string | undefined =>
  p.fourOctetAs ? 'from a speaker of 4-octet AS numbers is dropped (RFC 6793 6)' : undefined;

/** Ascending by type: also the order on the wire. RFC 4271 5 */
export const ATTRIBUTES: readonly AttributeRow[] = [
  row<'origin'>({
    type: 1,
    name: 'ORIGIN',
    key: 'origin',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // RFC 7606 7.1
    subcode: INVALID_ORIGIN,
    decode: readOrigin,
    toWire: (a) => a.origin,
    encode: writeOrigin,
  }),
  row<'asPath'>({
    type: 2,
    name: 'AS_PATH',
    key: 'asPath',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // 7.2
    subcode: MALFORMED_AS_PATH,
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
    subcode: INVALID_NEXT_HOP,
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
    subcode: OPTIONAL_ERROR,
    decode: readU32,
    toWire: (a) => a.med,
    encode: (w, v) => w.u32(v),
  }),
  row<'localPref'>({
    type: 5,
    name: 'LOCAL_PREF',
    key: 'localPref',
    flags: WELL_KNOWN,
    onFault: 'withdraw', // 7.5
    subcode: LENGTH_ERROR,
    refuse: outsideConfederation,
    decode: readU32,
    toWire: (a) => a.localPref,
    encode: (w, v) => w.u32(v),
  }),
  row<'atomicAggregate'>({
    type: 6,
    name: 'ATOMIC_AGGREGATE',
    key: 'atomicAggregate',
    flags: WELL_KNOWN,
    onFault: 'discard', // 7.6
    subcode: LENGTH_ERROR,
    decode: readFlag,
    toWire: (a) => a.atomicAggregate,
    encode: () => {},
  }),
  row<'aggregator'>({
    type: 7,
    name: 'AGGREGATOR',
    key: 'aggregator',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'discard', // 7.7
    subcode: OPTIONAL_ERROR,
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
    subcode: OPTIONAL_ERROR,
    decode: (r) => readList(r, 4, (e) => e.u32()),
    toWire: (a) => nonEmpty(a.communities),
    encode: writeWords,
  }),
  row<'originatorId'>({
    type: 9,
    name: 'ORIGINATOR_ID',
    key: 'originatorId',
    flags: OPTIONAL,
    onFault: 'withdraw', // 7.9
    subcode: OPTIONAL_ERROR,
    refuse: outsideAs,
    decode: readAddress,
    toWire: (a) => a.originatorId,
    encode: (w, v) => w.u32(v),
  }),
  row<'clusterList'>({
    type: 10,
    name: 'CLUSTER_LIST',
    key: 'clusterList',
    flags: OPTIONAL,
    onFault: 'withdraw', // 7.10
    subcode: OPTIONAL_ERROR,
    refuse: outsideAs,
    decode: (r) => readList(r, 4, (e) => ipv4(e.u32())),
    toWire: (a) => nonEmpty(a.clusterList),
    encode: writeWords,
  }),
  // Written by the packers, which know the routes.
  row<'mpNextHop'>({
    type: MP_REACH,
    name: 'MP_REACH_NLRI',
    key: 'mpNextHop',
    flags: OPTIONAL,
    onFault: 'reset', // 7.11
    subcode: OPTIONAL_ERROR, // RFC 4760 7
    duplicate: 'reset',
    decode: readMpReach,
    toWire: () => undefined,
    encode: () => {},
  }),
  row({
    type: MP_UNREACH,
    name: 'MP_UNREACH_NLRI',
    key: undefined,
    flags: OPTIONAL,
    onFault: 'reset', // 7.12
    subcode: OPTIONAL_ERROR, // RFC 4760 7
    duplicate: 'reset',
    decode: readMpUnreach,
    toWire: () => undefined,
    encode: () => {},
  }),
  row<'extendedCommunities'>({
    type: 16,
    name: 'EXTENDED_COMMUNITIES',
    key: 'extendedCommunities',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'withdraw', // 7.14
    subcode: OPTIONAL_ERROR,
    decode: readExtendedCommunities,
    toWire: (a) => nonEmpty(a.extendedCommunities),
    encode: writeExtendedCommunities,
  }),
  row<'as4Path'>({
    type: 17,
    name: 'AS4_PATH',
    key: 'as4Path',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'discard', // RFC 6793 6
    subcode: OPTIONAL_ERROR,
    refuse: fromFourOctetSpeaker,
    decode: readAs4Path,
    toWire: (a, fourOctetAs) => (fourOctetAs ? undefined : as4PathOf(a.asPath)),
    encode: (w, v) => writeAsPath(w, v, true),
  }),
  row<'as4Aggregator'>({
    type: 18,
    name: 'AS4_AGGREGATOR',
    key: 'as4Aggregator',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'discard', // RFC 6793 6
    subcode: OPTIONAL_ERROR,
    refuse: fromFourOctetSpeaker,
    decode: (r) => readAggregator(r, true),
    toWire: (a, fourOctetAs) =>
      !fourOctetAs && a.aggregator !== undefined && a.aggregator.asn > 0xffff ? a.aggregator : undefined,
    encode: (w, v) => writeAggregator(w, v, true),
  }),
  row<'ipv6ExtendedCommunities'>({
    type: 25,
    name: 'IPV6_EXTENDED_COMMUNITIES',
    key: 'ipv6ExtendedCommunities',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'withdraw', // RFC 7606 7.15
    subcode: OPTIONAL_ERROR,
    decode: readIpv6ExtendedCommunities,
    toWire: (a) => nonEmpty(a.ipv6ExtendedCommunities),
    encode: writeIpv6ExtendedCommunities,
  }),
  row<'aigp'>({
    type: 26,
    name: 'AIGP',
    key: 'aigp',
    flags: OPTIONAL,
    onFault: 'discard', // RFC 7311 3.2
    onFlags: 'discard',
    subcode: OPTIONAL_ERROR,
    refuse: (p) => ((p.aigp ?? (p.ibgp || p.confederation === true)) ? undefined : 'is not enabled (RFC 7311 3.3)'),
    quietly: true,
    decode: readAigp,
    toWire: (a) => a.aigp,
    encode: writeAigp,
  }),
  row<'largeCommunities'>({
    type: 32,
    name: 'LARGE_COMMUNITIES',
    key: 'largeCommunities',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'withdraw', // RFC 8092 6
    subcode: OPTIONAL_ERROR,
    decode: readLargeCommunities,
    toWire: (a) => nonEmpty(a.largeCommunities),
    encode: writeLargeCommunities,
  }),
  row<'onlyToCustomer'>({
    type: 35,
    name: 'OTC',
    key: 'onlyToCustomer',
    flags: OPTIONAL_TRANSITIVE,
    onFault: 'withdraw', // RFC 9234 5
    subcode: OPTIONAL_ERROR,
    decode: readU32,
    toWire: (a) => a.onlyToCustomer,
    encode: (w, v) => w.u32(v),
  }),
];

/** An empty list has no form on the wire: of length 0 each of these is malformed. */
const nonEmpty = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;

/** 'AS_PATH', or 'attribute 99' for one that we have no row for. */
export const attributeName = (type: number): string =>
  ATTRIBUTES.find((r) => r.type === type)?.name ?? `attribute ${type}`;
