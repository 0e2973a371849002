/** AS_PATH, bytes <-> segments, and what is asked of a path. Pure. RFC 4271 4.3 b and 5.1.2, RFC 6793. */
import type { Reader, Writer } from '../../base/bytes.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { AS_TRANS } from '../wire/open.ts';
import type { AsSegment } from './attribute-types.ts';

const AS_SET = 1;
const AS_SEQUENCE = 2;
/** A segment counts its members in one octet. */
const MAX_SEGMENT = 255;

/** Reads to the reader's end; the fault is a text. An AS 0 is a fault (RFC 7607 2), a loop is not. */
export function readAsPath(r: Reader, fourOctetAs: boolean): Result<readonly AsSegment[], string> {
  const width = fourOctetAs ? 4 : 2;
  const segments: AsSegment[] = [];
  while (r.left > 0) {
    if (r.left < 2) return err('one octet is left behind the last segment');
    const type = r.u8();
    const count = r.u8();
    if (type !== AS_SET && type !== AS_SEQUENCE) return err(`segment type ${type} is unknown`);
    if (count === 0) return err('a segment of length 0');
    if (count * width > r.left)
      return err(`a segment of ${count} AS numbers has room for ${Math.floor(r.left / width)}`);
    const asns: number[] = [];
    for (let i = 0; i < count; i++) {
      const asn = fourOctetAs ? r.u32() : r.u16();
      if (asn === 0) return err('AS 0 (RFC 7607 2)');
      asns.push(asn);
    }
    segments.push({ type: type === AS_SET ? 'set' : 'sequence', asns });
  }
  return ok(segments);
}

/** To a 2-octet peer an AS number that does not fit becomes AS_TRANS. RFC 6793 4.2.2 */
export function writeAsPath(w: Writer, path: readonly AsSegment[], fourOctetAs: boolean): void {
  for (const segment of path)
    for (let from = 0; from < segment.asns.length; from += MAX_SEGMENT) {
      const asns = segment.asns.slice(from, from + MAX_SEGMENT);
      w.u8(segment.type === 'set' ? AS_SET : AS_SEQUENCE);
      w.u8(asns.length);
      for (const asn of asns) {
        if (fourOctetAs) w.u32(asn);
        else w.u16(asn > 0xffff ? AS_TRANS : asn);
      }
    }
}

/** For the decision process: a set counts as one. RFC 4271 9.1.2.2 a */
export const asPathLength = (path: readonly AsSegment[]): number =>
  path.reduce((sum, segment) => sum + (segment.type === 'set' ? 1 : segment.asns.length), 0);

export const asPathContains = (path: readonly AsSegment[], asn: number): boolean =>
  path.some((segment) => segment.asns.includes(asn));

/** The neighbouring AS: the first of a leading sequence; undefined for an empty path or a leading set. */
export const firstAsn = (path: readonly AsSegment[]): number | undefined =>
  path[0]?.type === 'sequence' ? path[0].asns[0] : undefined;

/** The path with `asn` in front, as an eBGP speaker sends it on. RFC 4271 5.1.2 b */
export function prependAsn(path: readonly AsSegment[], asn: number): readonly AsSegment[] {
  const [first, ...rest] = path;
  return first?.type === 'sequence' && first.asns.length < MAX_SEGMENT
    ? [{ type: 'sequence', asns: [asn, ...first.asns] }, ...rest]
    : [{ type: 'sequence', asns: [asn] }, ...path];
}

/** "65001 65002 {65003,65004}" */
export const formatAsPath = (path: readonly AsSegment[]): string =>
  path.map((s) => (s.type === 'set' ? `{${s.asns.join(',')}}` : s.asns.join(' '))).join(' ');

export const hasSets = (path: readonly AsSegment[]): boolean => path.some((segment) => segment.type === 'set');

/** The real path out of AS_PATH and AS4_PATH: what AS_PATH is longer by stands in front. A longer AS4_PATH is a lie and is
 *  ignored. RFC 6793 4.2.3 */
export function mergeAs4Path(path: readonly AsSegment[], as4Path: readonly AsSegment[]): readonly AsSegment[] {
  let keep = asPathLength(path) - asPathLength(as4Path);
  if (keep < 0) return path;
  const leading: AsSegment[] = [];
  for (const segment of path) {
    if (keep === 0) break;
    const taken = segment.type === 'set' ? segment : { ...segment, asns: segment.asns.slice(0, keep) };
    keep -= segment.type === 'set' ? 1 : taken.asns.length;
    leading.push(taken);
  }
  const last = leading.at(-1);
  const [first, ...rest] = as4Path;
  // One sequence cut in two by an old speaker is one sequence again, where its count allows.
  if (last?.type === 'sequence' && first?.type === 'sequence' && last.asns.length + first.asns.length <= MAX_SEGMENT)
    return [...leading.slice(0, -1), { type: 'sequence', asns: [...last.asns, ...first.asns] }, ...rest];
  return [...leading, ...as4Path];
}

export const needsAs4Path = (path: readonly AsSegment[]): boolean =>
  path.some((segment) => segment.asns.some((asn) => asn > 0xffff));
