/** Which of two connections with one peer lives. Pure. RFC 4271 6.8, RFC 6286 2.3. */
import type { Agreed, SessionConfig } from './session-types.ts';

/** The connection opened by the side with the higher BGP identifier lives; equal ones are told apart by AS number. Both are
 *  unsigned. Of two that the same side opened, the later: the earlier is a leftover of it. */
export function challengerLives(
  config: SessionConfig,
  agreed: Agreed,
  challenger: { readonly outgoing: boolean },
  other: { readonly outgoing: boolean },
): boolean {
  if (challenger.outgoing === other.outgoing) return true;
  const { bgpIdentifier, localAsn } = config;
  const same = bgpIdentifier === agreed.peerBgpIdentifier;
  const oursIsHigher = same ? localAsn > agreed.peerAsn : bgpIdentifier > agreed.peerBgpIdentifier;
  return challenger.outgoing === oursIsHigher;
}
