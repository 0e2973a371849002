/** Routes as the tables show them, for what exports them. */
import { parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import type { PathView, RouteView } from '../../../src/rib/terms/views.ts';

export function source(id: number, at: string): PathSource {
  const address = parseIp(at);
  if (address === undefined) throw new Error(`${at} is no address`);
  const kind = id === 0 ? 'local' : 'ebgp';
  return { id, name: at, kind, address, bgpIdentifier: id, client: false };
}
export const PATH: PathAttributes = {
  origin: 'igp',
  asPath: [{ type: 'sequence', asns: [4_200_000_001, 65_001] }],
  nextHop: ipv4(0x0a090002),
  med: 7,
};
export const SINCE = 1_700_000_123_000;
export const path = (from: PathSource, more: Partial<PathView> = {}): PathView => ({
  source: from,
  attributes: PATH,
  best: true,
  multipath: false,
  stale: false,
  longLived: false,
  since: SINCE,
  ...more,
});
export function route(text: string, ...paths: PathView[]): RouteView {
  const prefix = parseIpPrefix(text);
  if (prefix === undefined) throw new Error(`${text} is no prefix`);
  return { prefix, paths, steps: [] };
}
