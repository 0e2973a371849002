/** From what the OPENs agreed on to how an UPDATE is read or written. Pure. RFC 4760 8, 6793, 7911 4, 8654 4, 8950 4, 9234 5. */
import type { UpdateContext } from '../update/update-context.ts';
import { type Family, keyOfFamily } from '../wire/family.ts';
import { EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from '../wire/message.ts';
import type { Agreed } from './session-types.ts';

/** `receive`: of what the peer sends; `send`: of what we do. They differ in ADD-PATH. Made once per session. */
export function updateContext(agreed: Agreed, direction: 'receive' | 'send'): UpdateContext {
  const { role } = agreed;
  return {
    fourOctetAs: agreed.fourOctetAs,
    ibgp: agreed.ibgp,
    confederation: agreed.confederation,
    localAsn: agreed.localAsn,
    peerAsn: agreed.peerAsn,
    families: keys(agreed.families),
    addPath: keys(agreed.addPath[direction]),
    extendedNextHop: keys(agreed.extendedNextHop),
    maxMessageLength: agreed.extendedMessages ? EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH,
    ...(role === undefined ? {} : { role }),
  };
}

const keys = (families: readonly Family[]): ReadonlySet<number> => new Set(families.map(keyOfFamily));
