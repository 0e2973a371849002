/** Lets pods' packets through a filter FORWARD chain that drops. Not pure: it starts iptables, the only writer of a chain that
 *  Docker, kube-proxy and firewalls share. The rules are forward-accept-rules.ts. */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import type { Reason } from '../../base/reason.ts';
import { parseForwardChain, planForward } from './forward-accept-rules.ts';

export interface ForwardAccept {
  /** Reads the chain, adds what is missing. Cheap enough to be called every half minute: a chain becomes a dropping one
   *  when Docker starts, long after us. The answer is empty, or says what does not work. Never throws. */
  apply(): Promise<readonly Reason[]>;
  /** Of the last apply. */
  problems(): readonly Reason[];
  /** Takes our rules away, and nothing else; how many there were. */
  remove(): Promise<number>;
}

export interface ForwardAcceptOptions {
  /** Commands to look for, by PATH; tests give others. */
  readonly nft?: string;
  readonly legacy?: string;
  /** Which legacy tables are in use: without a look here, iptables-legacy would load them. */
  readonly legacyTables?: string;
}

const TIMEOUT_MS = 10_000;
const SHOWN_ERROR_CHARS = 300;
const MISSING = 127;
/** xtables' own lock, which kube-proxy takes too. */
const WAIT_SECONDS = '5';

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

export function createForwardAccept(options: ForwardAcceptOptions = {}): ForwardAccept {
  const { nft = 'iptables-nft', legacy = 'iptables-legacy', legacyTables = '/proc/net/ip_tables_names' } = options;
  let problems: readonly Reason[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn;
    return turn;
  };
  /** A chain of each kind is passed by every packet, so either may drop it. */
  const commands = (): string[] => (legacyFilterInUse(legacyTables) ? [nft, legacy] : [nft]);

  const settle = async (command: string, wanted: boolean): Promise<{ changed: number; problem?: Reason }> => {
    const read = await run(command, ['-w', WAIT_SECONDS, '-S', 'FORWARD']);
    if (read.status === MISSING)
      return { changed: 0, ...(wanted && (await dropsByNft()) ? { problem: missing(command) } : {}) };
    if (read.status !== 0) return { changed: 0, problem: failed(command, read) };
    const chain = parseForwardChain(read.out);
    let changed = 0;
    for (const call of chain === undefined ? [] : planForward(chain, wanted)) {
      const done = await run(command, ['-w', WAIT_SECONDS, ...call]);
      if (done.status !== 0) return { changed, problem: failed(command, done) };
      changed++;
    }
    return { changed };
  };

  return {
    apply: () =>
      inTurn(async () => {
        const found: Reason[] = [];
        for (const command of commands()) {
          const { problem } = await settle(command, true);
          if (problem !== undefined) found.push(problem);
        }
        problems = found;
        return found;
      }),
    problems: () => problems,
    remove: () =>
      inTurn(async () => {
        let removed = 0;
        for (const command of commands()) removed += (await settle(command, false)).changed;
        return removed;
      }),
  };
}

function legacyFilterInUse(file: string): boolean {
  try {
    return fs.readFileSync(file, 'latin1').split('\n').includes('filter');
  } catch {
    return false; // a kernel without legacy tables has no such file
  }
}

/** For a machine without iptables: the chain may be there all the same, made by a container. */
async function dropsByNft(): Promise<boolean> {
  const { status, out } = await run('nft', ['list', 'chain', 'ip', 'filter', 'FORWARD']);
  return status === 0 && /policy drop;/.test(out);
}

/** iptables-legacy wants to create its lock, which a read-only root file system forbids: then ours has to do. */
const LOCK = '/run/xtables.lock';
const OWN_FOLDER = '/run/gingham';
const environment = (): NodeJS.ProcessEnv =>
  fs.existsSync(LOCK) || !fs.existsSync(OWN_FOLDER)
    ? process.env
    : { ...process.env, XTABLES_LOCKFILE: `${OWN_FOLDER}/xtables.lock` };

function run(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS, env: environment() });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      out += part;
    });
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      if (err.length < SHOWN_ERROR_CHARS) err += part;
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      done({ status: error.code === 'ENOENT' ? MISSING : 1, out: '', err: error.message }),
    );
    child.on('close', (code, signal) => done({ status: code ?? 1, out, err: err || (signal ?? '') }));
  });
}

const missing = (command: string): Reason => ({
  code: 'IPTABLES_MISSING',
  text: `this node's filter FORWARD chain drops what nothing accepts, pods' packets too, and the command "${command}" is not installed to add rules for them. Install iptables, or accept forwarding from and to cali* there yourself.`,
});

const failed = (command: string, { status, err }: Outcome): Reason => ({
  code: 'FORWARD_RULES_FAILED',
  text: `packets of pods may be dropped by the filter FORWARD chain: ${command} ended with ${status}: ${err.trim().slice(0, SHOWN_ERROR_CHARS)}. Check that the daemon has NET_ADMIN and the kernel nf_tables.`,
});
