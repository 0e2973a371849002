/** BFD of other people in a namespace: BIRD's `protocol bfd` and FRR's bfdd, each with sessions to our two addresses of
 *  test/support/switched.ts. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { attempt, type Namespaces, until } from './namespaces.ts';

export const OURS = ['10.9.0.1', '2001:db8:9::1'] as const;
export const THEIRS = ['10.9.0.2', '2001:db8:9::2'] as const;
export type Ours = (typeof OURS)[number];

export interface BfdPeer {
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** True and false; undefined: it has no such session. */
  isUp(ours: Ours): boolean | undefined;
  /** Between two of its packets, as agreed, ms. */
  intervalMs(ours: Ours): number | undefined;
  /** Switches its sessions off, and on again. */
  shut(off: boolean): Promise<void>;
  /** Of its switching off. BIRD just falls silent. */
  readonly saysAdminDown: boolean;
  remove(): Promise<void>;
}

export interface BfdPeerTiming {
  readonly intervalMs: number;
  readonly multiplier: number;
}

/** Processes of a namespace and their folder; they may be started anew. */
export function daemonsIn(namespaces: Namespaces, namespace: string) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-bfd-'));
  // Daemons drop their privileges and still want to write here.
  fs.chmodSync(folder, 0o777);
  const children = new Set<ChildProcess>();
  const gone = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve();
      else child.once('exit', () => resolve());
    });
  const kill = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone(child);
    children.delete(child);
  };
  return {
    folder,
    write: (name: string, text: string): string => {
      const file = path.join(folder, name);
      fs.writeFileSync(file, text);
      fs.chmodSync(file, 0o644);
      return file;
    },
    spawn: (...command: string[]): ChildProcess => {
      const log = fs.openSync(path.join(folder, 'log'), 'a');
      // They go first: under load it is us who are examined.
      const inside = ['-n', '-15', 'ip', 'netns', 'exec', namespaces.name(namespace)];
      const child = spawn('nice', [...inside, ...command], {
        stdio: ['ignore', log, log],
      });
      fs.closeSync(log);
      children.add(child);
      return child;
    },
    kill,
    async remove() {
      for (const child of [...children]) await kill(child, 'SIGKILL');
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function birdBfd(namespaces: Namespaces, namespace: string, timing: BfdPeerTiming): BfdPeer {
  const d = daemonsIn(namespaces, namespace);
  const { intervalMs, multiplier } = timing;
  const conf = d.write(
    'bird.conf',
    `log stderr all;
router id 10.9.0.2;
protocol device { scan time 2; }
protocol bfd b {
  interface "*" { interval ${intervalMs} ms; idle tx interval 1 s; multiplier ${multiplier}; };
  ${OURS.map((address) => `neighbor ${address} dev "eth0";`).join('\n  ')}
}`,
  );
  const birdc = (...words: string[]): string => attempt('birdc', '-s', `${d.folder}/bird.ctl`, ...words).out;
  const row = (ours: Ours): string[] | undefined =>
    birdc('show', 'bfd', 'sessions')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find(([address]) => address === ours);
  let child: ChildProcess | undefined;
  return {
    async start() {
      child = d.spawn('bird', '-f', '-c', conf, '-s', `${d.folder}/bird.ctl`);
      await until('bird answers', () => birdc('show', 'status').includes('up and running'));
    },
    kill: async (signal) => child && d.kill(child, signal),
    isUp: (ours) => {
      const found = row(ours);
      return found && found[2] === 'Up';
    },
    intervalMs: (ours) => {
      const found = row(ours);
      return found && Math.round(Number(found[4]) * 1000);
    },
    saysAdminDown: false,
    shut: async (off) => void birdc(off ? 'disable' : 'enable', 'b'),
    remove: d.remove,
  };
}

interface FrrSession {
  readonly peer: string;
  readonly status: string;
  readonly 'transmit-interval': number;
  readonly 'remote-receive-interval': number;
}

export function frrBfd(namespaces: Namespaces, namespace: string, timing: BfdPeerTiming): BfdPeer {
  const d = daemonsIn(namespaces, namespace);
  const names = [`peer ${OURS[0]} interface eth0`, `peer ${OURS[1]} local-address ${THEIRS[1]} interface eth0`];
  const zebra = d.write('zebra.conf', 'hostname zebra\n');
  const conf = d.write(
    'bfdd.conf',
    [
      'bfd',
      ...names.flatMap((name) => [
        ` ${name}`,
        `  transmit-interval ${timing.intervalMs}`,
        `  receive-interval ${timing.intervalMs}`,
        `  detect-multiplier ${timing.multiplier}`,
        ' exit',
      ]),
      'exit',
      '',
    ].join('\n'),
  );
  const common = ['--vty_socket', d.folder, '-A', '127.0.0.1', '-P', '0', '-z', `${d.folder}/zserv.api`];
  const vtysh = (...commands: string[]): string =>
    attempt('vtysh', '--vty_socket', d.folder, '-d', 'bfdd', ...commands.flatMap((c) => ['-c', c])).out;
  const session = (ours: Ours): FrrSession | undefined => {
    try {
      return (JSON.parse(vtysh('show bfd peers json')) as FrrSession[]).find(({ peer }) => peer === ours);
    } catch {
      return undefined;
    }
  };
  let child: ChildProcess | undefined;
  return {
    async start() {
      if (child === undefined) {
        d.spawn('/usr/lib/frr/zebra', '-f', zebra, '-i', `${d.folder}/zebra.pid`, ...common);
        await until('zebra serves', () => fs.existsSync(`${d.folder}/zserv.api`));
      }
      child = d.spawn(
        '/usr/lib/frr/bfdd',
        ...['-f', conf, '-i', `${d.folder}/bfdd.pid`, '--bfdctl', `${d.folder}/bfdd.sock`],
        ...common,
      );
      await until('bfdd has its sessions', () => session(OURS[1]));
    },
    kill: async (signal) => child && d.kill(child, signal),
    isUp: (ours) => {
      const found = session(ours);
      return found && found.status === 'up';
    },
    intervalMs: (ours) => {
      const found = session(ours);
      return found && Math.max(found['transmit-interval'], found['remote-receive-interval']);
    },
    saysAdminDown: true,
    shut: async (off) =>
      void vtysh('configure terminal', 'bfd', ...names.flatMap((n) => [n, off ? 'shutdown' : 'no shutdown', 'exit'])),
    remove: d.remove,
  };
}
