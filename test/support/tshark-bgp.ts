/** tshark's tree of a BGP message as lines of the corpus (test/corpus/README.md). Written from tshark's fields, with none of our
 *  decoder: what both say alike, two programs have read alike. Families that stay opaque are compared by their octets. */
import { formatIpv6, readIpv6 } from '../../src/base/ipv6.ts';
import { familyName } from '../../src/bgp-js/wire/family.ts';
import { communityText, runs } from './corpus-value.ts';
import { holding, octets, placed, subtrees, type Tree, text, texts } from './tshark.ts';

const PATH = 'bgp.update.path_attribute';

export function linesOfTree(bgp: Tree): string[] {
  switch (text(bgp, 'bgp.type')) {
    case '1':
      return openLines(bgp);
    case '2':
      return updateLines(bgp);
    case '3':
      return notificationLines(bgp);
    case '4':
      return ['keepalive'];
    case '5':
      return refreshLines(bgp);
    default:
      return [`type ${text(bgp, 'bgp.type')}`];
  }
}

const name = (afi: string | undefined, safi: string | undefined): string =>
  familyName({ afi: Number(afi), safi: Number(safi) });

function openLines(bgp: Tree): string[] {
  const all = holding(bgp, 'bgp.cap');
  const capabilities = all.flatMap((tree) => {
    const raw = octets(tree, 'bgp.cap');
    return subtrees(tree, 'bgp.cap').flatMap((capability, i) => capabilityLines(capability, raw[i] ?? ''));
  });
  return [
    'open',
    `as ${text(bgp, 'bgp.open.myas')}`,
    `hold ${text(bgp, 'bgp.open.holdtime')}`,
    `id ${text(bgp, 'bgp.open.identifier')}`,
    ...capabilities,
  ];
}

const ROLES = ['provider', 'rs', 'rs-client', 'customer', 'peer'];
const DIRECTIONS: Readonly<Record<string, string>> = { 1: 'receive', 2: 'send', 3: 'both' };

/** `raw`: code, length and value; for those that not every version of tshark knows. */
function capabilityLines(c: Tree, raw: string): string[] {
  const value = raw.slice(4);
  const code = Number.parseInt(raw.slice(0, 2), 16);
  switch (code) {
    case 1:
      return [`mp ${name(text(c, 'bgp.cap.mp.afi'), text(c, 'bgp.cap.mp.safi'))}`];
    case 2:
      return ['refresh'];
    case 5:
      return texts(c, 'bgp.cap.enh.afi').map((afi, i) => {
        const over = texts(c, 'bgp.cap.enh.nhafi')[i];
        return `next-hop ${name(afi, texts(c, 'bgp.cap.enh.safi')[i])} over ${over === '2' ? 'ipv6' : over}`;
      });
    case 6:
      return ['extended-messages'];
    case 9:
      return [`role ${ROLES[Number.parseInt(value, 16)] ?? Number.parseInt(value, 16)}`];
    case 64:
      return gracefulRestartLines(c);
    case 65:
      return [`as4 ${text(c, 'bgp.cap.4as')}`];
    case 69:
      return texts(c, 'bgp.cap.ap.afi').map(
        (afi, i) =>
          `add-path ${name(afi, texts(c, 'bgp.cap.ap.safi')[i])} ${DIRECTIONS[texts(c, 'bgp.cap.ap.sendreceive')[i] ?? '']}`,
      );
    case 70:
      return ['enhanced-refresh'];
    case 71:
      return value === '' ? ['long-lived'] : (value.match(/.{14}/g) ?? []).map(longLivedLine);
    case 73:
      return [`host-name ${text(c, 'bgp.cap.orf.fqdn.hostname')}`];
    default:
      return [`capability ${code} ${value}`.trim()];
  }
}

function gracefulRestartLines(c: Tree): string[] {
  const [timers = {}] = subtrees(c, 'bgp.cap.gr.timers_tree');
  const bit = (field: string, word: string): string =>
    text(timers, `bgp.cap.gr.timers.${field}_flag`) === '1' ? ` ${word}` : '';
  const flags = texts(c, 'bgp.cap.gr.flag');
  return [
    `graceful-restart ${text(timers, 'bgp.cap.gr.timers.restart_time')}${bit('restart', 'restarting')}${bit('notification', 'notification')}`,
    ...texts(c, 'bgp.cap.gr.afi').map((afi, i) => {
      const forwarding = (Number(flags[i]) & 0x80) !== 0 ? ' forwarding' : '';
      return `graceful-restart ${name(afi, texts(c, 'bgp.cap.gr.safi')[i])}${forwarding}`;
    }),
  ];
}

function longLivedLine(tuple: string): string {
  const at = (from: number, to: number): number => Number.parseInt(tuple.slice(from, to), 16);
  const forwarding = (at(6, 8) & 0x80) !== 0 ? ' forwarding' : '';
  return `long-lived ${familyName({ afi: at(0, 4), safi: at(4, 6) })} ${at(8, 14)}${forwarding}`;
}

function notificationLines(bgp: Tree): string[] {
  const minor = Object.keys(bgp).find((key) => /^bgp\.notify\.minor_error\w*$/.test(key) && !key.endsWith('_raw'));
  const said = text(bgp, 'bgp.notify.communication');
  // Octets, a text with its length in front, or the capability that 2/7 is about.
  const [data = octets(bgp, 'bgp.cap')[0]] = octets(bgp, 'bgp.notify.minor_data');
  const [length] = octets(bgp, 'bgp.notify.communication_length');
  const [communication = ''] = octets(bgp, 'bgp.notify.communication');
  const whole = length === undefined ? data : length + communication;
  return [
    `notification ${text(bgp, 'bgp.notify.major_error')}/${text(bgp, minor ?? '')}`,
    ...(said === undefined || said === '' ? [] : [`text ${said}`]),
    ...(whole === undefined ? [] : [`data ${whole}`]),
  ];
}

const KINDS: Readonly<Record<string, string>> = { 0: 'request', 1: 'begin', 2: 'end' };
function refreshLines(bgp: Tree): string[] {
  const subtype = text(bgp, 'bgp.route_refresh.subtype') ?? '';
  const [orf] = octets(bgp, 'bgp.route_refresh.orf');
  return [
    `refresh ${name(text(bgp, 'bgp.route_refresh.afi'), text(bgp, 'bgp.route_refresh.safi'))} ${KINDS[subtype] ?? `subtype ${subtype}`}`,
    ...(orf === undefined ? [] : [`orf ${orf}`]),
  ];
}

function updateLines(bgp: Tree): string[] {
  const [block = {}] = subtrees(bgp, 'bgp.update.path_attributes');
  const raw = octets(block, PATH);
  const attributes = subtrees(block, PATH).map((tree, i) => ({ tree, value: valueOfRaw(raw[i] ?? '') }));
  const lines = [
    ...subtrees(bgp, 'bgp.update.withdrawn_routes').flatMap((tree) => prefixLines('withdraw', '', tree)),
    ...subtrees(bgp, 'bgp.update.nlri').flatMap((tree) => prefixLines('announce', '', tree)),
    ...attributes.flatMap(({ tree, value }) => attributeLines(tree, value)),
    ...attributes.flatMap(({ tree }) => partialLine(tree)),
  ];
  const nothing = lines.length === 0 && attributes.length === 0;
  return nothing ? ['end-of-rib ipv4 unicast'] : lines;
}

/** Of those that have a meaning of their own: somebody on the way did not know them. RFC 4271 5 */
const KNOWN = [7, 8, 16, 25, 32, 35];
function partialLine(a: Tree): string[] {
  const type = Number(text(a, `${PATH}.type_code`));
  return KNOWN.includes(type) && (Number(text(a, `${PATH}.flags`)) & 0x20) !== 0 ? [`partial ${type}`] : [];
}

/** What stands behind flags, type and length, which is two octets with bit 0x10. */
const valueOfRaw = (hex: string): string => hex.slice((Number.parseInt(hex.slice(0, 2), 16) & 0x10) !== 0 ? 8 : 6);

/** IPv4 and IPv6 prefixes, wherever in the message they are. */
function prefixLines(what: string, family: string, tree: Tree): string[] {
  return holding(tree, 'bgp.prefix_length').flatMap((prefix) => {
    const key = Object.keys(prefix).find((field) =>
      /^bgp\.(nlri|withdrawn|mp_(un)?reach_nlri_ipv[46])_prefix$/.test(field),
    );
    const id = text(prefix, 'bgp.nlri_path_id');
    const lengths = texts(prefix, 'bgp.prefix_length');
    return texts(prefix, key ?? '').map(
      (address, i) => `${what} ${family}${address}/${lengths[i]}${id === undefined ? '' : ` id ${id}`}`,
    );
  });
}

function mpLines(what: 'announce' | 'withdraw', field: 'mp_reach_nlri' | 'mp_unreach_nlri', a: Tree): string[] {
  const afi = text(a, `${PATH}.${field}.afi`);
  const safi = text(a, `${PATH}.${field}.safi`);
  const family = name(afi, safi);
  const [hex = ''] = octets(a, `${PATH}.${field}`);
  if (hex === '') return what === 'withdraw' ? [`end-of-rib ${family}`] : [];
  const plain = (afi === '1' || afi === '2') && (safi === '1' || safi === '2');
  if (!plain) return [`${what} ${family} ${hex}`];
  const label = safi === '1' ? '' : `${family} `;
  return subtrees(a, `${PATH}.${field}`).flatMap((tree) => prefixLines(what, label, tree));
}

function nextHopLine(a: Tree): string[] {
  const [tree] = subtrees(a, `${PATH}.mp_reach_nlri.next_hop_tree`);
  if (tree === undefined) return [];
  const at = `${PATH}.mp_reach_nlri.next_hop`;
  const parts = [
    ...texts(tree, `${at}.ipv4`),
    ...texts(tree, `${at}.ipv6`),
    ...texts(tree, `${at}.ipv6.link_local`),
    ...texts(tree, `${at}.rd`)
      .slice(0, 1)
      .map(() => `rd ${Number.parseInt(octets(tree, `${at}.rd`)[0] ?? '', 16)}`),
  ];
  return parts.length > 0 ? [`mp-next-hop ${parts.join(' ')}`] : [];
}

const ORIGINS = ['igp', 'egp', 'incomplete'];
const words = (list: readonly string[]): string => runs(list);

/** `value`: the octets, for attributes that not every version of tshark knows. */
function attributeLines(a: Tree, value: string): string[] {
  const type = Number(text(a, `${PATH}.type_code`));
  switch (type) {
    case 1:
      return [`origin ${ORIGINS[Number(text(a, `${PATH}.origin`))]}`];
    case 2:
      return [`as-path ${subtrees(a, `${PATH}.as_path_segment`).map(segmentText).join(' | ')}`.trim()];
    case 3:
      return [`next-hop ${text(a, `${PATH}.next_hop`)}`];
    case 4:
      return [`med ${text(a, `${PATH}.multi_exit_disc`)}`];
    case 5:
      return [`local-pref ${text(a, `${PATH}.local_pref`)}`];
    case 6:
      return ['atomic-aggregate'];
    case 7:
      return [`aggregator ${text(a, `${PATH}.aggregator_as`)} ${text(a, `${PATH}.aggregator_origin`)}`];
    case 8:
      return [`communities ${words(subtrees(a, `${PATH}.communities`).flatMap(communities))}`];
    case 9:
      return [`originator ${text(a, `${PATH}.originator_id`)}`];
    case 10:
      return [
        `cluster-list ${words(holding(a, 'bgp.path_attribute.cluster_id').flatMap((t) => texts(t, 'bgp.path_attribute.cluster_id')))}`,
      ];
    case 14:
      return [...mpLines('announce', 'mp_reach_nlri', a), ...nextHopLine(a)];
    case 15:
      return mpLines('withdraw', 'mp_unreach_nlri', a);
    case 16:
      return [`extended ${words(holding(a, 'bgp.ext_community').flatMap((t) => octets(t, 'bgp.ext_community')))}`];
    case 17:
    case 18:
      return [`merged ${type}`];
    case 25:
      return [`ipv6-extended ${(value.match(/.{40}/g) ?? []).map(ipv6Community).join(' ')}`];
    case 26:
      return aigpLines(a, value);
    case 32:
      return [`large ${words(holding(a, 'bgp.large_communities.ga').map(large))}`];
    case 35:
      return [`otc ${Number.parseInt(value, 16)}`];
    default: {
      // Whoever passes it on sets the partial bit, and we note it so; the bit of the long length is not kept.
      const flags = (Number(text(a, `${PATH}.flags`)) & 0xc0) | 0x20;
      return [`unknown ${type} ${flags.toString(16)} ${value}`.trim()];
    }
  }
}

const SEGMENTS: Readonly<Record<string, (asns: string) => string>> = {
  1: (asns) => `{${asns}}`,
  2: (asns) => asns,
  3: (asns) => `(${asns})`,
  4: (asns) => `({${asns}})`,
};
function segmentText(segment: Tree): string {
  const at = `${PATH}.as_path_segment`;
  const asns = words([...texts(segment, `${at}.as4`), ...texts(segment, `${at}.as2`)]);
  return SEGMENTS[text(segment, `${at}.type`) ?? '']?.(asns) ?? asns;
}

/** Well-known ones have a field of their own: their octets' places say in which order they came. */
const communities = (tree: Tree): string[] =>
  [...placed(tree, `${PATH}.community`), ...placed(tree, `${PATH}.community_wellknown`)]
    .sort((one, other) => one.at - other.at)
    .map(({ hex }) => communityText(Number.parseInt(hex, 16)));

const large = (tree: Tree): string =>
  ['ga', 'ldp1', 'ldp2'].map((part) => text(tree, `bgp.large_communities.${part}`)).join(':');

function ipv6Community(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  return `${hex.slice(0, 4)}:${formatIpv6(readIpv6(bytes, 2))}:${bytes.readUInt16BE(18)}`;
}

function aigpLines(a: Tree, value: string): string[] {
  const [metric] = holding(a, 'bgp.update.attribute.aigp.accu_igp_metric').flatMap((tree) =>
    texts(tree, 'bgp.update.attribute.aigp.accu_igp_metric'),
  );
  return [`aigp ${metric}`, ...(value.length > 22 ? [`aigp-rest ${value.slice(22)}`] : [])];
}
