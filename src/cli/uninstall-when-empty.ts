/** Keeps the daemon running on a node that is to be uninstalled until its last pod is gone: without the daemon no pod could
 *  be deleted, and those that stay would be cut off. Not pure: one child process, the daemon's records, a clock. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface WhenEmptyOptions {
  /** The daemon's arguments after the program: ["node", "--config", FILE]. */
  readonly daemon: readonly string[];
  /** Pods on our network, for people. */
  readonly pods: () => readonly string[];
  /** No new pods from now on: the network's configuration goes. */
  readonly closeDoor: () => void;
  readonly say: (text: string) => void;
}

const ASK_AGAIN_MS = 1000;

/** Resolves when no pod is left and the daemon has stopped. Rejects when the daemon ends by itself: whoever started us
 *  starts us again. */
export async function whenEmpty(options: WhenEmptyOptions): Promise<void> {
  const { pods, closeDoor, say } = options;
  for (;;) {
    const child = start(options.daemon);
    try {
      await emptied(child, pods, say);
      closeDoor();
      // An ADD that had begun before is finished by the daemon before it stops, and leaves its record.
      await emptied(child, pods, say);
    } finally {
      await stop(child);
    }
    if (pods().length === 0) return;
  }
}

async function emptied(child: ChildProcess, pods: () => readonly string[], say: (text: string) => void): Promise<void> {
  let told = '';
  for (let left = pods(); left.length > 0; left = pods()) {
    const text = left.map((pod) => `\n  ${pod}`).join('');
    if (text !== told)
      say(`${left.length} pods of this node are on our network; waiting until they are deleted or drained:${text}`);
    told = text;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the daemon ended (${child.exitCode ?? child.signalCode}) while pods are still connected`);
    await new Promise((again) => setTimeout(again, ASK_AGAIN_MS));
  }
}

function start(daemon: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...daemon], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => child.kill(signal));
  return child;
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  child.kill('SIGTERM');
  return new Promise((done) => child.once('exit', () => done()));
}
