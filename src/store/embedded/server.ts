/** The embedded store as a server: one process of the lab or of a small fleet. Past one machine the engine is
 *  Kubernetes with etcd, never this. */

export interface StoreServerOptions {
  /** Port 0 lets the kernel choose. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Folder of the key-value files; made if absent. */
  readonly dataDir: string;
  /** Texts of the CRD files (deploy/crds/*.yaml): kinds, scope, validation, pruning, printer columns. */
  readonly crds: readonly string[];
}

export interface StoreServer {
  readonly port: number;
  close(): Promise<void>;
}

export declare function startStoreServer(options: StoreServerOptions): Promise<StoreServer>;
