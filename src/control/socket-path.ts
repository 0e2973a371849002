/** The file system's side of a unix socket: its length, its folder, and who has it already. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

/** The control socket cannot be had: path, cause, remedy. */
export class ControlSocketError extends Error {
  override readonly name = 'ControlSocketError';
}

/** sun_path has 108 bytes with its final zero. unix(7) */
const MOST_BYTES = 107;
const ANSWER_MS = 1000;

export function checkSocketPathLength(socketPath: string): void {
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > MOST_BYTES)
    throw new ControlSocketError(
      `control socket ${socketPath} has ${bytes} bytes, but a unix socket's path has at most ${MOST_BYTES}. Set control.socket to a shorter path, for instance under /run.`,
    );
}

/** Makes the folder, and removes a socket nobody answers on: what a kill -9 leaves. Anything else there is an error. */
export async function claimSocketPath(socketPath: string): Promise<void> {
  checkSocketPathLength(socketPath);
  fs.mkdirSync(path.dirname(socketPath), { recursive: true });
  const found = fs.lstatSync(socketPath, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new ControlSocketError(
      `control socket ${socketPath}: a file that is no socket is in the way. Remove it, or set control.socket to another path.`,
    );
  const outcome = await knock(socketPath);
  if (outcome === 'answered')
    throw new ControlSocketError(
      `control socket ${socketPath}: another daemon answers on it. Stop that one, or set control.socket to another path.`,
    );
  if (outcome !== 'ECONNREFUSED' && outcome !== 'ENOENT')
    throw new ControlSocketError(
      `control socket ${socketPath}: whether a daemon answers on it cannot be told (${outcome}). Remove the file if none does.`,
    );
  fs.rmSync(socketPath, { force: true });
}

/** A listener too busy to answer in time is a listener. */
const knock = (socketPath: string): Promise<string> =>
  new Promise((done) => {
    const socket = net.connect({ path: socketPath });
    const end = (outcome: string): void => {
      socket.destroy();
      done(outcome);
    };
    socket.setTimeout(ANSWER_MS, () => end('answered'));
    socket.on('connect', () => end('answered'));
    socket.on('error', (e: NodeJS.ErrnoException) => end(e.code === 'EAGAIN' ? 'answered' : (e.code ?? e.message)));
  });
