/** A reason that belongs to an object of the store, so that it can be told there too. Pure: types. */
import type { Reason } from '../base/reason.ts';
import type { Kind } from '../store/port.ts';

export interface ClusterReason extends Reason {
  /** Absent: of no single object. */
  readonly about?: { readonly kind: Kind; readonly name: string };
}
