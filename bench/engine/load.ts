/** The load program from outside: one command, one answer. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

export type Arguments = Readonly<Record<string, string | number | boolean | bigint | undefined>>;

export interface Spread {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}
/** What any answer may have; load/*.c says which has what. Times are nanoseconds, spreads microseconds. */
export interface Answer {
  readonly ok: boolean;
  readonly why?: string;
  readonly ns: number;
  readonly cpuNs: number;
  readonly atNs: number;
  readonly first: number;
  readonly file: number;
  readonly announced: number;
  readonly withdrawn: number;
  readonly messages: number;
  readonly octets: number;
  readonly added: number;
  readonly deleted: number;
  readonly lost: number;
  readonly sentNs: number;
  readonly latestNs: number;
  readonly slipNs: number;
  readonly missing: number;
  readonly routes: number;
  readonly down: number;
  readonly up: number;
  readonly kernel: Spread;
  readonly last: Spread;
  readonly late: Spread;
}

/** Longer than any wait the load itself bounds. */
const PATIENCE_MS = 300_000;

export class Load {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly waiting: ((line: string) => void)[] = [];
  private readonly said: string[] = [];

  constructor(program: string, netns: string, cpu: number) {
    this.child = spawn('nsenter', [`--net=${netns}`, program, String(cpu)], { stdio: 'pipe' });
    readline.createInterface(this.child.stdout).on('line', (line) => this.waiting.shift()?.(line));
    readline.createInterface(this.child.stderr).on('line', (line) => {
      this.said.push(line);
      if (this.said.length > 200) this.said.shift();
    });
    this.child.stdin.on('error', () => {});
    // Its last answer may be unread at 'exit'.
    this.child.once('close', () => {
      for (const answer of this.waiting.splice(0)) answer('{"ok":false,"why":"the load program ended"}');
    });
  }

  /** What it wrote to standard error last. */
  complaints(): readonly string[] {
    return this.said.slice(-8);
  }

  async ask(command: string, args: Arguments = {}): Promise<Answer> {
    const words = Object.entries(args).flatMap(([k, v]) =>
      v === undefined ? [] : [`${k}=${Number(v) === 1 ? 1 : v}`],
    );
    const answer = new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`load ${command}: no answer`)), PATIENCE_MS);
      this.waiting.push((line) => {
        clearTimeout(timer);
        resolve(line);
      });
    });
    this.child.stdin.write(`${[command, ...words].join(' ')}\n`);
    const said = JSON.parse(await answer) as Answer;
    if (process.env['BENCH_TRACE'] !== undefined)
      console.error(`${process.hrtime.bigint() / 1000n} us: ${command} ${words.join(' ').slice(0, 100)}`);
    if (said.ok) return said;
    const what = `load ${command} ${words.join(' ').slice(0, 200)}`;
    throw new Error(`${what}: ${said.why ?? ''} ${this.complaints().join('; ')}`);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    this.child.kill('SIGKILL');
    await gone;
  }
}

const SOURCES = {
  load: ['main', 'commands', 'await', 'measure', 'turn', 'kernel', 'watch', 'session', 'wire'].map(
    (f) => `load/${f}.c`,
  ),
  floor: ['floor/floor.c', 'load/wire.c'],
};
export type Tools = Readonly<Record<keyof typeof SOURCES, string>>;

/** Compiles the C programs into `folder`. */
export function compileTools(folder: string): Tools {
  fs.mkdirSync(folder, { recursive: true });
  const compile = (name: keyof typeof SOURCES): string => {
    const to = path.join(folder, `${name}-${process.pid}`);
    const files = SOURCES[name].map((f) => path.join('bench/engine', f));
    const { status, stderr } = spawnSync('cc', ['-O2', '-Ibench/engine/load', '-o', to, ...files], {
      encoding: 'utf8',
    });
    if (status !== 0)
      throw new Error(`the bench needs a C compiler (apt-get install gcc libc6-dev). cc ${name}: ${stderr}`);
    return to;
  };
  return { load: compile('load'), floor: compile('floor') };
}
