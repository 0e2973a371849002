/** Labs for tests: brought up by the built command as a user would, in a folder of labs of their own, taken down also after
 *  a failure. Inside, commands run by nsenter directly: a hundred starts of Node would be most of a test's time. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ControlClient, openControlClient } from '../../src/control/client.ts';
import type { PeerView } from '../../src/control/views-of-peers.ts';
import { nsenterArgs } from '../../src/lab/enter.ts';
import { findLab, type LabRecord } from '../../src/lab/machine/registry.ts';
import type { Outcome } from './namespaces.ts';

export const GINGHAM = new URL('../../dist/gingham.js', import.meta.url).pathname;

/** Short: unix sockets lie below it. */
export function makeLabsDir(): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gl-'));
  process.env['GINGHAM_LAB_DIR'] = path.join(dir, 'l');
  return dir;
}

/** The command, to its end. */
export function gingham(...args: string[]): Outcome {
  const options = { encoding: 'utf8', timeout: 90_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [GINGHAM, ...args], options);
  return { status: status ?? -1, out: stdout + stderr };
}

export interface Lab {
  readonly record: LabRecord;
  /** What `lab up` printed. */
  readonly output: string;
  /** A shell line in a node, a pod or the fabric. */
  sh(place: string, line: string): string;
  try(place: string, line: string): Outcome;
  /** A long-running program inside; the caller ends it. */
  spawn(place: string, ...command: string[]): ChildProcess;
  ask<T>(node: string, question: (client: ControlClient) => Promise<T>): Promise<T>;
  /** Addresses of pods, by pod. */
  readonly pods: Readonly<Record<string, string>>;
  /** The /26 a node owns, as the kernel's blackhole says. */
  block(node: string): string;
  /** `ip route` lines of a node, trimmed. */
  routes(node: string): string[];
  /** Sends a signal to the daemon of a node. With `hold` it is not started again until release(). */
  kill(node: string, signal: string, options?: { readonly hold: boolean }): Promise<void>;
  hold(node: string): void;
  release(node: string): void;
  /** Sessions of `node` that are Established, by peer. */
  established(node: string): Promise<string[]>;
  peers(node: string): Promise<readonly PeerView[]>;
  down(): void;
}

/** `lab up --detach`; throws with its output unless all sessions are up and all pings are answered. */
export function startLab(name: string, ...flags: string[]): Lab {
  const made = gingham('lab', 'up', '--detach', '--name', name, ...flags);
  const record = findLab(name);
  if (made.status !== 0 || !record) {
    if (record) gingham('lab', 'down', name);
    throw new Error(`lab up ${flags.join(' ')}: exit code ${made.status}\n${made.out}`);
  }
  return openLab(record, made.out);
}

export function openLab(record: LabRecord, output = ''): Lab {
  const enter = (place: string, command: readonly string[]): string[] => {
    const args = nsenterArgs(record, place, '/', command);
    if (!args) throw new Error(`no ${place} in lab ${record.name}`);
    return args;
  };
  const attempt = (place: string, line: string): Outcome => {
    const options = { encoding: 'utf8', timeout: 60_000 } as const;
    const { status, stdout, stderr } = spawnSync('nsenter', enter(place, ['sh', '-c', line]), options);
    return { status: status ?? -1, out: stdout + stderr };
  };
  const sh = (place: string, line: string): string => {
    const { status, out } = attempt(place, line);
    if (status !== 0) throw new Error(`${place}: ${line}: exit code ${status}\n${out}`);
    return out;
  };
  const nodeOf = (node: string): LabRecord['nodes'][number] => {
    const found = record.nodes.find((n) => n.name === node);
    if (!found) throw new Error(`no node ${node} in lab ${record.name}`);
    return found;
  };
  const ask = async <T>(node: string, question: (client: ControlClient) => Promise<T>): Promise<T> => {
    const client = openControlClient(nodeOf(node).socket, 5_000);
    try {
      return await question(client);
    } finally {
      client.close();
    }
  };
  const holdFile = (node: string): string => path.join(path.dirname(nodeOf(node).socket), 'hold');
  const routes = (node: string): string[] =>
    sh(node, 'ip route')
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
  const peers = (node: string): Promise<readonly PeerView[]> => ask(node, (client) => client.peers());
  const hold = (node: string): void => fs.writeFileSync(holdFile(node), '');
  return {
    record,
    output,
    sh,
    try: attempt,
    spawn: (place, ...command) => spawn('nsenter', enter(place, command), { stdio: ['ignore', 'pipe', 'pipe'] }),
    ask,
    pods: Object.fromEntries(record.pods.map((pod) => [pod.name, pod.address])),
    block: (node) => {
      const own = routes(node).find((line) => line.startsWith('blackhole '));
      if (!own) throw new Error(`${node} has no blackhole route: ${routes(node).join('; ')}`);
      return own.split(' ')[1] ?? '';
    },
    routes,
    kill: async (node, signal, options) => {
      const { process: daemon } = await ask(node, (client) => client.status());
      if (options?.hold) hold(node);
      sh('fabric', `kill -${signal} ${daemon.pid}`); // a number of the lab's own PID namespace
    },
    hold,
    release: (node) => fs.rmSync(holdFile(node), { force: true }),
    peers,
    established: async (node) =>
      (await peers(node)).filter((peer) => peer.state === 'Established').map((peer) => peer.name),
    down: () => {
      const ended = gingham('lab', 'down', record.name);
      if (ended.status !== 0) throw new Error(`lab down: ${ended.out}`);
    },
  };
}

/** Polls an asynchronous question until it answers true; a rejection is a no. Throws `what` and the last answer. */
export async function eventually(what: string, probe: () => unknown, deadlineMs = 30_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    let last: unknown;
    try {
      last = await probe();
    } catch (error) {
      last = error;
    }
    if (last === true) return;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what} (last answer: ${String(last)})`);
    await new Promise((next) => setTimeout(next, 50));
  }
}
