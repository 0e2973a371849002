/** The types a setting can have: one row each, from a scalar of the file to a value or to what is wrong with it. Pure. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import type { Prefix } from '../base/prefix.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type BgpRole, ROLES } from '../bgp-js/wire/role.ts';
import type { AsnRange, CommunityKind, FamilyName, MaxPrefixAction, MedMode, NextHopMode } from '../model/peer.ts';
import { addressOfText, ipAddressOfText, ipPrefixOfText, prefixOfText, type TextFault } from './address-text.ts';
import type { LogLevel } from './node-config.ts';

export interface ValueType<T> {
  /** For help texts: "address", "seconds 0 or 3..65535". */
  readonly name: string;
  readonly parse: (raw: unknown) => Result<T, TextFault>;
  /** Never shown in a message. */
  readonly secret?: true;
}
/** Fixes T once, so that tables of rows infer it. */
const type = <T>(t: ValueType<T>): ValueType<T> => t;
const fault = (text: string, remedy: string): { readonly ok: false; readonly error: TextFault } =>
  err({ text, remedy });

const text = <T>(name: string, example: string, parse: (t: string) => Result<T, TextFault>): ValueType<T> => ({
  name,
  parse: (raw) =>
    typeof raw === 'string' ? parse(raw) : fault('is not text', `Write it as text, for instance ${example}.`),
});

function whole(raw: unknown, least: number, most: number, what: string): Result<number, TextFault> {
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= least && raw <= most) return ok(raw);
  if (typeof raw === 'string' && /^\d+$/.test(raw))
    return fault('is text, not a number', `Write ${raw} without quotes.`);
  return fault(`is not ${what}`, `Write a whole number from ${least} to ${most}.`);
}

const number = (what: string, least: number, most: number): ValueType<number> => ({
  name: `${least}..${most}`,
  parse: (raw) => whole(raw, least, most, what),
});

/** A setting that is one of few words. */
const word = <T extends string>(...words: readonly T[]): ValueType<T> => ({
  name: words.join(' | '),
  parse: (raw) => {
    const found = words.find((w) => w === raw);
    return found === undefined ? fault('is not known here', `Write one of: ${words.join(', ')}.`) : ok(found);
  },
});

/** Numbers no speaker may use as its own: RFC 7607, RFC 6793 9, RFC 7300. */
const RESERVED_AS = new Map([
  [0, 'reserved (RFC 7607)'],
  [23456, 'AS_TRANS, the stand-in for four-octet numbers (RFC 6793)'],
  [65535, 'reserved (RFC 7300)'],
  [4294967295, 'reserved (RFC 7300)'],
]);

function asn(raw: unknown): Result<number, TextFault> {
  const reserved = typeof raw === 'number' ? RESERVED_AS.get(raw) : undefined;
  if (reserved !== undefined) return fault(`is ${reserved}`, 'Use a private number, 64512 to 65534.');
  const n = whole(raw, 1, 4294967295, 'an AS number');
  return n.ok || typeof raw === 'string'
    ? n
    : fault('is not an AS number', 'Write a whole number from 1 to 4294967294; dotted form is not read.');
}

/** "64512-64999", or one number. */
function asnRange(raw: unknown): Result<AsnRange, TextFault> {
  const [, low, high] = typeof raw === 'string' ? (/^(\d{1,10}) ?- ?(\d{1,10})$/.exec(raw) ?? []) : [];
  if (low === undefined || high === undefined) {
    const one = asn(raw);
    return one.ok ? ok({ from: one.value, to: one.value }) : one;
  }
  const [from, to] = [asn(Number(low)), asn(Number(high))];
  if (!from.ok) return from;
  if (!to.ok) return to;
  return from.value <= to.value
    ? ok({ from: from.value, to: to.value })
    : fault('ends before it begins', `Write ${high}-${low}.`);
}

/** Unknown names are check.ts's to find, which knows the others. */
function policyName(t: string): Result<string, TextFault> {
  return NAME.test(t)
    ? ok(t)
    : fault('is not the name of a policy', 'Write all, none, or a name of letters, digits, dot, dash and underscore.');
}

function holdTime(raw: unknown): Result<number, TextFault> {
  if (raw === 1 || raw === 2)
    return fault('is not allowed: RFC 4271 4.2 allows 0 or at least 3', 'Use 90, or 0 to run without keepalives.');
  return whole(raw, 0, 65535, 'a hold time in seconds');
}

const SUN_PATH_BYTES = 107;
function socketPath(t: string): Result<string, TextFault> {
  if (!t.startsWith('/'))
    return fault('is not an absolute path', `Write the whole path, as /run/gingham/${t.split('/').at(-1)}.`);
  const bytes = Buffer.byteLength(t);
  if (bytes > SUN_PATH_BYTES)
    return fault(
      `has ${bytes} bytes; a unix socket's path has at most ${SUN_PATH_BYTES}`,
      'Choose a shorter path, for instance under /run.',
    );
  return ok(t);
}

function password(raw: unknown): Result<string, TextFault> {
  if (typeof raw !== 'string') return fault('is not text', 'Put the password in quotes.');
  const bytes = Buffer.byteLength(raw);
  if (bytes === 0) return fault('is empty', 'Leave the setting out to run without TCP MD5.');
  return bytes <= 80
    ? ok(raw)
    : fault(`has ${bytes} bytes; TCP MD5 takes at most 80 (RFC 2385, Linux)`, 'Use a shorter one on both sides.');
}

function server(t: string): Result<string, TextFault> {
  const url = URL.canParse(t) ? new URL(t) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return fault('is not an http or https URL', 'Write scheme, host and port, as http://192.168.34.1:6443.');
  return ok(t.replace(/\/+$/, ''));
}

const NAME = /^[\w.:-]{1,253}$/;

export const TYPES = {
  asn: type<number>({ name: 'AS number, 1..4294967294', parse: asn }),
  port: number('a TCP port', 1, 65535),
  holdTime: type<number>({ name: '0 or 3..65535', parse: holdTime }),
  seconds: number('a time in seconds', 1, 65535),
  /** Twelve bits on the wire. RFC 4724 3 */
  restartTime: number('a restart time in seconds', 1, 4095),
  /** rtm_protocol is one byte; 0 to 4 belong to the kernel and to administrators. */
  routeProtocol: number("a routing daemon's protocol number", 5, 255),
  table: number('a routing table', 1, 4294967295),
  localPref: number('a LOCAL_PREF', 0, 4294967295),
  boolean: type<boolean>({
    name: 'true | false',
    parse: (raw) =>
      typeof raw === 'boolean' ? ok(raw) : fault('is neither true nor false', 'Write true or false, without quotes.'),
  }),
  address: text<Ipv4>('IPv4 address', '10.9.0.1', addressOfText),
  ipAddress: text<IpAddress>('IPv4 or IPv6 address', '10.9.0.1', ipAddressOfText),
  /** IFNAMSIZ, with its zero octet. */
  interface: text('name of a network interface', 'eth0', (t) =>
    /^[^\s/]{1,15}$/.test(t)
      ? ok(t)
      : fault(
          'is no name of a network interface',
          'Use 1 to 15 characters without slash and space, as `ip link` shows.',
        ),
  ),
  hops: number('a number of hops', 1, 255),
  prefix: text<Prefix>('IPv4 prefix', '10.1.0.0/24', prefixOfText),
  /** As in an IPPool. */
  encapMode: word('Never', 'Always', 'CrossSubnet'),
  blockSize: number('a prefix length of blocks', 20, 32),
  ipPrefix: text<IpPrefix>('IPv4 or IPv6 prefix', '10.1.0.0/24', ipPrefixOfText),
  family: word<FamilyName>('ipv4-unicast', 'ipv6-unicast'),
  /** A policy's name, or one of two that are always there. */
  routePolicy: text('all | none | name of a policy', 'from-rack', policyName),
  nextHopMode: word<NextHopMode>('self', 'keep', 'auto'),
  medMode: word<MedMode>('auto', 'keep', 'drop'),
  communityKind: word<CommunityKind>('standard', 'extended', 'large'),
  removePrivateAs: word('off', 'all', 'replace'),
  role: word<BgpRole>(...ROLES),
  maxPrefixAction: word<MaxPrefixAction>('warn', 'drop', 'idle'),
  prefixCount: number('a number of prefixes', 1, 4294967295),
  percent: number('a share in percent', 1, 100),
  paths: number('a number of paths', 1, 255),
  ownAsTimes: number('how often our AS may be there', 0, 10),
  secondsOrNever: number('a time in seconds', 0, 65535),
  /** Twenty-four bits on the wire. RFC 9494 3.1 */
  longStaleTime: number('a time in seconds', 1, 16777215),
  bfdInterval: number('an interval in milliseconds', 10, 60000),
  bfdMultiplier: number('a number of packets', 1, 50),
  dynamicLimit: number('a number of neighbors', 1, 10000),
  asnRange: type<AsnRange>({ name: 'AS number or range, as 64512-64999', parse: asnRange }),
  blockOriginMode: word('off', 'warn', 'prefer', 'reject'),
  logLevel: word<LogLevel>('debug', 'info', 'warn', 'error'),
  carrier: word('auto', 'kernel', 'tc-bpf', 'user-space'),
  socket: text('path of a unix socket', '/run/gingham/control.sock', socketPath),
  folder: text('path of a folder', '/var/lib/gingham', (t) =>
    t.startsWith('/') ? ok(t) : fault('is not an absolute path', 'Write the whole path, as /var/lib/gingham.'),
  ),
  file: text('path of a file', '/etc/kubernetes/gingham.conf', (t) =>
    t.startsWith('/')
      ? ok(t)
      : fault('is not an absolute path', `Write the whole path, as /etc/${t.split('/').at(-1)}.`),
  ),
  yes: type<true>({
    name: 'true',
    parse: (raw) => (raw === true ? ok(raw) : fault('is not true', 'Write true, or leave the line out.')),
  }),
  name: text('name', 'rack1', (t) =>
    NAME.test(t)
      ? ok(t)
      : fault('is not a name', 'Use letters, digits, dot, dash, underscore and colon, at most 253 of them.'),
  ),
  server: text('URL', 'http://192.168.34.1:6443', server),
  password: type<string>({ name: 'text, at most 80 bytes', parse: password, secret: true }),
  /** Calico >= 3.32 announces 2147483647 minus the metric (normally 1024), before it 100. */
  meshLocalPref: type<number>({
    name: 'mesh | legacy | 0..4294967295',
    parse: (raw) => (raw === 'mesh' ? ok(2147482623) : raw === 'legacy' ? ok(100) : meshNumber(raw)),
  }),
};

function meshNumber(raw: unknown): Result<number, TextFault> {
  const n = whole(raw, 0, 4294967295, 'mesh, legacy or a number');
  return n.ok
    ? n
    : fault(n.error.text, 'Write mesh (2147482623, Calico 3.32 and later), legacy (100, before it), or a number.');
}
