/** The next hop that a scan found, as an address. Pure, hot: an IPv6 one is a bigint, which is made anew only where it is another
 *  than before, since peers send one next hop again and again. */
import type { IpAddress } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import { readIpv6 } from '../../base/ipv6.ts';
import type { ScannedSet } from './attribute-scan.ts';

export class ScannedNextHop {
  private readonly octets = new Uint8Array(16);
  private last: IpAddress = readIpv6(this.octets, 0);

  of(bytes: Uint8Array, { nextHopAt: at, nextHopOctets }: ScannedSet): IpAddress {
    if (nextHopOctets === 4)
      return ipv4((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
    const { octets } = this;
    let same = 0;
    while (same < 16 && bytes[at + same] === octets[same]) same++;
    if (same < 16) {
      for (let i = same; i < 16; i++) octets[i] = bytes[at + i]!;
      this.last = readIpv6(octets, 0);
    }
    return this.last;
  }
}
