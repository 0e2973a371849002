/** The control socket: there from the start, and cheap while nobody asks. gRPC takes a tenth of the memory of a small node, and holds
 *  the event loop for as long as two hundred sessions take to come up: it is loaded when the first client connects. */
import fs from 'node:fs';
import net from 'node:net';
import type { ControlServer, ControlServerOptions } from './server.ts';
import { ControlSocketError, claimSocketPath } from './socket-path.ts';

export interface ControlSocketOptions extends ControlServerOptions {
  readonly socketPath: string;
  /** Makes the service; default: server.ts. */
  readonly load?: (options: ControlServerOptions) => Promise<ControlServer>;
}

export interface ControlSocket {
  close(): Promise<void>;
}

const SOCKET_MODE = 0o660;

/** Listens on `socketPath`, mode 0660; a stale socket is replaced only when nobody answers on it.
 *  Throws ControlSocketError, which names path, cause and remedy. */
export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const { socketPath, log, load = loadService } = options;
  await claimSocketPath(socketPath);
  let loaded: Promise<ControlServer> | undefined;
  const waiting = new Set<net.Socket>();
  const turnAway = (error: unknown): void => {
    loaded = undefined;
    for (const connection of waiting) connection.destroy();
    const text = error instanceof Error ? error.message : String(error);
    log.warn(
      { error: text },
      'control: the service cannot be loaded; if this installation was changed under a running daemon, restart the daemon',
    );
  };
  const listener = net.createServer((connection) => {
    waiting.add(connection);
    connection.on('error', () => connection.destroy()); // it left before it was answered
    connection.once('close', () => waiting.delete(connection));
    if (loaded === undefined) {
      loaded = load(options);
      loaded.catch(turnAway);
    }
    void loaded.then(
      (server) => {
        if (waiting.delete(connection)) server.serve(connection);
      },
      () => {}, // it was turned away
    );
  });
  await listen(listener, socketPath);
  fs.chmodSync(socketPath, SOCKET_MODE);
  return {
    close: async () => {
      const closed = new Promise<void>((done) => listener.close(() => done()));
      for (const connection of waiting) connection.destroy();
      const server = await loaded?.catch(() => undefined);
      await server?.close();
      await closed;
    },
  };
}

const loadService = async (options: ControlServerOptions): Promise<ControlServer> => {
  const { startControlServer } = await import('./server.ts');
  return startControlServer(options);
};

const listen = (listener: net.Server, socketPath: string): Promise<void> =>
  new Promise((done, fail) => {
    listener.once('error', (error) =>
      fail(
        new ControlSocketError(
          `control socket ${socketPath}: ${error.message}. Check the folder's owner and mode, or set control.socket.`,
        ),
      ),
    );
    listener.listen(socketPath, done);
  });
