/** What a message of the corpus says was negotiated, as bgp-js takes it. The words are in test/corpus/README.md. */
import { parseIpv4 } from '../../src/base/ipv4.ts';
import type { SessionConfig } from '../../src/bgp-js/session/session-types.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../src/bgp-js/update/update-context.ts';
import { type Family, IPV4_UNICAST, keyOfFamily, parseFamily } from '../../src/bgp-js/wire/family.ts';
import { type BgpRole, ROLES } from '../../src/bgp-js/wire/role.ts';
import type { CorpusMessage } from './corpus.ts';

type Words = Pick<CorpusMessage, 'context' | 'file' | 'line'>;

const WORDS = /^(as2|ibgp|confederation|extended|as-sets|first-as|enhanced-refresh|strict-role)$/;
const VALUED = /^(family|add-path|next-hop|role|peer-as|local-as|local-id) (.+)$/;

const all = (m: Words, key: string): string[] =>
  m.context.flatMap((word) => (word.startsWith(`${key} `) ? [word.slice(key.length + 1)] : []));
const has = (m: Words, word: string): boolean => m.context.includes(word);

function familyOf(m: Words, name: string): Family {
  const family = parseFamily(name);
  if (family === undefined) throw new Error(`test/corpus/${m.file}:${m.line}: "${name}" is no family`);
  return family;
}
const families = (m: Words, key: string): Family[] => all(m, key).map((name) => familyOf(m, name));
const keys = (list: readonly Family[]): ReadonlySet<number> => new Set(list.map(keyOfFamily));

function roleOf(m: Words): BgpRole | undefined {
  return ROLES.find((role) => role === all(m, 'role')[0]);
}

/** Throws at a word that the language does not have. */
export function checkContext(m: Words): void {
  for (const word of m.context)
    if (!WORDS.test(word) && !VALUED.test(word))
      throw new Error(`test/corpus/${m.file}:${m.line}: "with ${word}" means nothing`);
}

export function updateContextOf(m: Words): UpdateContext {
  const named = families(m, 'family');
  const role = roleOf(m);
  const [peerAsn] = all(m, 'peer-as');
  const [localAsn] = all(m, 'local-as');
  return {
    ...PLAIN_CONTEXT,
    fourOctetAs: !has(m, 'as2'),
    ibgp: has(m, 'ibgp'),
    families: named.length > 0 ? keys(named) : PLAIN_CONTEXT.families,
    addPath: keys(families(m, 'add-path')),
    extendedNextHop: keys(families(m, 'next-hop')),
    maxMessageLength: has(m, 'extended') ? 65535 : 4096,
    ...(has(m, 'as-sets') ? { allowAsSets: true } : {}),
    ...(has(m, 'first-as') ? { enforceFirstAs: true } : {}),
    ...(has(m, 'confederation') ? { confederation: true } : {}),
    ...(role !== undefined ? { role } : {}),
    ...(peerAsn !== undefined ? { peerAsn: Number(peerAsn) } : {}),
    ...(localAsn !== undefined ? { localAsn: Number(localAsn) } : {}),
  };
}

/** What an OPEN is judged against; undefined where the message names no peer. */
export function sessionConfigOf(m: Words): SessionConfig | undefined {
  const [peerAsn] = all(m, 'peer-as');
  if (peerAsn === undefined) return undefined;
  const role = roleOf(m);
  const named = families(m, 'family');
  const address = (text: string) => {
    const value = parseIpv4(text);
    if (value === undefined) throw new Error(`test/corpus/${m.file}:${m.line}: "${text}" is no address`);
    return value;
  };
  return {
    localAsn: Number(all(m, 'local-as')[0] ?? 65000),
    peerAsn: Number(peerAsn),
    bgpIdentifier: address(all(m, 'local-id')[0] ?? '10.0.0.9'),
    peerAddress: address('192.0.2.1'),
    peerPort: 179,
    passive: false,
    holdTimeSec: 90,
    connectRetrySec: 5,
    families: named.length > 0 ? named : [IPV4_UNICAST],
    ...(role !== undefined ? { role } : {}),
    ...(has(m, 'strict-role') ? { strictRole: true } : {}),
  };
}
