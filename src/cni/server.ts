/** The daemon's end of the unix socket that the CNI executable speaks to. */
import type { Clock, Timers } from '../base/ports.ts';
import type { Workload } from '../model/workload.ts';
import type { CniPorts } from './ports.ts';

export interface CniServerOptions {
  /** Default /run/gingham/cni.sock */
  readonly socketPath: string;
  /** Where workloads and queued releases are recorded: outlives the daemon, not the boot. /run/gingham/cni */
  readonly stateDirectory: string;
  readonly nodeName: string;
  readonly ports: CniPorts;
  readonly clock: Clock;
  readonly timers: Timers;
  /** An ADD, DEL or CHECK may take this long once it is its turn. Default 60000. */
  readonly deadlineMs?: number;
  readonly log?: (line: CniLogLine) => void;
}

export interface CniLogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

export declare class CniServer {
  constructor(options: CniServerOptions);
  /** Reads the records, tells `routes` of every workload's route again, then listens. */
  start(): Promise<void>;
  /** Stops listening and waits for the requests at work. Pods and records stay. */
  stop(): Promise<void>;
  /** Pods of this node, for views. */
  workloads(): readonly Workload[];
  /** Handles of queued releases that the store has not taken yet, for views. */
  pendingReleases(): readonly string[];
}
