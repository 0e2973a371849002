/** A decoded message as the lines that the corpus expects: short, stable, and not our JSON, so that neither hides the other's
 *  mistakes. Ten or more of the same in a row are "X xN". */
import { formatIp, formatIpPrefix } from '../../src/base/ip.ts';
import { formatIpv4 } from '../../src/base/ipv4.ts';
import { formatIpv6 } from '../../src/base/ipv6.ts';
import type { AsSegment, MpNextHop, PathAttributes } from '../../src/bgp-js/attributes/attribute-types.ts';
import type { DecodedMessage } from '../../src/bgp-js/message.ts';
import type { DecodedUpdate, Nlri } from '../../src/bgp-js/update/update-types.ts';
import type { Capabilities } from '../../src/bgp-js/wire/capability-types.ts';
import type { BgpError } from '../../src/bgp-js/wire/error.ts';
import { familyName } from '../../src/bgp-js/wire/family.ts';
import { shutdownText, unwrapHardReset } from '../../src/bgp-js/wire/notification.ts';
import type { OpenMessage } from '../../src/bgp-js/wire/open.ts';
import { roleOfValue } from '../../src/bgp-js/wire/role.ts';
import type { RouteRefresh } from '../../src/bgp-js/wire/route-refresh.ts';
import { toHex } from './hex.ts';

export function linesOf(message: DecodedMessage): string[] {
  switch (message.type) {
    case 'open':
      return openLines(message.open);
    case 'update':
      return updateLines(message.update);
    case 'notification':
      return notificationLines(message.error);
    case 'route-refresh':
      return refreshLines(message.refresh);
    default:
      return ['keepalive'];
  }
}

const OCTETS = /^(announce|withdraw|data|unknown|orf|aigp-rest|capability) /;
/** The same for what is expected: octets may have spaces, and lines may stand in any order. */
export const comparable = (lines: readonly string[]): string[] =>
  [...new Set(lines.map((line) => (OCTETS.test(line) ? line.replace(/\s+/g, '') : line)))].sort();

export const errorOf = ({ code, subcode, data }: BgpError): string =>
  data.length > 0 ? `${code}/${subcode} ${toHex(data)}` : `${code}/${subcode}`;

function openLines(open: OpenMessage): string[] {
  return [
    'open',
    `as ${open.myAs}`,
    `hold ${open.holdTimeSec}`,
    `id ${formatIpv4(open.bgpIdentifier)}`,
    ...capabilityLines(open.capabilities),
  ];
}

function capabilityLines(c: Capabilities): string[] {
  const gr = c.gracefulRestart;
  const lived = c.longLivedGracefulRestart;
  return [
    ...(c.multiprotocol ?? []).map((family) => `mp ${familyName(family)}`),
    ...(c.routeRefresh === true ? ['refresh'] : []),
    ...(c.extendedNextHop ?? []).map(
      (f) => `next-hop ${familyName(f)} over ${f.nextHopAfi === 2 ? 'ipv6' : f.nextHopAfi}`,
    ),
    ...(c.extendedMessages === true ? ['extended-messages'] : []),
    ...(c.roles ?? []).map((value) => `role ${roleOfValue(value) ?? value}`),
    ...(gr === undefined
      ? []
      : [
          `graceful-restart ${gr.restartTimeSec}${gr.restarting ? ' restarting' : ''}${gr.notification ? ' notification' : ''}`,
          ...gr.families.map((f) => `graceful-restart ${familyName(f)}${f.forwarding ? ' forwarding' : ''}`),
        ]),
    ...(c.fourOctetAsn === undefined ? [] : [`as4 ${c.fourOctetAsn}`]),
    ...(c.addPath ?? []).map(
      (f) => `add-path ${familyName(f)} ${f.receive && f.send ? 'both' : f.receive ? 'receive' : 'send'}`,
    ),
    ...(c.enhancedRouteRefresh === true ? ['enhanced-refresh'] : []),
    ...(lived?.length === 0 ? ['long-lived'] : []),
    ...(lived ?? []).map((f) => `long-lived ${familyName(f)} ${f.staleTimeSec}${f.forwarding ? ' forwarding' : ''}`),
    ...(c.hostName === undefined ? [] : [`host-name ${c.hostName.host}${c.hostName.domain}`]),
    ...(c.unknown ?? []).map(({ code, value }) => `capability ${code} ${toHex(value)}`.trim()),
  ];
}

function notificationLines(error: BgpError): string[] {
  const inner = unwrapHardReset(error);
  const text = shutdownText(inner ?? error);
  return [
    `notification ${error.code}/${error.subcode}`,
    ...(inner === undefined ? [] : [`hard-reset ${inner.code}/${inner.subcode}`]),
    ...(text === undefined ? [] : [`text ${text}`]),
    ...(error.data.length > 0 ? [`data ${toHex(error.data)}`] : []),
  ];
}

const KINDS = ['request', 'begin', 'end'];
const refreshLines = ({ family, subtype, orf }: RouteRefresh): string[] => [
  `refresh ${familyName(family)} ${KINDS[subtype] ?? `subtype ${subtype}`}`,
  ...(orf === undefined ? [] : [`orf ${toHex(orf)}`]),
];

function updateLines(update: DecodedUpdate): string[] {
  const { attributes, announced, withdrawn, endOfRib } = update;
  return [
    ...withdrawn.map((nlri) => `withdraw ${nlriText(nlri)}`),
    ...announced.map((nlri) => `announce ${nlriText(nlri)}`),
    ...(endOfRib === undefined ? [] : [`end-of-rib ${familyName(endOfRib)}`]),
    // Without a route they lead to nothing, whatever they are.
    ...(attributes === undefined || announced.length === 0 ? [] : attributeLines(attributes)),
  ];
}

function nlriText({ family, prefix, pathId, bytes }: Nlri): string {
  const id = pathId === undefined ? '' : ` id ${pathId}`;
  if (prefix === undefined) return `${familyName(family)} ${toHex(bytes)}${id}`;
  return `${family.safi === 1 ? '' : `${familyName(family)} `}${formatIpPrefix(prefix)}${id}`;
}

const optional = <T>(name: string, value: T | undefined, text: (value: T) => string): string[] =>
  value === undefined ? [] : [`${name} ${text(value)}`.trim()];

function attributeLines(a: PathAttributes): string[] {
  return [
    `origin ${a.origin}`,
    `as-path ${pathText(a.asPath)}`.trim(),
    ...optional('next-hop', a.nextHop, formatIpv4),
    ...optional('mp-next-hop', a.mpNextHop, mpNextHopText),
    ...optional('med', a.med, String),
    ...optional('local-pref', a.localPref, String),
    ...(a.atomicAggregate === true ? ['atomic-aggregate'] : []),
    ...optional('aggregator', a.aggregator, ({ asn, address }) => `${asn} ${formatIpv4(address)}`),
    ...optional('communities', a.communities, (list) => runs(list.map(communityText))),
    ...optional('originator', a.originatorId, formatIpv4),
    ...optional('cluster-list', a.clusterList, (list) => runs(list.map(formatIpv4))),
    ...optional('extended', a.extendedCommunities, (list) => runs(list.map((c) => c.toString(16).padStart(16, '0')))),
    ...optional('ipv6-extended', a.ipv6ExtendedCommunities, (list) =>
      runs(list.map((c) => `${c.type.toString(16).padStart(4, '0')}:${formatIpv6(c.address)}:${c.local}`)),
    ),
    ...optional('aigp', a.aigp, ({ metric }) => String(metric)),
    ...optional('aigp-rest', a.aigp?.rest, toHex),
    ...optional('large', a.largeCommunities, (list) => runs(list.map((c) => `${c.global}:${c.local1}:${c.local2}`))),
    ...optional('otc', a.onlyToCustomer, String),
    ...(a.partial ?? []).map((type) => `partial ${type}`),
    ...(a.unknown ?? []).map((raw) => `unknown ${raw.type} ${raw.flags.toString(16)} ${toHex(raw.value)}`.trim()),
  ];
}

const mpNextHopText = ({ address, linkLocal, rd }: MpNextHop): string =>
  [
    formatIp(address),
    ...(linkLocal === undefined ? [] : [formatIpv6(linkLocal)]),
    ...(rd === undefined ? [] : [`rd ${rd}`]),
  ].join(' ');

const SEGMENT: Readonly<Record<AsSegment['type'], (asns: string) => string>> = {
  sequence: (asns) => asns,
  set: (asns) => `{${asns}}`,
  'confed-sequence': (asns) => `(${asns})`,
  'confed-set': (asns) => `({${asns}})`,
};
const pathText = (path: readonly AsSegment[]): string =>
  path.map(({ type, asns }) => SEGMENT[type](runs(asns.map(String)))).join(' | ');

/** Written out here once more, from the registry: a wrong name in src/ must show. */
const COMMUNITIES: Readonly<Record<number, string>> = {
  4294901760: 'graceful-shutdown',
  4294901766: 'llgr-stale',
  4294901767: 'no-llgr',
  4294902426: 'blackhole',
  4294967041: 'no-export',
  4294967042: 'no-advertise',
  4294967043: 'no-export-subconfed',
  4294967044: 'no-peer',
};
export const communityText = (c: number): string => COMMUNITIES[c] ?? `${c >>> 16}:${c & 0xffff}`;

/** Words in a row, ten or more of the same as "X xN". */
export function runs(words: readonly string[]): string {
  const said: string[] = [];
  for (let at = 0; at < words.length; ) {
    let end = at + 1;
    while (end < words.length && words[end] === words[at]) end++;
    if (end - at >= 10) said.push(`${words[at]} x${end - at}`);
    else said.push(...words.slice(at, end));
    at = end;
  }
  return said.join(' ');
}
