/** The types of what policies are written with: one row each, from a scalar of the file to a value or to what is wrong with it.
 *  Pure. */
import { addressBits, type IpAddress, parseIpPrefix } from '../base/ip.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { LargeCommunity, Origin } from '../bgp-js/attributes/attribute-types.ts';
import { parseCommunity, parseExtendedCommunity, parseLargeCommunity } from '../bgp-js/attributes/communities.ts';
import type { AsPathPattern } from '../model/as-path-pattern.ts';
import { parseAsPathPattern } from '../model/as-path-text.ts';
import type { CommunityPattern } from '../model/community-pattern.ts';
import { parseCommunityPattern } from '../model/community-text.ts';
import type { BlockOrigin, NumberRange, PrefixMatch, RouteSource } from '../model/policy.ts';
import { ipAddressOfText, type TextFault } from './address-text.ts';
import type { ValueType } from './value-types.ts';

/** One to be added: its kind is told by its form. */
export type CommunityValue =
  | { readonly kind: 'standard'; readonly value: number }
  | { readonly kind: 'extended'; readonly value: bigint }
  | { readonly kind: 'large'; readonly value: LargeCommunity };

const fault = (text: string, remedy: string): { readonly ok: false; readonly error: TextFault } =>
  err({ text, remedy });

const ofText = <T>(name: string, example: string, parse: (t: string) => Result<T, TextFault>): ValueType<T> => ({
  name,
  parse: (raw) =>
    typeof raw === 'string' ? parse(raw) : fault('is not text', `Write it as text, for instance ${example}.`),
});

const word = <T extends string>(...words: readonly T[]): ValueType<T> => ({
  name: words.join(' | '),
  parse: (raw) => {
    const found = words.find((w) => w === raw);
    return found === undefined ? fault('is not known here', `Write one of: ${words.join(', ')}.`) : ok(found);
  },
});

const LARGEST = 4294967295;
const whole = (least: number): ValueType<number> => ({
  name: `${least}..${LARGEST}`,
  parse: (raw) =>
    typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= LARGEST
      ? ok(raw)
      : fault('is not such a number', `Write a whole number from ${least} to ${LARGEST}.`),
});

const PREFIX_LINE = /^(\S+?)(?:\s+ge\s+(\d{1,3}))?(?:\s+le\s+(\d{1,3}))?$/;

function prefixLine(text: string): Result<PrefixMatch, TextFault> {
  const [, prefixText = '', geText, leText] = PREFIX_LINE.exec(text.trim()) ?? [];
  const prefix = parseIpPrefix(prefixText);
  if (prefix === undefined)
    return fault('is not a prefix', 'Write 10.244.0.0/16, or 10.244.0.0/16 ge 24 le 26; no bit set beyond its length.');
  const bits = addressBits(prefix.address);
  const ge = geText === undefined ? undefined : Number(geText);
  const le = leText === undefined ? undefined : Number(leText);
  const least = ge ?? prefix.length;
  const most = le ?? (ge === undefined ? prefix.length : bits);
  if (least < prefix.length || most < least || most > bits)
    return fault(
      `has lengths ${least} to ${most}, which no part of /${prefix.length} has`,
      `Write ${prefix.length} <= ge <= le <= ${bits}.`,
    );
  return ok({ ...prefix, ...(ge !== undefined && { ge }), ...(le !== undefined && { le }) });
}

function rangeOf(raw: unknown): Result<NumberRange, TextFault> {
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= 0 && raw <= LARGEST) return ok({ from: raw, to: raw });
  const [, low = '', high = ''] =
    (typeof raw === 'string' ? /^(\d{0,10})-(\d{0,10})$/.exec(raw.replaceAll(' ', '')) : null) ?? [];
  if (low === '' && high === '')
    return fault('is neither a number nor a range', 'Write 150, 100-200, 100- for at least, or -200 for at most.');
  const range = { ...(low !== '' && { from: Number(low) }), ...(high !== '' && { to: Number(high) }) };
  if ((range.from ?? 0) > (range.to ?? LARGEST) || (range.from ?? 0) > LARGEST || (range.to ?? 0) > LARGEST)
    return fault('is an empty range', `Write the smaller number first, at most ${LARGEST}.`);
  return ok(range);
}

function communityValue(text: string): Result<CommunityValue, TextFault> {
  const standard = parseCommunity(text);
  if (standard !== undefined) return ok({ kind: 'standard', value: standard });
  const large = parseLargeCommunity(text);
  if (large !== undefined) return ok({ kind: 'large', value: large });
  const extended = parseExtendedCommunity(text);
  if (extended !== undefined) return ok({ kind: 'extended', value: extended });
  return fault('is not a community', 'Write 65001:7, 65001:1:2, rt:65001:7, or a name as no-export.');
}

function communityPattern(text: string): Result<CommunityPattern, TextFault> {
  const pattern = parseCommunityPattern(text);
  return pattern === undefined
    ? fault('is not a community', 'Write 65001:7, 65001:*, 65001:1:*, rt:65001:*, or a name as no-export.')
    : ok(pattern);
}

function nextHop(text: string): Result<'self' | 'discard' | IpAddress, TextFault> {
  if (text === 'self' || text === 'discard') return ok(text);
  const address = ipAddressOfText(text);
  return address.ok ? address : fault('is no next hop', 'Write self, discard, or an address.');
}

export const POLICY_TYPES = {
  prefixLine: ofText<PrefixMatch>('PREFIX [ge N] [le N]', '10.244.0.0/16 le 26', prefixLine),
  family: word('ipv4', 'ipv6'),
  source: word<RouteSource>('local', 'ibgp', 'ebgp'),
  device: ofText<string>('device, * and ? stand for others', 'eth*', (t) =>
    /^[^\s/]{1,64}$/.test(t) ? ok(t) : fault('is no pattern of a device', 'Write as eth0, eth*, or tunl?.'),
  ),
  asPath: ofText<AsPathPattern>('AS-path pattern', '^65000 .* 64512$', parseAsPathPattern),
  communityPattern: ofText<CommunityPattern>('community, with * for any', '65001:*', communityPattern),
  community: ofText<CommunityValue>('community', '65001:7', communityValue),
  range: { name: 'N, N-M, N- or -M', parse: rangeOf } satisfies ValueType<NumberRange>,
  origin: word<Origin>('igp', 'egp', 'incomplete'),
  blockOrigin: word<BlockOrigin>('valid', 'invalid', 'unknown'),
  number: whole(0),
  asn: whole(1),
  times: {
    name: '1..255',
    parse: (raw: unknown) =>
      typeof raw === 'number' && Number.isInteger(raw) && raw >= 1 && raw <= 255
        ? ok(raw)
        : fault('is not a number of times', 'Write a whole number from 1 to 255.'),
  } satisfies ValueType<number>,
  signed: {
    name: '-4294967295..4294967295',
    parse: (raw: unknown) =>
      typeof raw === 'number' && Number.isInteger(raw) && Math.abs(raw) <= LARGEST
        ? ok(raw)
        : fault('is not a whole number', `Write one from -${LARGEST} to ${LARGEST}.`),
  } satisfies ValueType<number>,
  nextHop: ofText<'self' | 'discard' | IpAddress>('self | discard | address', '10.9.0.1', nextHop),
  action: word('accept', 'reject', 'next'),
};
