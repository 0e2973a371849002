/** Kernel routes in the words of `ip route` (iproute2), line for line, so that a lab can be compared with any other
 *  machine by eye. Pure: decoded routes and device names in, text out. IPv4. */
import { addressBits, formatIp } from '../../base/ip.ts';
import type { Route, RouteHop } from '../../netlink/route.ts';

const UNICAST = 1;
const TYPES: Readonly<Record<number, string>> = {
  2: 'local',
  3: 'broadcast',
  4: 'anycast',
  5: 'multicast',
  6: 'blackhole',
  7: 'unreachable',
  8: 'prohibit',
  9: 'throw',
  10: 'nat',
};
const PROTOCOL_BOOT = 3;
/** /etc/iproute2/rt_protos */
const PROTOCOLS: Readonly<Record<number, string>> = {
  0: 'unspec',
  1: 'redirect',
  2: 'kernel',
  4: 'static',
  8: 'gated',
  9: 'ra',
  10: 'mrt',
  11: 'zebra',
  12: 'bird',
  13: 'dnrouted',
  14: 'xorp',
  15: 'ntk',
  16: 'dhcp',
  18: 'keepalived',
  42: 'babel',
  99: 'openr',
  186: 'bgp',
  187: 'isis',
  188: 'ospf',
  189: 'rip',
  192: 'eigrp',
};
const SCOPE_UNIVERSE = 0;
const SCOPES: Readonly<Record<number, string>> = { 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' };
/** In iproute2's order. */
const FLAGS: readonly (readonly [number, string])[] = [
  [1, 'dead'],
  [4, 'onlink'],
  [2, 'pervasive'],
  [8, 'offload'],
  [16, 'linkdown'],
  [32, 'unresolved'],
];

export type DeviceNames = (index: number) => string | undefined;

const destination = (r: Route): string => {
  if (r.len === 0) return 'default';
  return r.len === addressBits(r.dst) ? formatIp(r.dst) : `${formatIp(r.dst)}/${r.len}`;
};
const device = (index: number, names: DeviceNames): string => `dev ${names(index) ?? `if${index}`}`;
const flagWords = (flags: number): string[] => FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, word]) => word);

/** One route; several next hops take a line each, below it. */
export function formatIpRoute(r: Route, names: DeviceNames): string {
  const words: string[] = [];
  if (r.type !== UNICAST) words.push(TYPES[r.type] ?? String(r.type));
  words.push(destination(r));
  if (r.tos !== 0) words.push(`tos 0x${r.tos.toString(16).padStart(2, '0')}`);
  const several = r.nexthops.length > 1;
  if (!several && r.gateway !== 0) words.push(`via ${formatIp(r.gateway)}`);
  if (!several && r.oif !== 0) words.push(device(r.oif, names));
  if (r.protocol !== PROTOCOL_BOOT) words.push(`proto ${PROTOCOLS[r.protocol] ?? r.protocol}`);
  if (r.scope !== SCOPE_UNIVERSE) words.push(`scope ${SCOPES[r.scope] ?? r.scope}`);
  if (r.prefSrc !== 0) words.push(`src ${formatIp(r.prefSrc)}`);
  if (r.metric !== 0) words.push(`metric ${r.metric}`);
  if (!several) words.push(...flagWords(r.flags));
  return [words.join(' '), ...(several ? r.nexthops.map((hop) => formatHop(hop, names)) : [])].join('\n');
}

function formatHop(hop: RouteHop, names: DeviceNames): string {
  const gateway = hop.gateway === 0 ? [] : [`via ${formatIp(hop.gateway)}`];
  return ['\tnexthop', ...gateway, device(hop.oif, names), 'weight 1', ...flagWords(hop.flags)].join(' ');
}

/** A whole table in the kernel's order. */
export const formatIpRoutes = (routes: readonly Route[], names: DeviceNames): string[] =>
  routes.map((r) => formatIpRoute(r, names));
