/** An object -> UPDATE messages. Pure. RFC 4271 4.3, 4760, 7911; one kind of routes per message, MP_REACH_NLRI first:
 *  RFC 7606 5.1. */
import { Writer } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { PathAttributes } from '../attributes/attribute-types.ts';
import { encodeAttributes } from '../attributes/attributes.ts';
import { writeMpNextHop } from '../attributes/mp-reach.ts';
import {
  type Family,
  familyName,
  IPV4_UNICAST_KEY,
  keyOfFamily,
  SAFI_FLOWSPEC,
  SAFI_FLOWSPEC_VPN,
} from '../wire/family.ts';
import { message, UPDATE } from '../wire/message.ts';
import { NlriWriter } from './nlri-writer.ts';
import { END_OF_RIB } from './packer.ts';
import type { UpdateContext } from './update-context.ts';
import type { Nlri, Update } from './update-types.ts';

/** Whole messages, one behind the other, ready for BgpSession.send: withdrawals by family, then announcements by family, then
 *  End-of-RIB. `context` is that of the direction to the peer. IPv4 unicast goes into the NLRI field when there is a `nextHop`,
 *  else into MP_REACH_NLRI. A route whose attributes leave no room for it is withdrawn instead (RFC 4271 9.2). Throws
 *  InvariantError when routes are announced without attributes, or in MP_REACH_NLRI without `mpNextHop`. */
export function encodeUpdate(update: Update, context: UpdateContext): Uint8Array {
  const messages: Uint8Array[] = [];
  const take = (bytes: Uint8Array): void => void messages.push(bytes);
  const tooLong: Nlri[] = [];
  const announcements: Uint8Array[] = [];
  for (const [family, list] of byFamily(update.announced)) {
    invariant(update.attributes !== undefined, 'an UPDATE announces routes and has no attributes (RFC 4271 5)');
    tooLong.push(...announce(family, list, update.attributes, context, (bytes) => void announcements.push(bytes)));
  }
  for (const [family, list] of byFamily([...update.withdrawn, ...tooLong])) withdraw(family, list, context, take);
  messages.push(...announcements);
  if (update.endOfRib !== undefined) messages.push(endOfRib(update.endOfRib));
  return joined(messages);
}

/** The UPDATE that ends a family's initial routes. RFC 4724 2 */
export function endOfRib({ afi, safi }: Family): Uint8Array {
  if (keyOfFamily({ afi, safi }) === IPV4_UNICAST_KEY) return END_OF_RIB;
  // No withdrawn routes; six octets of attributes: MP_UNREACH_NLRI, optional, of three octets.
  return message(UPDATE, Uint8Array.of(0, 0, 0, 6, 0x80, 15, 3, afi >>> 8, afi, safi));
}

function byFamily(list: readonly Nlri[]): Map<number, Nlri[]> {
  const groups = new Map<number, Nlri[]>();
  for (const nlri of list) {
    const key = keyOfFamily(nlri.family);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [nlri]);
    else group.push(nlri);
  }
  return groups;
}

const writerFor = (family: number, context: UpdateContext, take: (bytes: Uint8Array) => void): NlriWriter =>
  new NlriWriter(take, {
    family,
    addPath: context.addPath.has(family),
    maxMessageLength: context.maxMessageLength,
  });

function withdraw(
  family: number,
  list: readonly Nlri[],
  context: UpdateContext,
  take: (bytes: Uint8Array) => void,
): void {
  const writer = writerFor(family, context, take);
  if (family === IPV4_UNICAST_KEY) writer.withdrawn();
  else writer.unreach();
  for (const { bytes, pathId } of list) writer.add(bytes, 0, bytes.length, pathId ?? 0);
  writer.finish();
}

/** Answers the routes that fit into no message with these attributes. */
function announce(
  family: number,
  list: readonly Nlri[],
  attributes: PathAttributes,
  context: UpdateContext,
  take: (bytes: Uint8Array) => void,
): readonly Nlri[] {
  const writer = writerFor(family, context, take);
  const { nextHop, ...rest } = attributes;
  const inField = family === IPV4_UNICAST_KEY && nextHop !== undefined;
  const bytes = encodeAttributes(inField ? attributes : rest, context);
  const fits = inField
    ? writer.nlri(bytes, 0, bytes.length)
    : writer.reach(nextHopBytes(list[0], attributes), bytes, 0, bytes.length);
  if (!fits) return list;
  const tooLong = list.filter((nlri) => !writer.add(nlri.bytes, 0, nlri.bytes.length, nlri.pathId ?? 0));
  writer.finish();
  return tooLong;
}

/** FlowSpec routes have no next hop. RFC 8955 4 */
function nextHopBytes(nlri: Nlri | undefined, { mpNextHop }: PathAttributes): Uint8Array {
  const safi = nlri?.family.safi;
  const w = new Writer(48);
  if (mpNextHop !== undefined) writeMpNextHop(w, mpNextHop);
  else if (nlri !== undefined)
    invariant(
      safi === SAFI_FLOWSPEC || safi === SAFI_FLOWSPEC_VPN,
      `routes of ${familyName(nlri.family)} are announced without mpNextHop (RFC 4760 3)`,
    );
  return w.copy();
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
