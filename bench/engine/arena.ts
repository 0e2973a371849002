/** Where a run happens: the daemon's namespace and the load's, on one cable, and a folder. Everything in it is gone after
 *  `remove`, whatever happened. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { makeNamespaces, type Namespaces, run, until } from '../../test/support/namespaces.ts';
import { Load, type Tools } from './load.ts';
import type { Contestant, Plan } from './peers/peer.ts';
import { peakMemory, processTree } from './processes.ts';

/** Load addresses begin at 10.0.0.1. */
export const DAEMON_ADDRESS = '10.0.255.254';
export const DAEMON_ASN = 64512;
/** One core for the load, the other for the daemon: neither takes the other's time. */
export const LOAD_CPU = 1;
export const DAEMON_CPU = 0;
const MOST_PEERS = 1100;
/** As an init system starts a daemon. A shell may have more: a list of certificates that Node.js reads before it does anything
 *  else takes it as long as all the rest of its start. */
const SERVICE_ENVIRONMENT = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };
/** Node options for a look inside (--cpu-prof and the like): peers/gingham.ts. */
const PROFILED = (process.env['BENCH_NODE_OPTIONS'] ?? '') !== '';

export const addressOf = (index: number): string => `10.0.${(index + 1) >> 8}.${(index + 1) & 0xff}`;

export interface Arena {
  readonly load: Load;
  readonly folder: string;
  readonly daemonNetns: string;
  /** Starts the daemon; answers when its first process was spawned, in ns of CLOCK_MONOTONIC. */
  start(contestant: Contestant, plan: Plan, options?: { readonly allCpus?: boolean }): Promise<bigint>;
  /** Of the daemon, as they are now. */
  pids(): number[];
  /** Sum of the processes' VmHWM in MB. */
  peakMb(): number;
  /** Last words of the daemon. */
  log(): string;
  remove(): Promise<void>;
}

let arenas = 0;
const live = new Set<Arena>();

let ended = false;

/** For an end that comes from outside: none is made any more. */
export async function removeArenas(): Promise<void> {
  ended = true;
  await Promise.all([...live].map((arena) => arena.remove()));
}

export function makeArena(tools: Tools): Arena {
  if (ended) throw new Error('the bench is ending');
  const namespaces = makeNamespaces(`gb${(arenas++).toString(36)}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-bench-'));
  const children = new Set<ChildProcess>();
  let load: Load | undefined;
  const remove = async (): Promise<void> => {
    await load?.end();
    await Promise.all([...children].map(kill));
    namespaces.remove();
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    fs.chmodSync(folder, 0o777); // daemons drop their privileges
    cable(namespaces, folder);
    load = new Load(tools.load, namespaces.path('load'), LOAD_CPU);
  } catch (error) {
    void remove();
    throw error;
  }
  const daemonNetns = namespaces.path('daemon');
  const logFile = path.join(folder, 'daemon.log');
  const pids = (): number[] => [...children].flatMap((c) => (c.pid === undefined ? [] : processTree(c.pid)));
  const arena: Arena = {
    load,
    folder,
    daemonNetns,
    async start(contestant, plan, { allCpus = false } = {}) {
      const commands = contestant.commands(plan, folder);
      const pinned = allCpus ? [] : ['taskset', '-c', String(DAEMON_CPU)];
      let first = 0n;
      for (const { argv, env, ready } of commands) {
        const out = fs.openSync(logFile, 'a');
        if (first === 0n) first = process.hrtime.bigint();
        const child = spawn('nsenter', [`--net=${daemonNetns}`, ...pinned, ...argv], {
          stdio: ['ignore', out, out],
          env: { ...SERVICE_ENVIRONMENT, ...env },
        });
        fs.closeSync(out);
        children.add(child);
        child.once('error', () => children.delete(child));
        child.once('exit', () => children.delete(child));
        if (ready !== undefined) await until(`${argv[0]} is ready`, ready);
      }
      return first;
    },
    pids,
    peakMb: () => pids().reduce((sum, pid) => sum + peakMemory(pid), 0) / 1e6,
    log: () => (fs.existsSync(logFile) ? fs.readFileSync(logFile, 'utf8').slice(-2000) : ''),
    remove: async () => {
      await remove();
      live.delete(arena);
    },
  };
  live.add(arena);
  return arena;
}

function cable(namespaces: Namespaces, folder: string): void {
  const daemon = namespaces.name('daemon');
  namespaces.ip('load', `link add eth0 type veth peer name eth0 netns ${daemon}`);
  namespaces.ip('load', 'addr add 10.0.0.1/16 dev eth0');
  namespaces.ip('daemon', `addr add ${DAEMON_ADDRESS}/16 dev eth0`);
  for (const side of ['load', 'daemon']) namespaces.ip(side, 'link set eth0 up');
  // Every address of the lower half is the load's, without giving each to a device.
  namespaces.ip('load', 'route add local 10.0.0.0/17 dev lo');
  // Permanent neighbours: the machine's limit of learnt ones is about a thousand, and ARP is none of the matter.
  const mac = /link\/ether (\S+)/.exec(namespaces.ip('load', 'link show eth0'))?.[1] ?? '';
  const file = path.join(folder, 'neighbours');
  const line = (i: number): string => `neigh add ${addressOf(i)} lladdr ${mac} dev eth0 nud permanent`;
  fs.writeFileSync(file, Array.from({ length: MOST_PEERS }, (_, i) => line(i)).join('\n'));
  run('ip', '-n', daemon, '-batch', file);
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  if (PROFILED) {
    // It writes its profile when it ends by itself.
    child.kill('SIGTERM');
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 30_000).unref())]);
  }
  // Its children too: nobody else ends them when their parent is killed.
  for (const pid of processTree(child.pid).reverse())
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  await gone;
}
