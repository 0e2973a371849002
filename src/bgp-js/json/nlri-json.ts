/** One NLRI as JSON. Pure. RFC 4760 5, RFC 8277 2, RFC 4364 4.3; EVPN, FlowSpec, BGP-LS and the like stay hex. */
import { formatIp } from '../../base/ip.ts';
import { formatIpv4, ipv4 } from '../../base/ipv4.ts';
import { ipv6 } from '../../base/ipv6.ts';
import {
  AFI_IPV4,
  AFI_IPV6,
  familyName,
  familyOfKey,
  SAFI_L3VPN,
  SAFI_LABELED_UNICAST,
  SAFI_MULTICAST,
  SAFI_UNICAST,
} from '../wire/family.ts';
import { toHex } from './hex.ts';
import type { NlriJson } from './json-types.ts';

const LABEL_BITS = 24;
const RD_BITS = 64;
/** Of one who withdraws, and does not know the label. RFC 8277 2.4 */
const WITHDRAWN_LABEL = 0x800000;

/** `bytes` from `start` to `end` is one NLRI without path identifier. */
export function nlriJson(
  bytes: Uint8Array,
  start: number,
  end: number,
  familyKey: number,
  pathId: number | undefined,
): NlriJson {
  const { afi, safi } = familyOfKey(familyKey);
  const head = { family: familyName({ afi, safi }), ...(pathId !== undefined && { pathId }) };
  const width = afi === AFI_IPV4 ? 32 : afi === AFI_IPV6 ? 128 : 0;
  const bits = bytes[start] ?? 0;
  if (width > 0 && (safi === SAFI_UNICAST || safi === SAFI_MULTICAST) && bits <= width)
    return { ...head, prefix: prefixText(bytes, start + 1, bits, width) };
  if (width > 0 && (safi === SAFI_LABELED_UNICAST || safi === SAFI_L3VPN)) {
    const labelled = labelledJson(bytes, start, end, width, safi === SAFI_L3VPN);
    if (labelled !== undefined) return { ...head, ...labelled };
  }
  return { ...head, hex: toHex(bytes, start, end) };
}

/** Bits behind `length` are masked: they mean nothing. RFC 4271 4.3 */
export function prefixText(bytes: Uint8Array, at: number, length: number, width: number): string {
  let n = 0n;
  for (let i = 0; i < Math.ceil(length / 8); i++) n = n * 256n + BigInt(bytes[at + i] ?? 0);
  const spare = BigInt(Math.ceil(length / 8) * 8 - length);
  const value = ((n >> spare) << spare) << BigInt(width - Math.ceil(length / 8) * 8);
  return `${formatIp(width === 32 ? ipv4(Number(value)) : ipv6(value))}/${length}`;
}

function labelledJson(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  vpn: boolean,
): Pick<NlriJson, 'labels' | 'rd' | 'prefix'> | undefined {
  let bits = bytes[start] ?? 0;
  let at = start + 1;
  const labels: number[] = [];
  const behind = vpn ? RD_BITS : 0;
  for (let bottom = false; !bottom; at += 3) {
    if (bits < LABEL_BITS + behind || at + 3 > end) return undefined;
    const word = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    labels.push(word >>> 4);
    bottom = (word & 1) === 1 || word === WITHDRAWN_LABEL || word === 0;
    bits -= LABEL_BITS;
  }
  if (!vpn) return bits <= width ? { labels, prefix: prefixText(bytes, at, bits, width) } : undefined;
  bits -= RD_BITS;
  if (bits > width || at + 8 > end) return undefined;
  return { labels, rd: rdText(bytes, at), prefix: prefixText(bytes, at + 8, bits, width) };
}

/** "65000:1", "10.0.0.1:1"; RFC 4364 4.2 */
export function rdText(bytes: Uint8Array, at: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  const type = view.getUint16(0);
  if (type === 0) return `${view.getUint16(2)}:${view.getUint32(4)}`;
  if (type === 1) return `${formatIpv4(view.getUint32(2))}:${view.getUint16(6)}`;
  if (type === 2) return `${view.getUint32(2)}:${view.getUint16(6)}`;
  return toHex(bytes, at, at + 8);
}
