/** What every verb of the daemon's side works with. Pure: types. */
import type { Clock, Timers } from '../base/ports.ts';
import type { CniPorts } from './ports.ts';
import type { ReleaseQueue } from './release-queue.ts';
import type { Workloads } from './workloads.ts';

export interface CniLogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

export interface CniContext {
  readonly nodeName: string;
  readonly ports: CniPorts;
  readonly workloads: Workloads;
  readonly releases: ReleaseQueue;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: (line: CniLogLine) => void;
}
