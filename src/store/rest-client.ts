/** Store over HTTP or HTTPS in the Kubernetes REST shapes: a real API server, or embedded/server.ts. */
import type { Store } from './port.ts';

export interface RestStoreOptions {
  /** "http://127.0.0.1:6480" or "https://10.0.0.1:6443" */
  readonly server: string;
  /** Bearer token, or a function that reads the present one (tokens rotate). */
  readonly token?: string | (() => string);
  /** PEM of the server's authority. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** A watch that hears nothing, not even a bookmark, for this long is cut: the far side may be gone without a FIN. */
  readonly stallMs?: number;
  /** One request's patience. */
  readonly requestMs?: number;
}

export interface RestStore extends Store {
  /** Ends all connections. */
  close(): void;
}

export declare function openRestStore(options: RestStoreOptions): RestStore;
