/** A framed UPDATE -> an object. Pure. RFC 4271 4.3, 4760, 7606. What it costs beside the hot path is in the README. */
import { decodeAttributesOf, type RoutesIn } from '../attributes/attributes.ts';
import { Faults, INVALID_NETWORK } from '../attributes/faults.ts';
import type { BgpError } from '../wire/error.ts';
import { familyName, familyOfKey, IPV4_UNICAST } from '../wire/family.ts';
import { HEADER_LENGTH } from '../wire/message.ts';
import { readNlri } from './nlri-value.ts';
import { endOfRibFamily, ReusableUpdate, readChecked } from './update.ts';
import type { UpdateContext } from './update-context.ts';
import type { UpdateFrame } from './update-frame.ts';
import type { DecodedUpdate, Nlri } from './update-types.ts';

/** `bytes` from `start` to `end` is one UPDATE, header included. Never throws, whatever the bytes. */
export function decodeUpdate(bytes: Uint8Array, start: number, end: number, context: UpdateContext): DecodedUpdate {
  const frame = new ReusableUpdate();
  const error = readChecked(frame, bytes, start, end, context);
  if (error !== undefined) return reset(error, frame);
  const routes = routesIn(frame);
  const { attributesStart, attributesEnd } = frame;
  const decoded = decodeAttributesOf(bytes, attributesStart, attributesEnd, context, routes);
  if (decoded.error !== undefined) return { ...NO_ROUTES, ...decoded, disposition: 'reset' };
  const withdrawn = withdrawnOf(frame);
  const announced = announcedOf(frame);
  const family = endOfRibFamily(frame);
  const endOfRib = family !== 0 ? { endOfRib: familyOfKey(family) } : {};
  const seen = ignored(frame, decoded);
  return decoded.disposition === 'withdraw'
    ? { withdrawn: [...withdrawn, ...announced], announced: [], ...seen, ...endOfRib }
    : { withdrawn, announced, ...seen, ...endOfRib };
}

/** What `onUpdate` was given, as an object that outlives the call. `context` is that of the session:
 *  updateContext(session.agreed, 'receive'). */
export const readUpdate = (frame: UpdateFrame, context: UpdateContext): DecodedUpdate =>
  decodeUpdate(frame.slab, frame.withdrawnStart - HEADER_LENGTH - 2, frame.nlriEnd, context);

const NO_ROUTES: { readonly withdrawn: readonly Nlri[]; readonly announced: readonly Nlri[] } = {
  withdrawn: [],
  announced: [],
};

function reset(error: BgpError, { culprit }: ReusableUpdate): DecodedUpdate {
  const faults = new Faults();
  faults.reset(culprit?.type ?? 0, error, culprit?.at);
  return { ...NO_ROUTES, faults: faults.list, disposition: 'reset', error };
}

function routesIn(frame: ReusableUpdate): RoutesIn {
  const nlri = frame.nlriEnd > frame.nlriStart;
  const mp = frame.reachEnd > frame.reachStart;
  return nlri ? (mp ? 'both' : 'nlri') : mp ? 'mp' : 'none';
}

/** Routes of a family that was not negotiated, in the fields that have no attribute to blame. */
function ignored(frame: ReusableUpdate, decoded: Pick<DecodedUpdate, 'faults' | 'disposition'>): typeof decoded {
  const inFields = frame.ignoredFamily !== 0 && !decoded.faults.some((f) => f.type === 14 || f.type === 15);
  if (!inFields) return decoded;
  const text = `${familyName(familyOfKey(frame.ignoredFamily))} was not negotiated; its routes are ignored (RFC 4760 8)`;
  const fault = { type: 0, action: 'discard', subcode: INVALID_NETWORK, text } as const;
  const disposition = decoded.disposition === 'accept' ? 'discard' : decoded.disposition;
  return { ...decoded, faults: [...decoded.faults, fault], disposition };
}

function withdrawnOf(frame: ReusableUpdate): readonly Nlri[] {
  const { slab, withdrawnStart, withdrawnEnd, unreachFamily, unreachStart, unreachEnd } = frame;
  return [
    ...(readNlri(slab, withdrawnStart, withdrawnEnd, IPV4_UNICAST, frame.addPath) ?? []),
    ...(readNlri(slab, unreachStart, unreachEnd, familyOfKey(unreachFamily), frame.unreachAddPath) ?? []),
  ];
}

function announcedOf(frame: ReusableUpdate): readonly Nlri[] {
  const { slab, nlriStart, nlriEnd, reachFamily, reachStart, reachEnd } = frame;
  return [
    ...(readNlri(slab, nlriStart, nlriEnd, IPV4_UNICAST, frame.addPath) ?? []),
    ...(readNlri(slab, reachStart, reachEnd, familyOfKey(reachFamily), frame.reachAddPath) ?? []),
  ];
}
