/** Which ROUTE-REFRESH messages of a session mean something. Pure. RFC 2918 4, RFC 7313 4 and 5. */
import { type Family, hasFamily, keyOfFamily } from '../wire/family.ts';
import { REFRESH_BEGIN, REFRESH_END, REFRESH_REQUEST, type RouteRefresh } from '../wire/route-refresh.ts';
import type { Agreed, RefreshKind } from './session-types.ts';

export class RefreshWatch {
  private readonly agreed: Agreed;
  /** Families (familyKey numbers) whose End-of-RIB came, went out, and whose BoRR waits for its EoRR. */
  private readonly ribsReceived = new Set<number>();
  private readonly ribsSent = new Set<number>();
  private readonly begun = new Set<number>();

  constructor(agreed: Agreed) {
    this.agreed = agreed;
  }

  /** The peer sent, or we did, the End-of-RIB of a family. Only agreed ones are remembered. */
  endOfRib(family: Family, direction: 'received' | 'sent'): void {
    if (!hasFamily(this.agreed.families, family)) return;
    (direction === 'received' ? this.ribsReceived : this.ribsSent).add(keyOfFamily(family));
  }

  /** Undefined: to be ignored. That is what an unknown subtype is, a family that was not agreed, a BoRR in front of the
   *  End-of-RIB where graceful restart promises one, and an EoRR without a BoRR. */
  received({ family, subtype }: RouteRefresh): RefreshKind | undefined {
    if (!this.agreed.routeRefresh || !hasFamily(this.agreed.families, family)) return undefined;
    if (subtype === REFRESH_REQUEST) return 'request';
    if (!this.agreed.enhancedRouteRefresh) return undefined;
    const key = keyOfFamily(family);
    if (subtype === REFRESH_BEGIN) {
      if (this.agreed.gracefulRestart !== undefined && !this.ribsReceived.has(key)) return undefined;
      this.begun.add(key);
      return 'begin';
    }
    return subtype === REFRESH_END && this.begun.delete(key) ? 'end' : undefined;
  }

  /** Whether we may send it. A BoRR must not come before our End-of-RIB, where graceful restart promises one. */
  maySend({ family, subtype }: RouteRefresh): boolean {
    if (!this.agreed.routeRefresh || !hasFamily(this.agreed.families, family)) return false;
    if (subtype === REFRESH_REQUEST) return true;
    if (!this.agreed.enhancedRouteRefresh) return false;
    const promised = this.agreed.gracefulRestart !== undefined;
    return subtype !== REFRESH_BEGIN || !promised || this.ribsSent.has(keyOfFamily(family));
  }
}
