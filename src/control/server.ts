/** The control service on a unix socket. Load it by `await import`: gRPC takes time, and the first SYN does not wait. */
import type { ControlSource } from './source.ts';

/** Where the server writes what it cannot answer to anybody: a pino logger fits. */
export interface ControlLog {
  warn(fields: Readonly<Record<string, unknown>>, text: string): void;
}

export interface ControlServerOptions {
  readonly socketPath: string;
  readonly source: ControlSource;
  readonly log: ControlLog;
}

export interface ControlServer {
  close(): Promise<void>;
}

/** Listens on `socketPath`, mode 0660; a stale socket is replaced only when nobody answers on it.
 *  Throws ControlSocketError, which names path, cause and remedy. */
export declare function startControlServer(options: ControlServerOptions): Promise<ControlServer>;
