/** Who listens to what passes between a peer and us: a monitoring station's side of the daemon (RFC 7854). Pure: types. */
import type { SessionDown } from '../bgp-js/session/session-types.ts';
import type { UpdateFrame } from '../bgp-js/update/update-frame.ts';
import type { PeerState } from './peer-state.ts';

/** Both OPENs of a session, whole messages. */
export interface Opens {
  readonly sent: Uint8Array;
  readonly received: Uint8Array;
}

export interface PeerTap {
  /** Established, and nothing of it is in the tables yet. */
  up(peer: PeerState, opens: Opens): void;
  /** After the tables took it. The frame's octets are read now or never. */
  update(peer: string, update: UpdateFrame): void;
  /** An Established session ended. */
  down(peer: PeerState, how: SessionDown): void;
}
