/** A set of addresses that answers whether one of them is inside a prefix. Pure. Sorted, with a short unsorted tail, so that many
 *  may come one by one. */
import { addressBits, compareIp, type IpAddress } from '../../base/ip.ts';
import { netmask } from '../../base/ipv4.ts';
import { netmask6 } from '../../base/ipv6.ts';

const MAX_TAIL = 64;
const ALL_ONES = (1n << 128n) - 1n;

export class CoveredAddresses {
  private readonly bits: number;
  private readonly members = new Set<IpAddress>();
  /** May hold addresses that are gone; never lacks one but those of the tail. */
  private sorted: IpAddress[] = [];
  private tail: IpAddress[] = [];
  private gone = 0;
  /** Grows with every address that comes or goes. */
  changes = 0;

  /** Addresses of the other family may be members; no prefix contains them. */
  constructor(family: 'ipv4' | 'ipv6') {
    this.bits = family === 'ipv4' ? 32 : 128;
  }

  get size(): number {
    return this.members.size;
  }

  has(address: IpAddress): boolean {
    return this.members.has(address);
  }

  add(address: IpAddress): void {
    if (this.members.has(address)) return;
    this.members.add(address);
    this.changes++;
    if (addressBits(address) !== this.bits) return;
    this.tail.push(address);
    if (this.tail.length > MAX_TAIL + (this.sorted.length >> 3)) this.sort();
  }

  delete(address: IpAddress): void {
    if (!this.members.delete(address)) return;
    this.changes++;
    if (++this.gone > MAX_TAIL + (this.members.size >> 1)) this.sort();
  }

  /** One of them is inside the prefix, which is canonical. */
  some(address: IpAddress, length: number): boolean {
    if (this.members.size === 0) return false;
    const last =
      typeof address === 'bigint' ? address + (ALL_ONES - netmask6(length)) : (address | ~netmask(length)) >>> 0;
    for (const member of this.tail) if (member >= address && member <= last && this.members.has(member)) return true;
    const { sorted } = this;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as IpAddress) < address) low = middle + 1;
      else high = middle;
    }
    for (; low < sorted.length && (sorted[low] as IpAddress) <= last; low++) {
      if (this.members.has(sorted[low] as IpAddress)) return true;
    }
    return false;
  }

  private sort(): void {
    this.sorted = [...this.members].filter((a) => addressBits(a) === this.bits).sort(compareIp);
    this.tail = [];
    this.gone = 0;
  }
}
