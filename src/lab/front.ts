/** The process the user started: puts the supervisor into namespaces of its own by util-linux `unshare` (a process with
 *  threads cannot make a user namespace for itself), shows what it says, and passes Ctrl-C on. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { logTail } from './machine/patience.ts';
import { processStart } from './machine/registry.ts';
import { type FromInside, INSIDE_VARIABLE, type Inside, parseFromInside, type ToInside } from './messages.ts';

export type Outcome =
  /** It ended: because we asked it to, or `byItself` (lab down, a signal). */
  | { readonly kind: 'ended'; readonly byItself: boolean; readonly wasReady: boolean }
  | { readonly kind: 'detached'; readonly whole: boolean }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }
  | { readonly kind: 'failed'; readonly text: string }
  /** unshare itself was refused; what it said on stderr. */
  | { readonly kind: 'refused'; readonly said: string }
  /** The supervisor is gone and did not say why; the end of its log. */
  | { readonly kind: 'died'; readonly said: string };

/** --kill-child and the PID namespace: whoever kills one of unshare and the supervisor kills the whole lab. */
const unshareArgs = (userNamespace: boolean): string[] => [
  ...(userNamespace ? ['--user', '--map-root-user'] : []),
  ...['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
];

export class Front {
  private readonly child: ChildProcess;
  private readonly inside: Inside;
  private readonly print: (text: string) => void;
  private readonly logFile: string;
  private greeted = false;
  private ready = false;
  private stopAsked = false;
  private told: Outcome | undefined;
  readonly outcome: Promise<Outcome>;

  constructor(unshare: string, inside: Inside, print: (text: string) => void) {
    this.inside = inside;
    this.print = print;
    this.logFile = path.join(inside.dir, 'supervisor.log');
    const log = fs.openSync(this.logFile, 'a');
    // A session of its own: Ctrl-C reaches us alone, and closing the terminal does not end a lab that was detached.
    this.child = spawn(
      unshare,
      [...unshareArgs(inside.userNamespace), process.execPath, ...process.execArgv, process.argv[1] ?? '', 'lab', 'up'],
      {
        detached: true,
        stdio: ['ignore', log, log, 'ipc'],
        env: { ...process.env, [INSIDE_VARIABLE]: JSON.stringify(inside) },
      },
    );
    fs.closeSync(log);
    this.outcome = new Promise((resolve) => {
      this.child.on('message', (message) => {
        const told = parseFromInside(message);
        const outcome = told && this.onMessage(told);
        if (outcome) resolve(outcome);
      });
      this.child.once('error', (error) => resolve({ kind: 'refused', said: error.message }));
      this.child.once('exit', () => resolve(this.onExit()));
    });
  }

  private onMessage(told: FromInside): Outcome | undefined {
    switch (told.kind) {
      case 'hello':
        this.greeted = true;
        this.identify();
        return undefined;
      case 'line':
        this.print(told.text);
        return undefined;
      case 'faults':
        this.told = { kind: 'faults', faults: told.faults };
        return undefined;
      case 'failed':
        this.told = { kind: 'failed', text: told.text };
        return undefined;
      case 'ready':
        this.ready = true;
        if (!this.inside.options.detach) return undefined;
        this.send({ kind: 'detach' });
        this.child.unref();
        return { kind: 'detached', whole: told.whole };
    }
  }

  private onExit(): Outcome {
    if (this.told) return this.told;
    if (this.stopAsked || (this.greeted && !fs.existsSync(this.inside.dir))) {
      return { kind: 'ended', byItself: !this.stopAsked, wasReady: this.ready };
    }
    if (this.greeted) return { kind: 'died', said: logTail(this.logFile).trim() };
    return { kind: 'refused', said: fs.readFileSync(this.logFile, 'utf8').trim().split('\n').at(-1) ?? '' };
  }

  /** unshare forks: the supervisor is its only child. */
  private identify(): void {
    const pid = childOf(this.child.pid ?? -1);
    const startTime = pid === undefined ? undefined : processStart(pid);
    if (pid !== undefined && startTime !== undefined) this.send({ kind: 'identity', pid, startTime });
  }

  private send(message: ToInside): void {
    if (this.child.connected) this.child.send(message);
  }

  /** Asks for an orderly end; asked again, ends it at once: with unshare goes its child, PID 1, and with that everything. */
  stop(): void {
    if (this.stopAsked || !this.greeted) this.child.kill('SIGKILL');
    this.stopAsked = true;
    this.send({ kind: 'stop' });
  }
}

function childOf(parent: number): number | undefined {
  return fs
    .readdirSync('/proc')
    .map(Number)
    .find((pid) => Number.isInteger(pid) && parentOf(pid) === parent);
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}
