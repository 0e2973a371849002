/** Names of IPAM objects and handles, exactly Calico's: other writers of the same datastore look objects up by them.
 *  Pure: node:crypto is used for digests only. */
import { createHash } from 'node:crypto';
import { formatPrefix, type Prefix } from '../base/prefix.ts';

/** "10.244.1.0/26" is the object name 10-244-1-0-26. */
export const cidrName = (cidr: Prefix): string => formatPrefix(cidr).replace(/[./]/g, '-');

/** Kubernetes refuses object names longer than this. */
const LONGEST_NAME = 253;
const DIGEST_CHARACTERS = 11;

/** NODE-CIDRNAME; where that would be too long, the node name is cut and a digest keeps it unique. */
export function affinityName(node: string, cidr: Prefix): string {
  const suffix = cidrName(cidr);
  const name = `${node}-${suffix}`;
  if (name.length < LONGEST_NAME) return name;
  const digest = createHash('sha256').update(`${node}+${suffix}`).digest('hex').slice(0, DIGEST_CHARACTERS);
  const kept = LONGEST_NAME - 1 - suffix.length - (DIGEST_CHARACTERS + 2);
  return `${node.slice(0, kept)}-${suffix}-${digest}`;
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** RFC 4648 §6 without padding. */
export function base32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32.charAt((value >>> bits) & 31);
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32.charAt((value << (5 - bits)) & 31) : text;
}

/** Value of the label by which a node's affinities are listed: a node name can be longer than a label value may be. */
export const hostnameHash = (node: string): string => base32(createHash('sha3-256').update(node).digest());

export type TunnelKind = 'ipip' | 'vxlan';

export const tunnelHandle = (kind: TunnelKind, node: string): string => `${kind}-tunnel-addr-${node}`;

/** What Calico writes as `type` beside a tunnel address. */
export const tunnelAttributeType = (kind: TunnelKind): string =>
  kind === 'ipip' ? 'ipipTunnelAddress' : 'vxlanTunnelAddress';

/** Handles are stored under their lower-case form; the object's handleID keeps the case. */
export const handleName = (handleId: string): string => handleId.toLowerCase();
