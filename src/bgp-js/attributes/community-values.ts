/** Values of the newer community attributes and of AIGP, bytes <-> values. Pure. RFC 4360, 5701, 8092, 7311. As text: communities.ts */
import type { Reader, Writer } from '../../base/bytes.ts';
import { ipv6 } from '../../base/ipv6.ts';
import { ok, type Result } from '../../base/result.ts';
import { fault, type RowFault, readList, wrongLength } from './attribute-row.ts';
import type { Aigp, Ipv6ExtendedCommunity, LargeCommunity } from './attribute-types.ts';

const u64 = (r: Reader): bigint => (BigInt(r.u32()) << 32n) | BigInt(r.u32());

function writeU64(w: Writer, value: bigint): void {
  w.u32(Number((value >> 32n) & 0xffff_ffffn));
  w.u32(Number(value & 0xffff_ffffn));
}

export const readExtendedCommunities = (r: Reader): Result<readonly bigint[], RowFault> => readList(r, 8, u64);

export const writeExtendedCommunities = (w: Writer, list: readonly bigint[]): void => {
  for (const community of list) writeU64(w, community);
};

export const readIpv6ExtendedCommunities = (r: Reader): Result<readonly Ipv6ExtendedCommunity[], RowFault> =>
  readList(r, 20, () => ({ type: r.u16(), address: ipv6((u64(r) << 64n) | u64(r)), local: r.u16() }));

export function writeIpv6ExtendedCommunities(w: Writer, list: readonly Ipv6ExtendedCommunity[]): void {
  for (const { type, address, local } of list) {
    w.u16(type);
    writeU64(w, address >> 64n);
    writeU64(w, address);
    w.u16(local);
  }
}

export function readLargeCommunities(r: Reader): Result<readonly LargeCommunity[], RowFault> {
  const list = readList(r, 12, () => ({ global: r.u32(), local1: r.u32(), local2: r.u32() }));
  return list.ok ? ok(withoutRepeats(list.value)) : list;
}

export function writeLargeCommunities(w: Writer, list: readonly LargeCommunity[]): void {
  for (const { global, local1, local2 } of withoutRepeats(list)) {
    w.u32(global);
    w.u32(local1);
    w.u32(local2);
  }
}

/** Repeats are neither sent nor kept. RFC 8092 3 */
function withoutRepeats(list: readonly LargeCommunity[]): readonly LargeCommunity[] {
  const seen = new Set<string>();
  return list.filter(({ global, local1, local2 }) => {
    const key = `${global}:${local1}:${local2}`;
    return !seen.has(key) && seen.add(key);
  });
}

const AIGP_TLV = 1;
const AIGP_TLV_LENGTH = 11;
/** Nothing can be added to it: whoever says so has run over. RFC 7311 3.2 */
const AIGP_UNREACHABLE = 0xffff_ffff_ffff_ffffn;

/** TLVs of type (1), length (2, all of it) and value. Of several AIGP TLVs the first counts; all others are kept as they are.
 *  RFC 7311 3 */
export function readAigp(r: Reader): Result<Aigp, RowFault> {
  let metric: bigint | undefined;
  const rest: number[] = [];
  while (r.left > 0) {
    if (r.left < 3) return wrongLength(r, 'that of a TLV');
    const from = r.position;
    const type = r.u8();
    const length = r.u16();
    if (length < 3 || length - 3 > r.left) return fault(`TLV ${type} has length ${length}`);
    if (type === AIGP_TLV && length !== AIGP_TLV_LENGTH) return fault(`an AIGP TLV of length ${length}, not 11`);
    if (type === AIGP_TLV && metric === undefined) metric = u64(r);
    else {
      r.view(length - 3);
      for (let at = from; at < r.position; at++) rest.push(r.bytes[at] as number);
    }
  }
  if (metric === undefined) return fault('there is no AIGP TLV in it');
  if (metric === AIGP_UNREACHABLE) return fault('the metric is all ones (RFC 7311 3.2)');
  return ok({ metric, ...(rest.length > 0 ? { rest: Uint8Array.from(rest) } : {}) });
}

export function writeAigp(w: Writer, value: Aigp): void {
  w.u8(AIGP_TLV);
  w.u16(AIGP_TLV_LENGTH);
  writeU64(w, value.metric);
  if (value.rest !== undefined) w.bytes(value.rest);
}
