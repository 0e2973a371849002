/** Names that CNI gives to interfaces, MACs and handles. Pure: node:crypto is used for digests only. */
import { createHash } from 'node:crypto';

const PREFIX = 'cali';
/** IFNAMSIZ is 16 with the final zero. */
const SUFFIX_CHARACTERS = 11;

/** Calico's rule, so that whoever knows a Calico node finds a pod's interface: cali + SHA-1 of NAMESPACE.POD. Outside of
 *  Kubernetes the container's id takes the digest's place. */
export function hostInterfaceName(
  pod: { readonly namespace: string; readonly name: string } | undefined,
  containerId: string,
): string {
  const suffix =
    pod === undefined ? containerId : createHash('sha1').update(`${pod.namespace}.${pod.name}`).digest('hex');
  return PREFIX + suffix.slice(0, SUFFIX_CHARACTERS);
}

/** A locally administered MAC that a repeated ADD finds again. */
export function podMac(containerId: string, ifName: string): string {
  const digest = createHash('sha1').update(`${containerId}/${ifName}`).digest();
  digest[0] = ((digest[0] ?? 0) & 0xfc) | 0x02; // unicast, locally administered
  return [...digest.subarray(0, 6)].map((b) => b.toString(16).padStart(2, '0')).join(':');
}

export const podHandle = (network: string, containerId: string): string => `${network}.${containerId}`;
