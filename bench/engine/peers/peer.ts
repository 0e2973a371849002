/** What the bench wants of a BGP daemon: a configuration of its own for the plan of a scenario, and the commands that run it. */
import { spawnSync } from 'node:child_process';

export interface Neighbor {
  readonly address: string;
  readonly asn: number;
}

export interface Plan {
  readonly address: string;
  readonly asn: number;
  readonly neighbors: readonly Neighbor[];
  /** The daemon dials; else it waits to be called. */
  readonly dials: boolean;
  /** Best paths go into the kernel. */
  readonly kernel: boolean;
  readonly holdTimeSec: number;
  /** What the floor sends when the first neighbor goes: it does not think of it itself. */
  readonly onLossFile?: string;
}

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Before the next command is started. */
  readonly ready?: () => boolean;
}

export interface Contestant {
  readonly name: string;
  /** Not a daemon but the harness's own cost. */
  readonly floor?: true;
  /** undefined: it is not on this machine. */
  version(): string | undefined;
  /** Why it has no place in such a plan. */
  readonly cannot?: (plan: { readonly kernel: boolean }) => string | undefined;
  /** Lists all routes, as JSON where it can. */
  readonly listing?: (folder: string) => readonly string[];
  /** Writes what it needs into the folder. */
  commands(plan: Plan, folder: string): readonly Command[];
}

/** First match in what a command says. */
export function versionBy(command: string, args: readonly string[], pattern: RegExp): string | undefined {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });
  return pattern.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[1];
}
