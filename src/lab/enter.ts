/** `gingham lab exec`: a command inside a node, a pod or the fabric of a running lab, by util-linux nsenter. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { LabRecord } from './machine/registry.ts';
import { findProgram, searchPath } from './mesh/preflight.ts';
import { NODE_PATH } from './topology/root.ts';

/** The supervisor's own network namespace: bridge and store. */
export const FABRIC = 'fabric';

/** nsenter's arguments. The pin is seen through the supervisor's root: its mount namespace is not ours. Pure. */
export function nsenterArgs(
  lab: LabRecord,
  place: string,
  cwd: string,
  command: readonly string[],
): string[] | undefined {
  const netns = place === FABRIC ? '' : [...lab.nodes, ...lab.pods].find((p) => p.name === place)?.netns;
  if (netns === undefined) return undefined;
  const init = lab.nodes.find((n) => n.name === place)?.init;
  if (init !== undefined) return [...intoLab(lab), '--', ...intoNode(init, command)];
  return [
    ...intoLab(lab),
    netns === '' ? '--net' : `--net=/proc/${lab.pid}/root${netns}`,
    `--wdns=${cwd}`,
    '--',
    ...withBirdSocket(lab, place, command),
  ];
}

function intoLab(lab: LabRecord): string[] {
  return [
    `--target=${lab.pid}`,
    // Our user is root inside already, by its map; nsenter would drop groups, which a user namespace forbids.
    ...(lab.userNamespace ? ['--user', '--preserve-credentials'] : []),
    '--mount',
    '--pid',
  ];
}

/** A node of a topology has a world of its own inside the lab's, known there by its first process: a second nsenter, as seen
 *  from inside. What the caller's environment says of sockets and folders means nothing there. */
function intoNode(init: number, command: readonly string[]): string[] {
  const namespaces = ['--mount', '--net', '--pid', '--uts', '--ipc'];
  const env = ['env', '-u', 'GINGHAM_SOCKET', '-u', 'GINGHAM_LAB_DIR', `PATH=${NODE_PATH}`, 'HOME=/root'];
  return ['nsenter', `--target=${init}`, ...namespaces, '--wdns=/', '--', ...env, ...command];
}

/** birdc looks in a fixed folder of the machine; a lab's BIRD has its socket in the lab's. */
function withBirdSocket(lab: LabRecord, place: string, command: readonly string[]): readonly string[] {
  const [program, ...args] = command;
  const bird = lab.nodes.find((n) => n.name === place && n.kind === 'bird');
  return bird && program === 'birdc' && !args.includes('-s') ? [program, '-s', bird.socket, ...args] : command;
}

/** The command's exit code, or 128 and the signal that ended it. */
export function enter(lab: LabRecord, place: string, command: readonly string[]): Promise<number> {
  const shell = command.length > 0 ? command : [process.env['SHELL'] ?? '/bin/sh'];
  const args = nsenterArgs(lab, place, process.cwd(), shell);
  if (!args) {
    const places = [...lab.nodes, ...lab.pods].map((p) => p.name).concat(FABRIC);
    process.stderr.write(`gingham lab exec: lab ${lab.name} has no "${place}". It has: ${places.join(', ')}.\n`);
    return Promise.resolve(4);
  }
  const nsenter = findProgram('nsenter');
  if (!nsenter) {
    process.stderr.write('gingham lab exec: nsenter is not installed. Debian, Ubuntu: apt install util-linux.\n');
    return Promise.resolve(1);
  }
  const socket = lab.nodes.find((n) => n.name === place)?.socket;
  const child = spawn(nsenter, args, {
    stdio: 'inherit',
    env: { ...process.env, PATH: searchPath(), ...(socket !== undefined && { GINGHAM_SOCKET: socket }) },
  });
  // The terminal sends Ctrl-C to the command too: it decides what that means, and we tell how it ended.
  const wait = (): void => {};
  const forward = (): void => void child.kill('SIGTERM');
  process.on('SIGINT', wait);
  process.on('SIGTERM', forward);
  return new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`gingham lab exec: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  }).finally(() => {
    process.off('SIGINT', wait);
    process.off('SIGTERM', forward);
  }) as Promise<number>;
}
