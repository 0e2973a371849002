/** One peer: at most two connections, driven from the FSM table. The clock, timers, chance and transport come in. */
import type { BgpError } from './error.ts';
import type {
  Agreed,
  Connection,
  SessionConfig,
  SessionCounters,
  SessionListener,
  SessionPorts,
  SessionState,
  StopHow,
} from './session-types.ts';

export declare class BgpSession {
  constructor(config: SessionConfig, ports: SessionPorts, listener: SessionListener);
  get state(): SessionState;
  get agreed(): Agreed | undefined;
  get counters(): SessionCounters;
  /** Begins to dial and to accept; does nothing when already started. */
  start(): void;
  /** Takes over a connection that the peer opened to us. */
  accept(connection: Connection): void;
  /** Ends for good, until start() is called again. */
  stop(how: StopHow): void;
  /** Ends the session with NOTIFICATION `error`; it comes back by itself. */
  reset(error: BgpError): void;
  /** Whole messages for an established session; false: wait for onDrain before sending more. Not Established: dropped, true. */
  send(messages: Uint8Array): boolean;
}
