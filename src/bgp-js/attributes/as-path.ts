/** AS_PATH, bytes <-> segments, and what is asked of a path. Pure. RFC 4271 4.3 b and 5.1.2, RFC 5065, RFC 6793. */
import type { Reader, Writer } from '../../base/bytes.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { AS_TRANS } from '../wire/open.ts';
import type { AsSegment, SegmentType } from './attribute-types.ts';

/** By their number on the wire. RFC 4271 4.3 b, RFC 5065 3 */
const SEGMENT_TYPES: readonly (SegmentType | undefined)[] = [
  undefined,
  'set',
  'sequence',
  'confed-sequence',
  'confed-set',
];
/** A segment counts its members in one octet. */
const MAX_SEGMENT = 255;

/** Reads to the reader's end; the fault is a text. An AS 0 is a fault (RFC 7607 2), a loop is not. */
export function readAsPath(r: Reader, fourOctetAs: boolean): Result<readonly AsSegment[], string> {
  const width = fourOctetAs ? 4 : 2;
  const segments: AsSegment[] = [];
  while (r.left > 0) {
    if (r.left < 2) return err('one octet is left behind the last segment');
    const number = r.u8();
    const count = r.u8();
    const type = SEGMENT_TYPES[number];
    if (type === undefined) return err(`segment type ${number} is unknown`);
    if (count === 0) return err('a segment of length 0');
    if (count * width > r.left)
      return err(`a segment of ${count} AS numbers has room for ${Math.floor(r.left / width)}`);
    const asns: number[] = [];
    for (let i = 0; i < count; i++) {
      const asn = fourOctetAs ? r.u32() : r.u16();
      if (asn === 0) return err('AS 0 (RFC 7607 2)');
      asns.push(asn);
    }
    segments.push({ type, asns });
  }
  return ok(segments);
}

/** To a 2-octet peer an AS number that does not fit becomes AS_TRANS. RFC 6793 4.2.2 */
export function writeAsPath(w: Writer, path: readonly AsSegment[], fourOctetAs: boolean): void {
  for (const segment of path)
    for (let from = 0; from < segment.asns.length; from += MAX_SEGMENT) {
      const asns = segment.asns.slice(from, from + MAX_SEGMENT);
      w.u8(SEGMENT_TYPES.indexOf(segment.type));
      w.u8(asns.length);
      for (const asn of asns) {
        if (fourOctetAs) w.u32(asn);
        else w.u16(asn > 0xffff ? AS_TRANS : asn);
      }
    }
}

/** What a segment adds to the length of its path: a set one, the confederation's own nothing. RFC 4271 9.1.2.2 a, RFC 5065 5.3 */
const weight = (segment: AsSegment): number =>
  segment.type === 'sequence' ? segment.asns.length : segment.type === 'set' ? 1 : 0;

/** For the decision process. */
export const asPathLength = (path: readonly AsSegment[]): number =>
  path.reduce((sum, segment) => sum + weight(segment), 0);

/** Whether the AS number stands anywhere in the path: a loop, when it is ours. RFC 4271 9.1.2 */
export const asPathContains = (path: readonly AsSegment[], asn: number): boolean =>
  path.some((segment) => segment.asns.includes(asn));

const isConfederation = (segment: AsSegment): boolean =>
  segment.type === 'confed-sequence' || segment.type === 'confed-set';

/** The neighbouring AS: the first of a leading sequence, past the confederation's own segments; undefined for an empty path
 *  or a leading set. RFC 5065 5.3 */
export function firstAsn(path: readonly AsSegment[]): number | undefined {
  const first = path.find((segment) => !isConfederation(segment));
  return first?.type === 'sequence' ? first.asns[0] : undefined;
}

/** The AS that sent the path: the first of a leading sequence of either kind. RFC 4271 6.3 */
export const leftmostAsn = (path: readonly AsSegment[]): number | undefined =>
  path[0]?.type === 'sequence' || path[0]?.type === 'confed-sequence' ? path[0].asns[0] : undefined;

const prepend = (path: readonly AsSegment[], asn: number, type: SegmentType): readonly AsSegment[] => {
  const [first, ...rest] = path;
  return first?.type === type && first.asns.length < MAX_SEGMENT
    ? [{ type, asns: [asn, ...first.asns] }, ...rest]
    : [{ type, asns: [asn] }, ...path];
};

/** The path with `asn` in front, as an eBGP speaker sends it on. RFC 4271 5.1.2 b */
export const prependAsn = (path: readonly AsSegment[], asn: number): readonly AsSegment[] =>
  prepend(path, asn, 'sequence');

/** The path with our member AS in front, as it goes to another member of the confederation. RFC 5065 4.1 */
export const prependMemberAsn = (path: readonly AsSegment[], memberAsn: number): readonly AsSegment[] =>
  prepend(path, memberAsn, 'confed-sequence');

/** Without the confederation's segments, as it leaves the confederation (then the confederation's own number goes in front).
 *  RFC 5065 4.1 */
export const withoutConfederation = (path: readonly AsSegment[]): readonly AsSegment[] =>
  path.some(isConfederation) ? path.filter((segment) => !isConfederation(segment)) : path;

const TEXT: Readonly<Record<SegmentType, (asns: readonly number[]) => string>> = {
  sequence: (asns) => asns.join(' '),
  set: (asns) => `{${asns.join(',')}}`,
  'confed-sequence': (asns) => `(${asns.join(' ')})`,
  'confed-set': (asns) => `[${asns.join(',')}]`,
};

/** "(65100 65101) 65001 65002 {65003,65004}"; a confederation's set in brackets. */
export const formatAsPath = (path: readonly AsSegment[]): string => path.map((s) => TEXT[s.type](s.asns)).join(' ');

export const hasSets = (path: readonly AsSegment[]): boolean =>
  path.some((segment) => segment.type === 'set' || segment.type === 'confed-set');

export const hasConfederation = (path: readonly AsSegment[]): boolean => path.some(isConfederation);

/** The real path out of AS_PATH and AS4_PATH: what AS_PATH is longer by stands in front, with the confederation segments that
 *  lead or adjoin it. A longer AS4_PATH is a lie and is ignored. RFC 6793 4.2.3 */
export function mergeAs4Path(path: readonly AsSegment[], as4Path: readonly AsSegment[]): readonly AsSegment[] {
  let keep = asPathLength(path) - asPathLength(as4Path);
  if (keep < 0) return path;
  const leading: AsSegment[] = [];
  for (const segment of path) {
    if (keep === 0 && !isConfederation(segment)) break;
    const cut = segment.type === 'sequence' && segment.asns.length > keep;
    leading.push(cut ? { ...segment, asns: segment.asns.slice(0, keep) } : segment);
    if (cut) break;
    keep -= weight(segment);
  }
  const last = leading.at(-1);
  const [first, ...rest] = as4Path;
  // One sequence cut in two by an old speaker is one sequence again, where its count allows.
  if (last?.type === 'sequence' && first?.type === 'sequence' && last.asns.length + first.asns.length <= MAX_SEGMENT)
    return [...leading.slice(0, -1), { type: 'sequence', asns: [...last.asns, ...first.asns] }, ...rest];
  return [...leading, ...as4Path];
}

/** AS4_PATH for a 2-octet peer: undefined when every AS number fits. The confederation's segments are no part of it. RFC 6793 4.2.2 */
export function as4PathOf(path: readonly AsSegment[]): readonly AsSegment[] | undefined {
  const segments = withoutConfederation(path);
  return segments.some((segment) => segment.asns.some((asn) => asn > 0xffff)) ? segments : undefined;
}
