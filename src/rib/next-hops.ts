/** Next hops in use and where they lead. Pure: who knows interfaces and the kernel's routes answers through NextHopResolver.
 *  RFC 4271 9.1.2.1 */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';

/** How the routes of this machine that are not BGP's lead to an address. */
export type Resolution =
  | {
      readonly reachable: true;
      /** Cost of the way, for RFC 4271 9.1.2.2 e; 0 for a neighbour on a link. */
      readonly metric: number;
      /** On a link of this machine. */
      readonly connected: boolean;
      /** Only through a default route: a BGP route that covers the address is a better way. */
      readonly byDefault: boolean;
    }
  | { readonly reachable: false; readonly reason: Reason };

export interface NextHopResolver {
  resolve(nextHop: IpAddress): Resolution;
  /** `listener` is called after changes, which may be of any next hop. The answer ends it. */
  onChange(listener: () => void): () => void;
}
