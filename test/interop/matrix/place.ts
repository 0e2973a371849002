/** Where one pair of the matrix lives: a namespace for us, one for the daemon, a cable between, and a folder. Commands are
 *  asked without blocking: our sessions run in this process, and their timers with them. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeNamespaces, type Namespaces } from '../../support/namespaces.ts';
import type { Place, Spawned } from './peer-daemon.ts';

export interface Answer {
  readonly status: number;
  readonly out: string;
  /** What went to stderr: apart, because warnings stand in front of JSON. */
  readonly err: string;
}

export const ask = (command: string, ...args: string[]): Promise<Answer> =>
  new Promise((resolve) => {
    execFile(command, args, { timeout: 30_000, maxBuffer: 1 << 26 }, (error, out, err) => {
      const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ status, out, err });
    });
  });

/** The answer's JSON; throws with all that was said when there is none. */
export async function askJson(command: string, ...args: string[]): Promise<unknown> {
  const { status, out, err } = await ask(command, ...args);
  try {
    return JSON.parse(out);
  } catch {
    throw new Error(`${command} ${args.join(' ')}: exit ${status}, no JSON: ${(out + err).slice(0, 500)}`);
  }
}

export const textOf = (file: string): string => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

/** Polls until `probe` answers something; throws `what` (a function where it is only known then) and the probe's last complaint after the deadline. */
export async function eventually<T>(
  what: string | (() => string),
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = 20_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let complaint = '';
  for (;;) {
    try {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      complaint = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (Date.now() > end)
      throw new Error(`not within ${deadlineMs} ms: ${typeof what === 'string' ? what : what()}${complaint}`);
    await new Promise((next) => setTimeout(next, 50));
  }
}

export interface Pair {
  readonly namespaces: Namespaces;
  /** The daemon's. */
  readonly place: Place;
  readonly folder: string;
  remove(): Promise<void>;
}

/** Addresses of the cable: the daemon has number 2, our session number 1, our observer number 3. */
export const addressOf = (n: 1 | 2 | 3, ipv6: boolean): string => (ipv6 ? `fd98::${n}` : `10.98.0.${n}`);

export function makePair(tag: string): Pair {
  const namespaces = makeNamespaces(tag);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `matrix-${tag}-`));
  // Daemons drop their privileges and still want to write here.
  fs.chmodSync(folder, 0o777);
  const daemon = namespaces.name('peer');
  namespaces.ip('ours', `link add v0 type veth peer name v0 netns ${daemon}`);
  for (const [side, numbers] of [
    ['ours', [1, 3]],
    ['peer', [2]],
  ] as const) {
    namespaces.sh(side, 'echo 0 | tee /proc/sys/net/ipv6/conf/*/accept_dad >/dev/null');
    namespaces.ip(side, 'link set v0 up');
    for (const n of numbers) {
      namespaces.ip(side, `addr add ${addressOf(n, false)}/24 dev v0`);
      namespaces.ip(side, `addr add ${addressOf(n, true)}/64 dev v0 nodad`);
    }
  }
  const children = new Set<ChildProcess>();
  const place: Place = {
    namespace: daemon,
    folder,
    spawn: (log, command, ...args) => {
      const out = fs.openSync(path.join(folder, log), 'a');
      const child = spawn('ip', ['netns', 'exec', daemon, command, ...args], { stdio: ['ignore', out, out] });
      fs.closeSync(out);
      children.add(child);
      child.once('exit', () => children.delete(child));
      return processOf(child);
    },
  };
  return {
    namespaces,
    place,
    folder,
    async remove() {
      await Promise.all([...children].map((child) => processOf(child).kill('SIGKILL')));
      namespaces.remove();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function processOf(child: ChildProcess): Spawned {
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  return {
    get running() {
      return running();
    },
    kill: (signal) =>
      new Promise((resolve) => {
        if (!running()) return resolve();
        child.once('exit', () => resolve());
        child.kill(signal);
      }),
  };
}
