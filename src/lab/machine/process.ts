/** The lab's processes: started inside a namespace, written to a log, started again when they die, ended together.
 *  Started means forked: spawn is synchronous up to exec, so a child of the setns window is born in the other namespace
 *  while all our own threads stay at home. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import { inNetns } from '../../sys/netns.ts';

export interface ProcessSpec {
  /** What the lab calls it: "node2", "store". */
  readonly name: string;
  /** Absent: the fabric. */
  readonly netns?: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  /** While it exists the process is not started again. */
  readonly holdFile?: string;
}

/** Told of every end that nobody asked for; `retryMs` absent: held back by its hold file. */
export type OnDeath = (name: string, how: string, retryMs: number | undefined) => void;

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** A process that lived so long had started well: the next end is a new story. */
const SOUND_LIFE_MS = 10_000;
const HOLD_POLL_MS = 200;

/** Every child of ours, libuv's to wait for; the reaper leaves these alone. */
const children = new Set<number>();
export const isOurChild = (pid: number): boolean => children.has(pid);

export function spawnIn(
  netns: string | undefined,
  command: string,
  args: readonly string[],
  options: {
    readonly stdio: ('ignore' | 'pipe' | number)[];
    readonly env?: Readonly<Record<string, string>>;
  },
): ChildProcess {
  const start = (): ChildProcess =>
    spawn(command, args, { stdio: options.stdio, env: { ...process.env, ...options.env } });
  const child = netns === undefined ? start() : inNetns(netns, start);
  const { pid } = child;
  if (pid !== undefined) {
    children.add(pid);
    child.once('exit', () => children.delete(pid));
  }
  return child;
}

export class KeptProcess {
  private readonly spec: ProcessSpec;
  private readonly onDeath: OnDeath;
  private child: ChildProcess | undefined;
  private timer: NodeJS.Timeout | undefined;
  private retryMs = FIRST_RETRY_MS;
  private stopping = false;

  constructor(spec: ProcessSpec, onDeath: OnDeath) {
    this.spec = spec;
    this.onDeath = onDeath;
  }

  get name(): string {
    return this.spec.name;
  }

  start(): void {
    const { netns, command, args, logFile } = this.spec;
    const log = fs.openSync(logFile, 'a');
    const startedAt = performance.now();
    try {
      this.child = spawnIn(netns, command, args, { stdio: ['ignore', log, log] });
    } finally {
      fs.closeSync(log);
    }
    // A command that cannot be started emits 'error' and no 'exit'.
    this.child.once('error', (error) => this.ended(error.message, startedAt));
    this.child.once('exit', (code, signal) => this.ended(signal ?? `exit code ${code}`, startedAt));
  }

  private ended(how: string, startedAt: number): void {
    this.child = undefined;
    if (this.stopping) return;
    if (performance.now() - startedAt >= SOUND_LIFE_MS) this.retryMs = FIRST_RETRY_MS;
    if (this.held()) {
      this.onDeath(this.name, how, undefined);
      this.waitForRelease();
      return;
    }
    this.onDeath(this.name, how, this.retryMs);
    this.timer = setTimeout(() => this.start(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, LAST_RETRY_MS);
  }

  private held(): boolean {
    return this.spec.holdFile !== undefined && fs.existsSync(this.spec.holdFile);
  }

  private waitForRelease(): void {
    this.timer = setTimeout(() => (this.held() ? this.waitForRelease() : this.start()), HOLD_POLL_MS);
  }

  /** Ends it for good; resolves when it is gone, by SIGKILL if it takes longer than `patienceMs`. */
  stop(patienceMs: number): Promise<void> {
    this.stopping = true;
    clearTimeout(this.timer);
    const { child } = this;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const late = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      child.once('exit', () => {
        clearTimeout(late);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}
