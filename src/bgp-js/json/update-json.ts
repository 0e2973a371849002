/** An UPDATE as JSON: what is on the wire, and beside it what decodeUpdate makes of it. Pure. RFC 4271 4.3, 4760, 7606. */
import { INVALID_NETWORK } from '../attributes/faults.ts';
import { MP_REACH, MP_UNREACH, mpFamily, reachNlriStart, unreachNlriStart } from '../attributes/mp-reach.ts';
import { decodeUpdate } from '../update/decode-update.ts';
import { forEachNlri } from '../update/nlri.ts';
import type { UpdateContext } from '../update/update-context.ts';
import type { DecodedUpdate } from '../update/update-types.ts';
import { familyName, IPV4_UNICAST_KEY } from '../wire/family.ts';
import { attributesJson } from './attribute-json.ts';
import { faultJson } from './fault-json.ts';
import type { FaultJson, NlriJson, UpdateJson } from './json-types.ts';
import { nlriJson } from './nlri-json.ts';
import { eachAttribute, type UpdateParts, updateParts, type WalkedAttribute } from './walk.ts';

/** NLRI of one section, and where one of them is wrong. */
class Section {
  readonly list: NlriJson[] = [];
  badAt: number | undefined;

  add(bytes: Uint8Array, start: number, end: number, family: number, context: UpdateContext): void {
    const addPath = context.addPath.has(family);
    const stopped = forEachNlri(bytes, start, end, family, addPath, (at, to, pathId) => {
      this.list.push(nlriJson(bytes, at, to, family, addPath ? pathId : undefined));
    });
    if (stopped < end) this.badAt ??= stopped;
  }
}

/** `bytes` is a framed UPDATE, header included, of 23 octets at least. */
export function updateJson(bytes: Uint8Array, context: UpdateContext): UpdateJson {
  const parts = updateParts(bytes);
  const walked: WalkedAttribute[] = [];
  eachAttribute(bytes, parts.attributesStart, parts.attributesEnd, (attribute) => walked.push(attribute));
  const [withdrawn, nlri] = [new Section(), new Section()];
  withdrawn.add(bytes, parts.withdrawnStart, parts.withdrawnEnd, IPV4_UNICAST_KEY, context);
  if (parts.overrunAt === undefined) nlri.add(bytes, parts.attributesEnd, bytes.length, IPV4_UNICAST_KEY, context);
  for (const { type, from, to } of walked) {
    if (type === MP_UNREACH && to - from >= 3)
      withdrawn.add(bytes, unreachNlriStart(from), to, mpFamily(bytes, from), context);
    if (type === MP_REACH && to - from >= 5 && reachNlriStart(bytes, from) <= to)
      nlri.add(bytes, reachNlriStart(bytes, from), to, mpFamily(bytes, from), context);
  }
  const shown = attributesJson(bytes, parts.attributesStart, parts.attributesEnd, context);
  const decoded = decodeUpdate(bytes, 0, bytes.length, context);
  return {
    type: 'update',
    length: bytes.length,
    withdrawn: withdrawn.list,
    nlri: nlri.list,
    attributes: shown.attributes,
    ...(shown.repeated.length > 0 && { repeated: shown.repeated }),
    ...(decoded.endOfRib !== undefined && { endOfRib: familyName(decoded.endOfRib) }),
    disposition: decoded.disposition,
    faults: faultsOf(decoded, parts, walked, withdrawn.badAt ?? nlri.badAt),
  };
}

/** Each fault, and the error of a reset where it is not one of them. */
function faultsOf(
  decoded: DecodedUpdate,
  parts: UpdateParts,
  walked: readonly WalkedAttribute[],
  badNlriAt: number | undefined,
): FaultJson[] {
  const octetOf = (type: number, subcode: number, at: number | undefined): number => {
    if (subcode === INVALID_NETWORK && badNlriAt !== undefined) return badNlriAt;
    if (at !== undefined) return parts.attributesStart + at;
    // What is missing has no octet: the attributes have.
    return (type === 0 ? parts.overrunAt : walked.find((a) => a.type === type)?.at) ?? parts.attributesStart;
  };
  const faults = decoded.faults.map(({ type, action, text, subcode, at }) =>
    faultJson(action, 3, subcode, text, octetOf(type, subcode, at), type === 0 ? undefined : type),
  );
  const { error } = decoded;
  if (error !== undefined && !decoded.faults.some((f) => f.action === 'reset' && f.text === error.text))
    faults.push(faultJson('reset', error.code, error.subcode, error.text, octetOf(0, error.subcode, undefined)));
  return faults;
}
