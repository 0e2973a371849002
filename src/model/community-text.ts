/** Community patterns from text. Pure. RFC 1997, 4360, 5668, 8092.
 *
 *    65001:7   65001:*   no-export     standard, or by name
 *    65001:1:2   65001:*:*             large
 *    rt:65001:7   rt:65001:*   soo:*   extended: route target and route origin with wildcards, all other kinds exactly
 */
import { parseIpv4 } from '../base/ipv4.ts';
import { parseCommunity, parseExtendedCommunity } from '../bgp-js/attributes/communities.ts';
import type { CommunityPattern } from './community-pattern.ts';

/** A decimal, or `undefined` for '*'; null for neither. */
function part(text: string | undefined, most: number): number | undefined | null {
  if (text === '*') return undefined;
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,9})$/.test(text) || Number(text) > most) return null;
  return Number(text);
}

const SUB_TYPES: ReadonlyMap<string, bigint> = new Map([
  ['rt', 0x02n],
  ['soo', 0x03n],
]);
/** The forms that an administrator has: bits of its own, and of what it administers. RFC 4360 3, RFC 5668 2 */
const FORMS = { twoOctetAs: 0n, ipv4: 1n, fourOctetAs: 2n } as const;
type Form = keyof typeof FORMS;
const LOCAL_BITS: Readonly<Record<Form, bigint>> = { twoOctetAs: 32n, ipv4: 16n, fourOctetAs: 16n };
const VALUE_BITS = 48n;

/** Undefined for what is none. */
export function parseCommunityPattern(text: string): CommunityPattern | undefined {
  const pieces = text.trim().split(':');
  const sub = SUB_TYPES.get((pieces[0] ?? '').toLowerCase());
  if (sub !== undefined)
    return administered(text, sub, pieces[1], pieces.length === 2 ? '*' : pieces[2], pieces.length);
  if (pieces.length === 3) {
    const large = largePattern(text, pieces);
    if (large !== undefined) return large;
  }
  const [high, low] = [part(pieces[0], 0xffff), part(pieces[1], 0xffff)];
  if (pieces.length === 2 && high !== null && low !== null)
    return {
      kind: 'standard',
      text,
      value: (((high ?? 0) << 16) | (low ?? 0)) >>> 0,
      mask: ((high === undefined ? 0 : 0xffff0000) | (low === undefined ? 0 : 0xffff)) >>> 0,
    };
  const named = parseCommunity(text);
  if (named !== undefined) return { kind: 'standard', text, value: named, mask: 0xffffffff };
  const value = parseExtendedCommunity(text);
  return value === undefined ? undefined : { kind: 'extended', text, anyOf: [{ value, mask: (1n << 64n) - 1n }] };
}

function largePattern(text: string, pieces: readonly string[]): CommunityPattern | undefined {
  const [global, local1, local2] = pieces.map((p) => part(p, 0xffffffff));
  if (global === null || local1 === null || local2 === null) return undefined;
  return { kind: 'large', text, parts: [global, local1, local2] };
}

function administered(
  text: string,
  sub: bigint,
  first: string | undefined,
  second: string | undefined,
  pieces: number,
): CommunityPattern | undefined {
  if (pieces > 3 || first === undefined) return undefined;
  const forms = formsOf(first);
  const anyOf = forms?.map(({ form, administrator }) => {
    const local = LOCAL_BITS[form];
    const assigned = part(second, Number((1n << local) - 1n));
    if (assigned === null) return undefined;
    const fixed =
      (0xffffn << VALUE_BITS) | (administrator === undefined ? 0n : ((1n << (VALUE_BITS - local)) - 1n) << local);
    return {
      value: (FORMS[form] << 56n) | (sub << VALUE_BITS) | (BigInt(administrator ?? 0) << local) | BigInt(assigned ?? 0),
      mask: fixed | (assigned === undefined ? 0n : (1n << local) - 1n),
    };
  });
  // A number too large for one form of the administrator may fit another.
  const possible = anyOf?.filter((form) => form !== undefined) ?? [];
  return possible.length === 0 ? undefined : { kind: 'extended', text, anyOf: possible };
}

/** "65001" is two octets, "65001L" and what is larger four, "192.0.2.1" an address, "*" any of them. */
function formsOf(text: string): readonly { readonly form: Form; readonly administrator?: number }[] | undefined {
  if (text === '*') return [{ form: 'twoOctetAs' }, { form: 'ipv4' }, { form: 'fourOctetAs' }];
  const address = parseIpv4(text);
  if (address !== undefined) return [{ form: 'ipv4', administrator: address }];
  const short = part(text, 0xffff);
  if (typeof short === 'number') return [{ form: 'twoOctetAs', administrator: short }];
  const long = part(text.replace(/[lL]$/, ''), 0xffffffff);
  return typeof long === 'number' ? [{ form: 'fourOctetAs', administrator: long }] : undefined;
}
