/** The verbs of `gingham lab`. Each prints, and answers an exit code: 0 done, 1 failed, 2 usage, 3 up but not whole,
 *  4 no such lab or node, 130 interrupted. */
import fs from 'node:fs';
import { enter } from './enter.ts';
import { findLab, isAlive, type LabRecord, labsDirs, listLabs, removeLab, sweepLabs } from './machine/registry.ts';
import type { LabOptions } from './mesh/options.ts';
import { table } from './tour/steps.ts';
import { up } from './up.ts';

/** Brings a lab up; returns when it is down again, or with `detach` when it is ready. */
export const labUp = (asked: Partial<LabOptions>): Promise<number> => up(asked);

/** Lists this user's labs. */
export async function labLs(): Promise<number> {
  sweepLabs();
  const labs = listLabs();
  if (labs.length === 0) {
    process.stderr.write('No lab is running. Start one with: gingham lab up\n');
    return 0;
  }
  const rows = labs.map((lab) => [
    lab.name,
    lab.ready ? 'ready' : 'starting',
    lab.encap,
    String(lab.nodes.length),
    String(lab.pods.length),
    lab.startedAt,
    lab.dir,
  ]);
  const lines = table([['NAME', 'STATE', 'ENCAP', 'NODES', 'PODS', 'STARTED', 'FOLDER'], ...rows], '');
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** Runs a command in a node (or in "fabric", or in a pod) and answers its exit code; without a command, a shell.
 *  `lab` undefined: the only one, or the one called "gingham". */
export async function labExec(lab: string | undefined, node: string, command: readonly string[]): Promise<number> {
  const found = findLab(lab);
  return found ? enter(found, node, command) : missing('exec', lab);
}

const DOWN_PATIENCE_MS = 10_000;

/** Ends a lab and waits until nothing of it is left. */
export async function labDown(lab: string | undefined): Promise<number> {
  const found = findLab(lab);
  if (!found) return missing('down', lab);
  process.kill(found.pid, 'SIGTERM');
  if (!(await isGone(found, DOWN_PATIENCE_MS))) {
    if (isAlive(found)) process.kill(found.pid, 'SIGKILL'); // PID 1 of its world: everything in it goes with it
    await isGone(found, DOWN_PATIENCE_MS);
    removeLab(found.dir);
  }
  process.stdout.write(`lab ${found.name} is down, nothing is left of it\n`);
  return 0;
}

async function isGone(lab: LabRecord, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (isAlive(lab) || fs.existsSync(lab.dir)) {
    if (performance.now() > deadline) return false;
    await new Promise((next) => setTimeout(next, 20));
  }
  return true;
}

function missing(verb: string, lab: string | undefined): number {
  const running = listLabs().map((l) => l.name);
  const there = running.length === 0 ? `none is running (${labsDirs().join(', ')})` : `running: ${running.join(', ')}`;
  const which = lab === undefined ? 'which lab is not clear; name one with --lab' : `there is no lab "${lab}"`;
  process.stderr.write(`gingham lab ${verb}: ${running.length === 0 ? 'no lab' : which}: ${there}.\n`);
  return 4;
}
