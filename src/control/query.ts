/** What a request asks for, checked: text to addresses and prefixes. Pure. */
import { type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../base/ip.ts';
import type { DrainOptions, RouteQuery } from './source.ts';

/** The asker's mistake; the text says what to ask instead. */
export class BadRequest extends Error {}

const SHOWN = 64;
const shown = (text: string): string => `"${text.slice(0, SHOWN)}"`;

function textOf(request: object, field: string): string | undefined {
  const value: unknown = Reflect.get(request, field);
  return typeof value === 'string' ? value : undefined;
}
const flagOf = (request: object, field: string): boolean => Reflect.get(request, field) === true;

/** A RoutesRequest. */
export function queryOf(request: object): RouteQuery {
  const [prefix, address] = [textOf(request, 'prefix'), textOf(request, 'address')];
  const [receivedFrom, advertisedTo] = [textOf(request, 'receivedFrom'), textOf(request, 'advertisedTo')];
  if (prefix !== undefined && address !== undefined)
    throw new BadRequest('ListRoutes takes a prefix or an address, not both.');
  if (receivedFrom !== undefined && advertisedTo !== undefined)
    throw new BadRequest('ListRoutes takes received_from or advertised_to, not both.');
  const family = textOf(request, 'family');
  if (family !== undefined && family !== 'ipv4' && family !== 'ipv6')
    throw new BadRequest(`${shown(family)} is no family: ask for ipv4 or ipv6, or leave it out for both.`);
  return {
    ...(prefix !== undefined && { prefix: prefixOf(prefix) }),
    ...(address !== undefined && { address: addressOf(address) }),
    ...(receivedFrom !== undefined && { receivedFrom }),
    ...(advertisedTo !== undefined && { advertisedTo }),
    ...(family !== undefined && { family }),
    allPaths: flagOf(request, 'allPaths'),
    rejectedOnly: flagOf(request, 'rejectedOnly'),
  };
}

/** An ExplainRequest. */
export function targetOf(request: object): IpPrefix | IpAddress {
  const text = textOf(request, 'target') ?? '';
  return text.includes('/') ? prefixOf(text) : addressOf(text);
}

const DEFAULT_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 3_600_000;

/** A DrainRequest. */
export function drainOf(request: object): DrainOptions {
  const asked: unknown = Reflect.get(request, 'waitMs');
  const waitMs = typeof asked === 'number' ? asked : DEFAULT_WAIT_MS;
  if (waitMs > LONGEST_WAIT_MS)
    throw new BadRequest(`${waitMs} ms is too long to wait: ask for an hour at most, or drain with stay.`);
  return { waitMs, stay: flagOf(request, 'stay') };
}

function prefixOf(text: string): IpPrefix {
  const prefix = parseIpPrefix(text);
  if (prefix === undefined) throw new BadRequest(`${shown(text)} is not a prefix without host bits.`);
  return prefix;
}

function addressOf(text: string): IpAddress {
  const address = parseIp(text);
  if (address === undefined) throw new BadRequest(`${shown(text)} is not an IP address.`);
  return address;
}
