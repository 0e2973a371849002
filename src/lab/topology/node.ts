/** A node of a topology as a running process: its own mount, PID, UTS and IPC namespaces inside the lab's, its program as
 *  PID 1 of them. It is not started again when it ends: a container that restarts has lost its links, so a crash stays
 *  visible. */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { logTail, until } from '../machine/patience.ts';
import { spawnIn } from '../machine/process.ts';
import type { NodePlan } from './plan.ts';
import { NODE_PATH, READY_FILE, rootScript } from './root.ts';

const START_PATIENCE_MS = 20_000;
const EXEC_PATIENCE_MS = 30_000;
const MOST_OUTPUT_CHARS = 4_096;
const INTO = ['--mount', '--net', '--pid', '--uts', '--ipc'] as const;

export interface ExecOutcome {
  readonly code: number;
  readonly output: string;
}

export class TopologyNode {
  readonly plan: NodePlan;
  /** Interfaces by the links of the file; containerlab tells them to the program. */
  private readonly interfaces: number;
  private readonly onEnd: (text: string) => void;
  private child: ChildProcess | undefined;
  private stopping = false;
  /** In the lab's PID namespace; set while it runs. */
  init: number | undefined;

  constructor(plan: NodePlan, interfaces: number, onEnd: (text: string) => void) {
    this.plan = plan;
    this.interfaces = interfaces;
    this.onEnd = onEnd;
  }

  /** Resolves when its program is about to run. */
  async start(base: string): Promise<void> {
    const { node, netns, dir, logFile } = this.plan;
    for (const sub of ['gingham', 'bird']) fs.mkdirSync(path.join(dir, sub), { recursive: true });
    const log = fs.openSync(logFile, 'a');
    const env = Object.entries({
      PATH: NODE_PATH,
      HOME: '/root',
      HOSTNAME: node.name,
      NO_COLOR: '1',
      CLAB_LABEL_CLAB_NODE_NAME: node.name,
      CLAB_INTFS: String(this.interfaces),
      ...node.env,
    }).map(([key, value]) => `${key}=${value}`);
    const flags = ['--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child', '--propagation=private'];
    const command = ['env', '-i', ...env, ...node.command];
    try {
      const script = path.join(dir, 'root.sh');
      fs.writeFileSync(script, rootScript(this.rootSpec(base)));
      const args = [...flags, 'sh', script, ...command];
      this.child = spawnIn(netns, 'unshare', args, { stdio: ['ignore', log, log] });
    } finally {
      fs.closeSync(log);
    }
    let ended: string | undefined;
    const onEnd = (how: string): void => {
      ended = how;
      this.child = undefined;
      this.init = undefined;
      if (!this.stopping) this.onEnd(`${node.name} ended (${how}) and stays so; its links stay.${logTail(logFile)}`);
    };
    this.child.once('error', (error) => onEnd(error.message));
    this.child.once('exit', (code, signal) => onEnd(signal ?? `exit code ${code}`));
    await until(START_PATIENCE_MS, 5, `${node.name} runs`, logFile, async () => {
      if (ended !== undefined) return true;
      const pid = Number(fs.readFileSync(path.join(dir, READY_FILE), 'utf8'));
      if (pid > 0) this.init = pid;
      return pid > 0;
    });
    if (ended !== undefined) throw new Error(`${node.name} does not start (${ended}).${logTail(logFile)}`);
  }

  private rootSpec(base: string): Parameters<typeof rootScript>[0] {
    const { node, dir } = this.plan;
    const program = fs.realpathSync(process.argv[1] ?? '');
    return {
      hostname: node.name,
      dir,
      binds: node.binds.map((bind) => {
        const source = path.resolve(base, bind.source);
        return { ...bind, source, isFolder: fs.statSync(source).isDirectory() };
      }),
      dist: path.dirname(program),
      nodeModules: modulesOf(program),
      nodeProgram: fs.realpathSync(process.execPath),
    };
  }

  /** A line of `exec`, inside; its failure is an answer. */
  exec(words: readonly string[]): Promise<ExecOutcome> {
    if (this.init === undefined) return Promise.resolve({ code: -1, output: `${this.plan.node.name} has ended` });
    const env = ['env', `PATH=${NODE_PATH}`, ...Object.entries(this.plan.node.env).map(([k, v]) => `${k}=${v}`)];
    const args = [`--target=${this.init}`, ...INTO, '--wdns=/', '--', ...env, ...words];
    const child = spawnIn(undefined, 'nsenter', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => {
        if (output.length < MOST_OUTPUT_CHARS) output += bytes.toString('utf8');
      });
    }
    return new Promise((resolve) => {
      const late = setTimeout(() => child.kill('SIGKILL'), EXEC_PATIENCE_MS);
      const end = (code: number): void => {
        clearTimeout(late);
        resolve({ code, output: output.trim() });
      };
      child.once('error', () => end(-1));
      child.once('close', (code) => end(code ?? -1));
    });
  }

  /** At once, as PID 1 of a namespace knows it: everything in it goes too. */
  stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }
}

/** The node_modules that koffi lies in, which a bundle loads from beside itself. */
function modulesOf(program: string): string {
  const koffi = createRequire(program).resolve('koffi');
  const folder = `${path.sep}node_modules${path.sep}`;
  return koffi.slice(0, koffi.lastIndexOf(folder) + folder.length - 1);
}
