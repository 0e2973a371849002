/** Node objects -> ClusterNode. Pure. Annotations are Calico's; where one cannot be read, the next best source is used and
 *  the fault is told. */
import { type Ipv4, parseIpv4 } from '../base/ipv4.ts';
import { parseIpv6 } from '../base/ipv6.ts';
import { type Prefix, prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { ClusterNode } from '../model/node.ts';
import type { Resource } from '../store/port.ts';

export const NODE_ANNOTATIONS = {
  address: 'projectcalico.org/IPv4Address',
  ipv6Address: 'projectcalico.org/IPv6Address',
  asn: 'projectcalico.org/ASNumber',
  ipipTunnelAddress: 'projectcalico.org/IPv4IPIPTunnelAddr',
  vxlanTunnelAddress: 'projectcalico.org/IPv4VXLANTunnelAddr',
  vxlanTunnelMac: 'projectcalico.org/VXLANTunnelMACAddr',
  routeReflector: 'projectcalico.org/RouteReflectorClusterID',
} as const;

export interface ReadNode {
  readonly node: ClusterNode;
  /** It reflects routes and is peered with by BGPPeer objects, not by the mesh. */
  readonly routeReflector: boolean;
  readonly problems: readonly Reason[];
}

const MAC = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

export function readNode(resource: Resource): ReadNode {
  const { name, annotations = {}, labels = {} } = resource.metadata;
  const problems: Reason[] = [];
  const read = <T>(key: string, parse: (text: string) => T | undefined, want: string): T | undefined => {
    const text = annotations[key];
    if (text === undefined || text === '') return undefined;
    const value = parse(text);
    if (value === undefined)
      problems.push({
        code: 'NODE_ANNOTATION_INVALID',
        text: `node "${name}": annotation ${key} is "${text.slice(0, 80)}", but ${want} is expected. Correct or remove it.`,
      });
    return value;
  };
  const annotated = read(
    NODE_ANNOTATIONS.address,
    parseInterfaceAddress,
    'an IPv4 address with mask, such as 192.168.34.101/24,',
  );
  const address = annotated?.address ?? internalAddress(resource);
  const ipv6Address = read(
    NODE_ANNOTATIONS.ipv6Address,
    (t) => parseIpv6(t.split('/')[0] ?? ''),
    'an IPv6 address with mask, such as 2001:db8::1/64,',
  );
  const asn = read(NODE_ANNOTATIONS.asn, parseAsn, 'an AS number from 1 to 4294967295');
  const ipip = read(NODE_ANNOTATIONS.ipipTunnelAddress, parseIpv4, 'an IPv4 address');
  const vxlan = read(NODE_ANNOTATIONS.vxlanTunnelAddress, parseIpv4, 'an IPv4 address');
  const clusterId = read(NODE_ANNOTATIONS.routeReflector, parseIpv4, 'a cluster id written as an IPv4 address');
  const mac = read(
    NODE_ANNOTATIONS.vxlanTunnelMac,
    (t) => (MAC.test(t) ? t.toLowerCase() : undefined),
    'six bytes as 66:46:b3:ce:05:5d',
  );
  return {
    node: {
      name,
      ...(address === undefined ? {} : { address }),
      ...(annotated?.subnet === undefined ? {} : { subnet: annotated.subnet }),
      ...(ipv6Address === undefined ? {} : { ipv6Address }),
      ...(clusterId === undefined ? {} : { clusterId }),
      ...(asn === undefined ? {} : { asn }),
      ...(ipip === undefined ? {} : { ipipTunnelAddress: ipip }),
      ...(vxlan === undefined ? {} : { vxlanTunnelAddress: vxlan }),
      ...(mac === undefined ? {} : { vxlanTunnelMac: mac }),
      labels,
    },
    routeReflector: (annotations[NODE_ANNOTATIONS.routeReflector] ?? '') !== '',
    problems,
  };
}

/** "192.168.34.101/24" keeps its host bits; without a mask the subnet is not known. */
function parseInterfaceAddress(text: string): { readonly address: Ipv4; readonly subnet?: Prefix } | undefined {
  const slash = text.indexOf('/');
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined || slash < 0) return address === undefined ? undefined : { address };
  const digits = text.slice(slash + 1);
  return /^(?:[0-9]|[12][0-9]|3[0-2])$/.test(digits) ? { address, subnet: prefix(address, Number(digits)) } : undefined;
}

/** Plain, or asdot "1.10" (RFC 5396). */
export function parseAsn(text: string): number | undefined {
  const match = /^(?:(\d{1,5})\.)?(\d{1,10})$/.exec(text);
  if (match === null) return undefined;
  const [, high, low] = match;
  if (high !== undefined && (Number(high) > 0xffff || Number(low) > 0xffff)) return undefined;
  const asn = high === undefined ? Number(low) : Number(high) * 65536 + Number(low);
  return asn >= 1 && asn <= 0xffffffff ? asn : undefined;
}

function internalAddress(resource: Resource): Ipv4 | undefined {
  const addresses: unknown = resource.status?.addresses;
  if (!Array.isArray(addresses)) return undefined;
  for (const entry of addresses as readonly unknown[]) {
    if (typeof entry !== 'object' || entry === null || !('type' in entry) || !('address' in entry)) continue;
    const parsed =
      entry.type === 'InternalIP' && typeof entry.address === 'string' ? parseIpv4(entry.address) : undefined;
    if (parsed !== undefined) return parsed;
  }
  return undefined;
}
