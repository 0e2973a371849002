/** A message as lines for people: what messageJson says, dense, one line per thing, faults last with an exclamation mark.
 *  Pure. What a peer wrote is shown without its control characters: a terminal obeys them. */
import { attributeKey } from './attribute-json.ts';
import type {
  AttributeJson,
  AttributesJson,
  CapabilityJson,
  FaultJson,
  MessageJson,
  NlriJson,
  NotificationJson,
  OpenJson,
  RouteRefreshJson,
  UpdateJson,
} from './json-types.ts';

const MP_REACH = 14;
const MP_UNREACH = 15;
/** Lists are broken before this column. */
const WIDTH = 120;

/** The first line says what it is; the others are indented by two. `octet` says where an octet of the message is in the input. */
export function messageText(message: MessageJson, octet: (at: number) => string = (at) => `octet ${at}`): string[] {
  const [head, ...lines] = body(message);
  return [head ?? '', ...lines, ...message.faults.map((f) => faultText(f, octet))].map(plain);
}

const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '·');

function body(message: MessageJson): string[] {
  switch (message.type) {
    case 'open':
      return openText(message);
    case 'update':
      return updateText(message);
    case 'notification':
      return notificationText(message);
    case 'keepalive':
      return ['KEEPALIVE'];
    case 'route-refresh':
      return [refreshText(message)];
    default:
      return [`no message, ${message.length} octets`, `  ${message.hex}`];
  }
}

/** "  ! withdraw, 3/5 UPDATE Message Error / Attribute Length Error at octet 27: ORIGIN: length 2, not 1 (RFC 7606 7.1)" */
export const faultText = (f: FaultJson, octet: (at: number) => string): string =>
  `  ! ${f.disposition}, ${f.code}/${f.subcode} ${f.name} at ${octet(f.octet)}: ${withSection(f)}`;

/** The text, which may name its section or not. */
export const withSection = ({ text, section }: { readonly text: string; readonly section?: string }): string =>
  section === undefined || text.includes(section) ? text : `${text} (${section})`;

function openText(m: OpenJson): string[] {
  const head = `OPEN  AS ${m.asn}, hold time ${m.holdTimeSec} s, identifier ${m.bgpIdentifier}${m.version === 4 ? '' : `, version ${m.version}`}`;
  const field = m.asn === m.myAs ? [] : [`2-octet AS field ${m.myAs}`];
  return [head, ...wrapped('capabilities', [...field, ...m.capabilities.map(capabilityText)], ', ')];
}

function capabilityText({ code, name, value, hex }: CapabilityJson): string {
  if (hex !== undefined) return name.startsWith('capability ') ? `${name} 0x${hex}` : `${name} (${code}) 0x${hex}`;
  return value === undefined ? name : `${name} ${valueText(value)}`;
}

/** Any JSON value on one line: flags that are true by their name, those that are not left out. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? '(none)' : value.map(valueText).join(' + ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .flatMap(([key, v]) => {
      if (v === false || v === '') return [];
      if (v === true) return [key];
      if (key === 'family' || key === 'nextHop' || key === 'host') return [valueText(v)];
      if (key === 'restartTimeSec') return [`${v} s`];
      if (key.endsWith('Sec')) return [`${words(key.slice(0, -3))} ${v} s`];
      return Array.isArray(v) ? (v.length === 0 ? [] : [`(${valueText(v)})`]) : [`${words(key)} ${valueText(v)}`];
    })
    .join(' ');
}

/** staleTime -> "stale time" */
const words = (key: string): string => key.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`);

function updateText(m: UpdateJson): string[] {
  if (m.endOfRib !== undefined) return [`UPDATE  End-of-RIB ${m.endOfRib}`, ...attributeLines(m.attributes)];
  const counts = [
    ...(m.nlri.length > 0 ? [`+${m.nlri.length}`] : []),
    ...(m.withdrawn.length > 0 ? [`-${m.withdrawn.length}`] : []),
  ];
  return [
    `UPDATE  ${counts.join(' ') || 'no routes'}`,
    ...nlriLines('withdrawn', m.withdrawn),
    ...attributeLines(m.attributes),
    ...(m.repeated ?? []).map((a) => `  again  ${attributeText(nameOf(attributeKey(a.type)), a)}`),
    ...nlriLines('nlri', m.nlri),
  ];
}

/** One list per family, in order of appearance. */
export function nlriLines(title: string, list: readonly NlriJson[]): string[] {
  const families = new Map<string, string[]>();
  for (const nlri of list) {
    const items = families.get(nlri.family) ?? [];
    items.push(nlriText(nlri));
    families.set(nlri.family, items);
  }
  return [...families].flatMap(([family, items]) => wrapped(`${title} ${family}`, items, ' '));
}

export function nlriText(n: NlriJson): string {
  const labels = n.labels === undefined ? '' : `[${n.labels.join(',')}]`;
  const rd = n.rd === undefined ? '' : `${n.rd}:`;
  return `${labels}${rd}${n.prefix ?? `0x${n.hex}`}${n.pathId === undefined ? '' : `#${n.pathId}`}`;
}

/** Short ones share a line; lists have their own. */
export function attributeLines(attributes: AttributesJson): string[] {
  // What MP_UNREACH_NLRI says is in the list of withdrawn routes, or that it is an End-of-RIB.
  const entries = Object.entries(attributes).filter(([, a]) => a.type !== MP_UNREACH || a.value === undefined);
  const short = entries.filter(([key]) => !LISTS.has(key)).map(([key, a]) => attributeText(nameOf(key), a));
  const lists = entries
    .filter(([key]) => LISTS.has(key))
    .flatMap(([key, a]) =>
      Array.isArray(a.value)
        ? wrapped(`${nameOf(key)}${partial(a)}`, a.value.map(String), ' ')
        : [`  ${attributeText(nameOf(key), a)}`],
    );
  return [...(short.length > 0 ? wrapped('', short, ', ') : []), ...lists];
}

const LISTS = new Set([
  'communities',
  'largeCommunities',
  'extendedCommunities',
  'ipv6ExtendedCommunities',
  'clusterList',
]);

const NAMES: Readonly<Record<string, string>> = {
  asPath: 'as-path',
  nextHop: 'next-hop',
  localPref: 'local-pref',
  atomicAggregate: 'atomic-aggregate',
  originatorId: 'originator-id',
  clusterList: 'cluster-list',
  mpReach: 'mp-next-hop',
  mpUnreach: 'mp-unreach',
  extendedCommunities: 'ext-communities',
  ipv6ExtendedCommunities: 'ipv6-ext-communities',
  largeCommunities: 'large-communities',
  as4Path: 'as4-path',
  as4Aggregator: 'as4-aggregator',
  onlyToCustomer: 'only-to-customer',
};

const nameOf = (key: string): string => NAMES[key] ?? key;
const partial = (a: AttributeJson): string => (a.flags.includes('partial') ? ' (partial)' : '');

/** "med 100", "as-path 65001 65002", "attribute99 (optional transitive partial) 0xdead" */
function attributeText(name: string, a: AttributeJson): string {
  const flags = a.flags.length === 0 ? '' : ` (${a.flags.join(' ')})`;
  if (a.hex !== undefined) return `${name}${flags} ${a.hex === '' ? 'empty' : `0x${a.hex}`}`;
  const { value } = a;
  if (value === true) return `${name}${partial(a)}`;
  const text =
    a.type === MP_REACH
      ? reachText(value)
      : typeof value === 'object' && value !== null && 'text' in value
        ? String(value.text) || '(empty)'
        : typeof value === 'object' && value !== null && 'asn' in value && 'address' in value
          ? `${value.asn} ${value.address}`
          : valueText(value);
  return `${name}${partial(a)} ${text}`;
}

/** The family is said by the list of routes. */
function reachText(value: unknown): string {
  const hop: Readonly<Record<string, unknown>> = typeof value === 'object' && value !== null ? { ...value } : {};
  const { nextHop, linkLocal, rd, hex, family } = hop;
  const text = [rd, nextHop, linkLocal, hex].filter((part) => part !== undefined && part !== '0:0').join(' ');
  return text === '' ? `(none) ${family ?? ''}`.trimEnd() : text;
}

function notificationText(m: NotificationJson): string[] {
  const said = m.shutdownText ?? m.hardReset?.shutdownText;
  const inner = m.hardReset === undefined ? '' : `: ${m.hardReset.code}/${m.hardReset.subcode} ${m.hardReset.name}`;
  const head = `NOTIFICATION  ${m.code}/${m.subcode} ${m.name}${inner}${said === undefined ? '' : ` "${said}"`}`;
  return m.data === undefined || said !== undefined ? [head] : [head, `  data ${m.data}`];
}

const refreshText = (m: RouteRefreshJson): string =>
  `ROUTE-REFRESH  ${m.kind ?? 'malformed'} ${m.family ?? ''}${m.orf === undefined ? '' : `, filters 0x${m.orf}`}`.trimEnd();

/** Indented by two, continued by four. */
function wrapped(title: string, items: readonly string[], separator: string): string[] {
  const lines: string[] = [];
  let line = title === '' ? ' ' : `  ${title}`;
  for (const [i, item] of items.entries()) {
    const next = `${i === 0 || line === '    ' ? ' ' : separator}${item}`;
    if (line.length + next.length > WIDTH && i > 0) {
      lines.push(`${line}${separator.trimEnd()}`);
      line = `    ${item}`;
    } else line += title !== '' && i === 0 ? ` ${next}` : next;
  }
  return items.length === 0 && title !== '' ? [] : [...lines, line];
}
