/** The cluster-wide rules an assignment obeys: IPAMConfig "default" and IPReservations. Pure. */
import type { Ipv4 } from '../base/ipv4.ts';
import { containsAddress, parsePrefix } from '../base/prefix.ts';
import type { Resource } from '../store/port.ts';
import { listOf, wholeOf } from './fields.ts';

export interface IpamSettings {
  /** Addresses may come only from own blocks. */
  readonly strictAffinity: boolean;
  readonly autoAllocateBlocks: boolean;
  readonly maxBlocksPerNode: number;
  readonly cooldownSec: number;
}

const DEFAULT_MAX_BLOCKS = 20;

/** An absent object, and 0 for the limit, mean Calico's defaults. */
export function parseSettings(config: Resource | undefined): IpamSettings {
  const spec = config?.spec ?? {};
  return {
    strictAffinity: spec.strictAffinity === true,
    autoAllocateBlocks: spec.autoAllocateBlocks !== false,
    maxBlocksPerNode: wholeOf(spec.maxBlocksPerHost) || DEFAULT_MAX_BLOCKS,
    cooldownSec: wholeOf(spec.ipCooldownSeconds) ?? 0,
  };
}

/** A test for addresses that must not be given out by themselves. */
export function reservedBy(reservations: readonly Resource[]): (address: Ipv4) => boolean {
  const ranges = reservations.flatMap((r) =>
    (listOf(r.spec?.reservedCIDRs) ?? []).flatMap((c) => {
      const text = typeof c === 'string' ? c : '';
      return parsePrefix(text.includes('/') ? text : `${text}/32`) ?? [];
    }),
  );
  return (address) => ranges.some((range) => containsAddress(range, address));
}
