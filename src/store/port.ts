/** What Gingham asks of a datastore. Pure: types. Implementations: rest-client.ts (the Kubernetes REST shapes, served by
 *  a real API server or by embedded/), and the embedded engine itself; one contract suite runs on each.
 *  Whole numbers beyond 2^53 arrive and leave as bigint (json.ts), because IPAM sequence numbers are about 1.8e18. */

export type Json = null | boolean | number | bigint | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Any resource, fields as they came: a read-modify-write keeps what it does not know. */
export interface Resource {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly spec?: JsonObject;
  readonly status?: JsonObject;
  readonly [field: string]: unknown;
}

/** One row of the table of kinds (kinds.ts). */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ResourceList {
  readonly items: readonly Resource[];
  readonly resourceVersion: string;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Resource }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface Store {
  list(kind: Kind, options?: { readonly labelSelector?: string }): Promise<ResourceList>;
  get(kind: Kind, name: string): Promise<Resource>;
  create(kind: Kind, object: Resource): Promise<Resource>;
  /** Compare-and-swap: `object.metadata.resourceVersion` must be the stored one. */
  replace(kind: Kind, object: Resource): Promise<Resource>;
  /** JSON merge patch (RFC 7396); `subresource` is 'status' for nodes/status and pods/status. */
  mergePatch(kind: Kind, name: string, patch: JsonObject, subresource?: 'status'): Promise<Resource>;
  delete(kind: Kind, name: string, options?: DeleteOptions): Promise<void>;
  /** Yields events after `resourceVersion` until `signal` aborts, the server ends it (return), or it fails (StoreError; 'Gone' = 410). */
  watch(kind: Kind, resourceVersion: string, signal: AbortSignal): AsyncIterable<WatchEvent>;
}

export type StoreErrorReason =
  | 'NotFound'
  | 'AlreadyExists'
  | 'Conflict'
  | 'Gone'
  | 'Invalid'
  | 'Forbidden'
  | 'Unreachable'
  | 'Server';

/** `message` names the object and what was wrong; `reason` is what code decides by. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly reason: StoreErrorReason;
  readonly status: number;

  constructor(reason: StoreErrorReason, message: string, status = 0) {
    super(message);
    this.reason = reason;
    this.status = status;
  }
}
