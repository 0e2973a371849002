/** All peers: configuration to sessions, and what differs from the last one. Pure of I/O: transport, clock, timers, randomness come in. */
import type { Clock, Random, Timers } from '../base/ports.ts';
import type { StopHow } from '../bgp-js/session-types.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { LocRib } from '../rib/loc-rib.ts';
import type { PeerState } from './peer-state.ts';

/** One log line each. */
export interface PeerLog {
  up(event: { readonly peer: PeerState; readonly downForMs?: number }): void;
  down(event: {
    readonly peer: PeerState;
    readonly code: string;
    readonly text: string;
    readonly upForMs: number;
    readonly keptStale: number;
  }): void;
}

export interface RestartOptions {
  /** Routes of ours were found in the kernel: F=1. RFC 4724 3 */
  readonly forwarding: boolean;
  /** Longest wait for the peers' End-of-RIB; default 15 s. */
  readonly capMs?: number;
  /** A peer that is not Established by then is not waited for; default 3 s. */
  readonly connectMs?: number;
  /** True: End-of-RIB is not sent before localRoutesReady() was called (the store told us our blocks). */
  readonly waitForLocalRoutes?: boolean;
  readonly onComplete?: (why: 'all-peers' | 'cap' | 'no-peers') => void;
}

export interface PeerSetPorts {
  readonly rib: LocRib;
  /** bgp-js's dialling port. */
  readonly transport: unknown;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly bgpIdentifier: number;
  readonly restart: RestartOptions;
  readonly log: PeerLog;
}

export interface ChangedPeer {
  readonly name: string;
  /** The settings that differ. */
  readonly fields: readonly string[];
  /** The session ends and comes back. */
  readonly needsReset: boolean;
}
export interface ApplyReport {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ChangedPeer[];
}

const todo = (): never => {
  throw new Error('not yet');
};

export class PeerSet {
  constructor(_ports: PeerSetPorts) {}
  /** What apply() would do. No effects. */
  plan(_configs: readonly PeerConfig[]): ApplyReport {
    return todo();
  }
  /** Makes the sessions what `configs` says; touches only what differs. */
  apply(_configs: readonly PeerConfig[]): ApplyReport {
    return todo();
  }
  /** An accepted TCP connection, found its peer by remote address; an unknown one is closed. (bgp-js's Connection) */
  accept(_connection: unknown): void {
    todo();
  }
  /** Our own routes are all originated: see RestartOptions.waitForLocalRoutes. */
  localRoutesReady(): void {
    todo();
  }
  get restarting(): boolean {
    return todo();
  }
  /** Ends all sessions; resolved when the last connection is closed. */
  stopAll(_how: StopHow): Promise<void> {
    return todo();
  }
  /** In order of name. */
  views(): readonly PeerState[] {
    return todo();
  }
}
