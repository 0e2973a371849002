/** A child that answers one JSON line to each JSON line. */
import { type ChildProcess, spawn } from 'node:child_process';
import readline from 'node:readline';

export interface JsonChild {
  readonly process: ChildProcess;
  ask<T>(request: unknown): Promise<T>;
  /** What it wrote to stderr so far. */
  said(): string;
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>;
}

export function startJsonChild(command: string, ...args: string[]): JsonChild {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    said += part;
  });
  const waiting: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  readline.createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line)));
  const gone = new Promise<void>((resolve) => {
    // Not 'exit': its last lines may be unread then.
    child.once('close', (code, signal) => {
      for (const w of waiting) w.reject(new Error(`${command} ended (${code ?? signal}): ${said}`));
      resolve();
    });
  });
  child.stdin.on('error', () => {});
  return {
    process: child,
    said: () => said,
    ask: <T>(request: unknown) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ resolve: resolve as (value: unknown) => void, reject });
        child.stdin.write(`${JSON.stringify(request)}\n`);
      }),
    kill: () => {
      child.kill('SIGKILL');
      return gone;
    },
  };
}
