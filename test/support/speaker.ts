/** `gingham node` and BIRD as processes in a namespace of a test, with a folder of their own; `remove` ends all of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { attempt, type Namespaces, type Outcome, until } from './namespaces.ts';

const root = new URL('../..', import.meta.url).pathname;
export const GINGHAM = path.join(root, 'dist/gingham.js');

export interface GinghamNode {
  readonly folder: string;
  readonly config: string;
  readonly socket: string;
  /** The log so far. */
  log(): string;
  write(yaml: string): void;
  start(): Promise<void>;
  /** Sends the signal and waits for the end; the answer is the exit code, or the signal's name. */
  stop(signal: NodeJS.Signals): Promise<number | string>;
  hup(): void;
  /** Runs the gingham command against it. */
  cli(...args: string[]): Outcome;
  json<T>(...args: string[]): T;
  running(): boolean;
  /** Of the process that was started last. */
  pid(): number | undefined;
}

export interface Speakers {
  gingham(namespace: string, yaml: string): GinghamNode;
  /** Runs bird with this configuration; answers birdc. */
  bird(namespace: string, conf: string): Promise<Bird>;
  /** `gingham store` with a folder of its own, to be stopped and started again. */
  store(namespace: string, listen: string): EmbeddedStore;
  remove(): Promise<void>;
}

export interface EmbeddedStore {
  start(): Promise<void>;
  stop(signal: NodeJS.Signals): Promise<void>;
  /** A request from within the namespace; throws what is not 2xx. */
  api<T>(method: string, path: string, body?: object): T;
}

export interface Bird {
  birdc(...command: string[]): string;
  /** Its log so far: the configuration says what goes there. */
  log(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A daemon that ended instead of answering says why in its log: that is the failure then, and not a deadline. */
async function answers(who: string, child: ChildProcess, log: string, probe: () => boolean): Promise<void> {
  await until(`${who} answers`, () => child.exitCode !== null || probe());
  if (child.exitCode !== null)
    throw new Error(`${who} ended with ${child.exitCode}: ${fs.readFileSync(log, 'utf8').slice(-2000)}`);
}

export function speakersIn(namespaces: Namespaces): Speakers {
  const folders: string[] = [];
  const children = new Set<ChildProcess>();
  const folder = (): string => {
    const made = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-speaker-'));
    folders.push(made);
    return made;
  };
  const inside = (namespace: string, log: string, ...command: string[]): ChildProcess => {
    const out = fs.openSync(log, 'a');
    const child = spawn('ip', ['netns', 'exec', namespaces.name(namespace), ...command], {
      stdio: ['ignore', out, out],
    });
    fs.closeSync(out);
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const ended = (child: ChildProcess): Promise<number | string> =>
    new Promise((resolve) => {
      const { exitCode, signalCode } = child;
      if (exitCode !== null || signalCode !== null) resolve(exitCode ?? signalCode ?? 'unknown');
      else child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });

  return {
    gingham: (namespace, yaml) => {
      const dir = folder();
      const [config, socket, log] = ['gingham.yaml', 'control.sock', 'log'].map((f) => path.join(dir, f)) as [
        string,
        string,
        string,
      ];
      const write = (text: string): void =>
        fs.writeFileSync(config, `${text}\ncontrol: { socket: ${socket} }\nstateDir: ${dir}/state\n`);
      write(yaml);
      let child: ChildProcess | undefined;
      const cli = (...args: string[]): Outcome => attempt(process.execPath, GINGHAM, ...args, '--socket', socket);
      return {
        folder: dir,
        config,
        socket,
        write,
        log: () => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8') : ''),
        running: () => child !== undefined && child.exitCode === null && child.signalCode === null,
        pid: () => child?.pid,
        async start() {
          child = inside(namespace, log, process.execPath, GINGHAM, 'node', '--config', config);
          await answers(`gingham in ${namespace}`, child, log, () => cli('status').status !== 5);
        },
        async stop(signal) {
          if (child === undefined) return 'not started';
          const end = ended(child);
          child.kill(signal);
          return end;
        },
        hup: () => void child?.kill('SIGHUP'),
        cli,
        json: <T>(...args: string[]): T => JSON.parse(cli(...args, '-o', 'json').out) as T,
      };
    },
    async bird(namespace, conf) {
      const dir = folder();
      fs.writeFileSync(`${dir}/bird.conf`, conf);
      const child = inside(namespace, `${dir}/log`, 'bird', '-f', '-c', `${dir}/bird.conf`, '-s', `${dir}/bird.ctl`);
      const birdc = (...command: string[]): string => attempt('birdc', '-s', `${dir}/bird.ctl`, ...command).out;
      await answers(`bird in ${namespace}`, child, `${dir}/log`, () =>
        birdc('show', 'status').includes('up and running'),
      );
      return {
        birdc,
        log: () => fs.readFileSync(`${dir}/log`, 'utf8'),
        kill: async (signal) => {
          const end = ended(child);
          child.kill(signal);
          await end;
        },
      };
    },
    store(namespace, listen) {
      const dir = folder();
      const log = `${dir}/log`;
      let child: ChildProcess | undefined;
      return {
        async start() {
          fs.rmSync(log, { force: true });
          child = inside(
            namespace,
            log,
            process.execPath,
            GINGHAM,
            'store',
            '--listen',
            listen,
            '--data',
            `${dir}/data`,
          );
          await until('the store serves', () => fs.existsSync(log) && fs.readFileSync(log, 'utf8').includes('serving'));
        },
        async stop(signal) {
          if (child === undefined) return;
          const end = ended(child);
          child.kill(signal);
          await end;
        },
        api: <T>(method: string, at: string, body?: object): T => {
          const { status, out } = httpIn(namespaces, namespace, `http://${listen}${at}`, method, body);
          if (status < 200 || status > 299) throw new Error(`${method} ${at}: ${status} ${out}`);
          return JSON.parse(out) as T;
        },
      };
    },
    async remove() {
      const ends = [...children].map(ended);
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(ends);
      for (const dir of folders) fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

const REQUEST = `const [url, method, body] = process.argv.slice(1);
const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
fetch(url, { method, ...(body ? { body, headers: { 'content-type': type } } : {}) })
  .then(async (r) => process.stdout.write(r.status + ' ' + (await r.text())), (e) => process.stdout.write('0 ' + e.cause));`;

/** An HTTP request from within a namespace; status 0 when nobody answers. */
export function httpIn(namespaces: Namespaces, namespace: string, url: string, method = 'GET', body?: object): Outcome {
  const place = ['netns', 'exec', namespaces.name(namespace)];
  const args = [url, method, ...(body === undefined ? [] : [JSON.stringify(body)])];
  const { out } = attempt('ip', ...place, process.execPath, '-e', REQUEST, ...args);
  const space = out.indexOf(' ');
  return { status: Number(out.slice(0, space)), out: out.slice(space + 1) };
}

/** Two namespaces on one cable: 10.9.0.1 in `left`, 10.9.0.2 in `right`. */
export function cable(namespaces: Namespaces, left: string, right: string): void {
  namespaces.ip(left, `link add eth0 type veth peer name eth0 netns ${namespaces.name(right)}`);
  for (const [side, address] of [
    [left, '10.9.0.1/24'],
    [right, '10.9.0.2/24'],
  ] as const) {
    namespaces.ip(side, `addr add ${address} dev eth0`);
    namespaces.ip(side, 'link set eth0 up');
  }
}
