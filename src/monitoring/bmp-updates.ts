/** Paths of the tables as the UPDATEs that a station hears: one route each, as the peer announced it. Pure. RFC 7854 5
 *  Undefined among what comes goes through: time for others. */
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import { encodeUpdate } from '../bgp-js/update/encode-update.ts';
import { nlriOf } from '../bgp-js/update/nlri-value.ts';
import type { UpdateContext } from '../bgp-js/update/update-context.ts';
import type { Family } from '../bgp-js/wire/family.ts';
import type { PrefixPath, RouteView } from '../rib/terms/views.ts';
import { withNextHop } from './own-next-hop.ts';

/** Adj-RIB-In before policy: attributes as received, rejected paths too. What could not be decoded is left out: as an UPDATE
 *  it was a withdrawal (RFC 7606 2). */
export function* receivedUpdates(
  paths: Iterable<PrefixPath | undefined>,
  context: UpdateContext,
  endOfRib: readonly Family[],
): Generator<Uint8Array | undefined> {
  for (const one of paths) {
    if (one === undefined) {
      yield undefined;
      continue;
    }
    const { prefix, path } = one;
    const attributes = path.received ?? path.attributes;
    if (attributes === undefined) continue;
    yield encodeUpdate({ withdrawn: [], announced: [nlriOf(prefix, path.pathId)], attributes }, context);
  }
  for (const family of endOfRib) yield encodeUpdate({ withdrawn: [], announced: [], endOfRib: family }, context);
}

/** The best paths. RFC 9069 5 */
export function* bestUpdates(
  routes: Iterable<RouteView | undefined>,
  context: UpdateContext,
  endOfRib: Family,
): Generator<Uint8Array | undefined> {
  for (const route of routes) {
    if (route === undefined) {
      yield undefined;
      continue;
    }
    const { prefix, paths } = route;
    const best = paths.find((p) => p.best)?.attributes;
    if (best !== undefined) yield bestUpdate(prefix, best, context);
  }
  yield encodeUpdate({ withdrawn: [], announced: [], endOfRib }, context);
}

export const bestUpdate = (
  prefix: RouteView['prefix'],
  attributes: PathAttributes,
  context: UpdateContext,
): Uint8Array =>
  encodeUpdate({ withdrawn: [], announced: [nlriOf(prefix)], attributes: withNextHop(prefix, attributes) }, context);

export const withdrawnUpdate = (prefix: RouteView['prefix'], context: UpdateContext): Uint8Array =>
  encodeUpdate({ withdrawn: [nlriOf(prefix)], announced: [] }, context);
