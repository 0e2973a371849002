/** The BFD state machine as a table: every (state, event) has its cell. Pure. RFC 5880 6.2, 6.8.4, 6.8.6 and 6.8.16.
 *  session.ts performs the actions. */
import type { BfdState } from './bfd-types.ts';

/** What the neighbour's packet says, the detection time, and the operator. */
export type BfdEvent =
  | 'ReceivedAdminDown'
  | 'ReceivedDown'
  | 'ReceivedInit'
  | 'ReceivedUp'
  | 'DetectionExpired' // nothing was heard for the detection time
  | 'Enable'
  | 'Disable';

/** What the driver does, in order. */
export type BfdAction =
  | 'forgetNeighbour' // its discriminator is 0 again, 6.8.1
  | 'quicken' // our intervals as configured, with a Poll Sequence, 6.8.3
  | 'slowDown' // not Up: a second at least, 6.8.3
  | 'announce'; // a packet at once, for its contents differ from the last one's, 6.8.7

export const NO_DIAGNOSTIC = 0;
export const DETECTION_TIME_EXPIRED = 1;
export const NEIGHBOR_SIGNALED_DOWN = 3;
export const ADMINISTRATIVELY_DOWN = 7;

export interface Transition {
  readonly next: BfdState;
  /** bfd.LocalDiag from now on; absent: as it was. */
  readonly diagnostic?: number;
  readonly actions: readonly BfdAction[];
}

const NOTHING: readonly BfdAction[] = [];
const stay = (here: BfdState): Transition => ({ next: here, actions: NOTHING });
const to = (next: BfdState, diagnostic: number | undefined, ...actions: BfdAction[]): Transition => ({
  next,
  ...(diagnostic !== undefined && { diagnostic }),
  actions,
});

/** The diagnostic stays until the session is Up again: that is how the neighbour learns why the last one failed (4.1). */
const INIT = to('Init', undefined, 'announce');
const UP = to('Up', NO_DIAGNOSTIC, 'quicken', 'announce');
const DISABLED = to('AdminDown', ADMINISTRATIVELY_DOWN, 'slowDown', 'announce');
const SIGNALED = to('Down', NEIGHBOR_SIGNALED_DOWN, 'slowDown', 'announce');
const EXPIRED = to('Down', DETECTION_TIME_EXPIRED, 'forgetNeighbour', 'slowDown', 'announce');

/** Without neighbour there is no session to lose, but its discriminator ages in every state (6.8.1). */
const aged = (here: BfdState): Transition => to(here, undefined, 'forgetNeighbour');

export const BFD_TABLE: Readonly<Record<BfdState, Readonly<Record<BfdEvent, Transition>>>> = {
  AdminDown: {
    ReceivedAdminDown: stay('AdminDown'),
    ReceivedDown: stay('AdminDown'),
    ReceivedInit: stay('AdminDown'),
    ReceivedUp: stay('AdminDown'),
    DetectionExpired: aged('AdminDown'),
    Enable: to('Down', undefined, 'announce'),
    Disable: stay('AdminDown'),
  },
  Down: {
    ReceivedAdminDown: stay('Down'),
    ReceivedDown: INIT,
    ReceivedInit: UP,
    // Its session is an old one that has not noticed yet: it must come through Down first.
    ReceivedUp: stay('Down'),
    DetectionExpired: aged('Down'),
    Enable: stay('Down'),
    Disable: DISABLED,
  },
  Init: {
    ReceivedAdminDown: SIGNALED,
    ReceivedDown: stay('Init'),
    ReceivedInit: UP,
    ReceivedUp: UP,
    DetectionExpired: EXPIRED,
    Enable: stay('Init'),
    Disable: DISABLED,
  },
  Up: {
    ReceivedAdminDown: SIGNALED,
    ReceivedDown: SIGNALED,
    ReceivedInit: stay('Up'),
    ReceivedUp: stay('Up'),
    DetectionExpired: EXPIRED,
    Enable: stay('Up'),
    Disable: DISABLED,
  },
};

/** The event that a packet of this state is. */
export const RECEIVED: { readonly [S in BfdState]: BfdEvent } = {
  AdminDown: 'ReceivedAdminDown',
  Down: 'ReceivedDown',
  Init: 'ReceivedInit',
  Up: 'ReceivedUp',
};
