/** The verbs of `gingham lab`. Each prints, and answers an exit code: 0 done, 1 failed, 2 usage, 4 no such lab or node. */
import type { LabOptions } from './options.ts';

/** Brings a lab up; returns when it is down again, or with `detach` when it is ready. */
export async function labUp(_asked: Partial<LabOptions>): Promise<number> {
  return 1;
}

/** Lists this user's labs. */
export async function labLs(): Promise<number> {
  return 1;
}

/** Runs a command in a node (or in "fabric", or in a pod) and answers its exit code. `lab` undefined: the only one. */
export async function labExec(_lab: string | undefined, _node: string, _command: readonly string[]): Promise<number> {
  return 1;
}

/** Ends a lab and waits until nothing of it is left. */
export async function labDown(_lab: string | undefined): Promise<number> {
  return 1;
}
