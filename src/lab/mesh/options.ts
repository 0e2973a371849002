/** What `gingham lab up` is asked for. Pure: text and numbers in, options or every fault at once out. */
import { err, ok, type Result } from '../../base/result.ts';

export type LabEncap = 'ipip' | 'vxlan' | 'none';

export interface LabOptions {
  readonly name: string;
  /** Nodes that run Gingham. */
  readonly nodes: number;
  /** Nodes that run BIRD 2, numbered after them. */
  readonly bird: number;
  readonly encap: LabEncap;
  /** Per Gingham node. */
  readonly pods: number;
  /** Return when the lab is ready and let it go on. */
  readonly detach: boolean;
  /** Seconds, for every session; absent: the daemon's default. */
  readonly holdTimeSec?: number | undefined;
  /** Seconds that peers keep a restarting node's routes; absent: the daemon's default. */
  readonly restartTimeSec?: number | undefined;
  readonly gracefulRestart: boolean;
  /** A containerlab file that is the lab, instead of nodes and pods by number. Absolute once `up` has it. */
  readonly topology?: string | undefined;
}

export const DEFAULT_LAB: LabOptions = {
  name: 'gingham',
  nodes: 3,
  bird: 0,
  encap: 'ipip',
  pods: 2,
  detach: false,
  gracefulRestart: true,
};

export const MAX_NODES = 20;
export const MAX_PODS = 20;
/** The name is a folder, and the sockets below it must fit a unix socket's 107 bytes. */
const LAB_NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
const ENCAPS: readonly string[] = ['ipip', 'vxlan', 'none'];

const between = (what: string, value: number, low: number, high: number): string[] =>
  Number.isInteger(value) && value >= low && value <= high
    ? []
    : [`${what} is ${value}, but a lab has ${low} to ${high}.`];

/** Every fault, each with its remedy; a usage error for the caller (exit code 2). */
export function checkLabOptions(asked: Partial<LabOptions>): Result<LabOptions, readonly string[]> {
  const options: LabOptions = { ...DEFAULT_LAB, ...asked };
  const faults = [
    ...(LAB_NAME.test(options.name)
      ? []
      : [`--name is "${options.name}", but a lab's name is 1 to 32 of a-z, 0-9 and -, for instance "blue".`]),
    ...between('--nodes', options.nodes, 1, MAX_NODES),
    ...between('--bird', options.bird, 0, MAX_NODES),
    ...between('--pods', options.pods, 0, MAX_PODS),
    ...(ENCAPS.includes(options.encap) ? [] : [`--encap is "${options.encap}"; it can be ipip, vxlan or none.`]),
    ...holdTimeFaults(options.holdTimeSec),
    ...topologyFaults(options),
  ];
  if (faults.length === 0 && options.nodes + options.bird > MAX_NODES) {
    faults.push(`--nodes ${options.nodes} and --bird ${options.bird} make more than ${MAX_NODES} nodes.`);
  }
  return faults.length > 0 ? err(faults) : ok(options);
}

/** A file has its own nodes and settings. */
function topologyFaults(options: LabOptions): string[] {
  const { topology } = options;
  if (topology === undefined) return [];
  const changed = FLAGS.filter(([key]) => options[key] !== DEFAULT_LAB[key]).map(([, flag]) => flag);
  return changed.length === 0
    ? []
    : [`--topology ${topology} has nodes and settings of its own: leave ${changed.join(', ')} out.`];
}
const FLAGS: readonly (readonly [keyof LabOptions, string])[] = [
  ['nodes', '--nodes'],
  ['bird', '--bird'],
  ['encap', '--encap'],
  ['pods', '--pods'],
  ['holdTimeSec', '--hold-time'],
  ['restartTimeSec', '--restart-time'],
  ['gracefulRestart', '--no-graceful-restart'],
];

function holdTimeFaults(seconds: number | undefined): string[] {
  if (seconds === undefined || seconds === 0) return [];
  if (Number.isInteger(seconds) && seconds >= 3 && seconds <= 65_535) return [];
  return [
    `--hold-time is ${seconds}, but RFC 4271 4.2 allows 0 or 3 to 65535 seconds. Use 90, or 0 for no keepalives.`,
  ];
}
