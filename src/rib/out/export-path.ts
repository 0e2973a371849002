/** AS_PATH on its way to another AS, as values: what rewrite-path.ts of bgp-js does to octets. Pure. RFC 4271 5.1.2, RFC 5065 4.1,
 *  RFC 6996, RFC 7705 3.3. */
import { withoutConfederation } from '../../bgp-js/attributes/as-path.ts';
import type { AsSegment } from '../../bgp-js/attributes/attribute-types.ts';
import { isPrivateAsn } from '../../bgp-js/attributes/rewrite-path.ts';
import type { ExportTarget } from './export-target.ts';

/** One segment holds at most 255. RFC 4271 4.3 b */
const MAX_SEGMENT = 255;

/** What stands in front of every path that leaves, in this order: our AS as the peer knows it, and ours behind it where that is
 *  another one and is not to be hidden. */
export const prependedAsns = ({ localAsn, localAs }: ExportTarget): readonly number[] =>
  localAs === undefined || localAs.replaceAs || localAs.nodeAsn === localAsn ? [localAsn] : [localAsn, localAs.nodeAsn];

export function pathToEbgp(path: readonly AsSegment[], to: ExportTarget): readonly AsSegment[] {
  return prepend(withoutPrivate(withoutConfederation(path), to), prependedAsns(to));
}

function withoutPrivate(path: readonly AsSegment[], to: ExportTarget): readonly AsSegment[] {
  const { removePrivateAs, peerAsn, localAsn } = to;
  if (removePrivateAs === undefined) return path;
  const isOut = (asn: number): boolean => asn !== peerAsn && isPrivateAsn(asn);
  return path.flatMap(({ type, asns }): AsSegment[] => {
    const kept =
      removePrivateAs === 'all' ? asns.filter((asn) => !isOut(asn)) : asns.map((asn) => (isOut(asn) ? localAsn : asn));
    return kept.length === 0 ? [] : [{ type, asns: kept }];
  });
}

/** RFC 4271 5.1.2 b: into a leading sequence with room for all, else as a segment of their own. */
export function prepend(path: readonly AsSegment[], asns: readonly number[]): readonly AsSegment[] {
  const [first, ...others] = path;
  return first?.type === 'sequence' && first.asns.length + asns.length <= MAX_SEGMENT
    ? [{ type: 'sequence', asns: [...asns, ...first.asns] }, ...others]
    : [{ type: 'sequence', asns }, ...path];
}
