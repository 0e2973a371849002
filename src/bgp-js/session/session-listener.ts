/** A listener of those who want to hear of a few things only. Pure. */
import type { SessionListener } from './session-types.ts';

const nothing = (): void => {};

/** A whole SessionListener: what is not in `heard` is heard by nobody. */
export const sessionListener = (heard: Partial<SessionListener>): SessionListener => ({
  onState: nothing,
  onEstablished: nothing,
  onUpdate: nothing,
  onEndOfRib: nothing,
  onRouteRefresh: nothing,
  onDrain: nothing,
  onDown: nothing,
  ...heard,
});
