/** Network namespaces of one test: unique names, gone after `remove`, also when the test failed. */
import { execFileSync, spawnSync } from 'node:child_process';

export interface Outcome {
  readonly status: number;
  readonly out: string;
}

/** Runs a command; throws with what it said when it fails. */
export const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });

/** Runs a command whose failure is an answer. */
export function attempt(command: string, ...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 1 << 28,
  });
  return { status: status ?? -1, out: stdout + stderr };
}

export interface Namespaces {
  /** The full name, for `ip -n`; made on first use. */
  name(short: string): string;
  path(short: string): string;
  ip(short: string, command: string): string;
  /** A shell line inside. */
  sh(short: string, line: string): string;
  try(short: string, line: string): Outcome;
  remove(): void;
}

export function makeNamespaces(prefix: string): Namespaces {
  const tag = `${prefix}${process.pid.toString(36)}`;
  const made = new Set<string>();
  const name = (short: string): string => {
    const full = `${tag}-${short}`;
    if (!made.has(full)) {
      run('ip', 'netns', 'add', full);
      made.add(full);
      run('ip', '-n', full, 'link', 'set', 'lo', 'up');
    }
    return full;
  };
  return {
    name,
    path: (short) => `/run/netns/${name(short)}`,
    ip: (short, command) => run('ip', '-n', name(short), ...command.split(' ')),
    sh: (short, line) => run('ip', 'netns', 'exec', name(short), 'sh', '-c', line),
    try: (short, line) => attempt('ip', 'netns', 'exec', name(short), 'sh', '-c', line),
    remove: () => {
      for (const full of made) attempt('ip', 'netns', 'del', full);
      made.clear();
    },
  };
}

/** Polls until `probe` answers something; throws `what` after the deadline. */
export async function until<T>(what: string, probe: () => T | undefined | false, deadlineMs = 30_000): Promise<T> {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((next) => setTimeout(next, 25));
  }
}
