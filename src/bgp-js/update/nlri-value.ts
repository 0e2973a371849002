/** NLRI elements as objects, for the edges. Pure. The hot path is nlri.ts. */
import { addressBits, type IpPrefix, ipPrefix } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import { ipv6 } from '../../base/ipv6.ts';
import { AFI_IPV4, AFI_IPV6, type Family, keyOfFamily, SAFI_UNICAST } from '../wire/family.ts';
import { forEachNlri, prefixBits, prefixWord } from './nlri.ts';
import type { Nlri } from './update-types.ts';

/** The elements in [start, end), as copies; `undefined` when they are not whole. */
export function readNlri(
  slab: Uint8Array,
  start: number,
  end: number,
  family: Family,
  addPath: boolean,
): readonly Nlri[] | undefined {
  const key = keyOfFamily(family);
  const bits = prefixBits(key);
  const list: Nlri[] = [];
  const stop = forEachNlri(slab, start, end, key, addPath, (at, next, pathId) => {
    const id = addPath ? { pathId } : {};
    if (bits === 0) list.push({ family, ...id, bytes: slab.slice(at, next) });
    else {
      const prefix = readPrefix(slab, at, next, bits);
      list.push({ family, prefix, ...id, bytes: prefixBytes(prefix) });
    }
  });
  return stop === end ? list : undefined;
}

function readPrefix(slab: Uint8Array, at: number, end: number, bits: number): IpPrefix {
  const length = slab[at] ?? 0;
  if (bits === 32) return { address: ipv4(prefixWord(slab, at, end, 0)), length };
  let address = 0n;
  for (let i = 0; i < 4; i++) address = (address << 32n) | BigInt(prefixWord(slab, at, end, i));
  return { address: ipv6(address), length };
}

/** A route of a prefix, of unicast unless another family of plain prefixes is named. */
export function nlriOf(prefix: IpPrefix, pathId?: number, family?: Family): Nlri {
  const afi = typeof prefix.address === 'bigint' ? AFI_IPV6 : AFI_IPV4;
  const canonical = ipPrefix(prefix.address, prefix.length);
  return {
    family: family ?? { afi, safi: SAFI_UNICAST },
    prefix: canonical,
    ...(pathId !== undefined ? { pathId } : {}),
    bytes: prefixBytes(canonical),
  };
}

/** The length in bits, and as many octets as hold them. RFC 4760 5 */
function prefixBytes({ address, length }: IpPrefix): Uint8Array {
  const octets = (length + 7) >>> 3;
  const bytes = new Uint8Array(1 + octets);
  bytes[0] = length;
  let shift = addressBits(address) - 8;
  for (let i = 1; i <= octets; i++, shift -= 8)
    bytes[i] = typeof address === 'bigint' ? Number((address >> BigInt(shift)) & 0xffn) : address >>> shift;
  return bytes;
}
