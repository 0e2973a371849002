/** The fields of one BGPPeer that do not say who the peer is. Pure. Every one that cannot be used is told, all at once. */
import { type IpAddress, isIpv6, parseIp } from '../base/ip.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';
import type { Result } from '../base/result.ts';
import type { NextHopMode } from '../model/peer.ts';
import type { JsonObject } from '../store/port.ts';
import { parseDurationSec } from './duration.ts';
import { shown } from './object-fault.ts';
import { type Passwords, passwordOf } from './secret-ref.ts';

/** code, text */
export type Fault = readonly [code: string, text: string];

export interface PeerSpec {
  /** Absent: the node's. */
  readonly localAsn?: number;
  readonly mode: 'Auto' | 'Self' | 'Keep';
  readonly usesNodeAddress: boolean;
  readonly ttlSecurity?: number;
  readonly allowOwnAs?: number;
  readonly restartTimeSec?: number;
  readonly keepaliveSec?: number;
  /** A gateway of the peer's family. */
  readonly reachableBy?: IpAddress;
  readonly password?: string;
  /** Names of BGPFilters, in order. */
  readonly filters: readonly string[];
}

const LARGEST_AS = 4294967295;
/** BIRD's bound too. */
const MOST_OWN_AS = 10;
const LONGEST_RESTART_SEC = 4095;
/** A third of the longest hold time. */
const LONGEST_KEEPALIVE_SEC = 21845;

export function readPeerSpec(spec: JsonObject, passwords: Passwords): Result<PeerSpec, readonly Fault[]> {
  const faults: Fault[] = [];
  const invalid = (text: string): void => void faults.push(['BGP_PEER_INVALID', text]);
  const local = spec.localASNumber ?? 0;
  if (local !== 0 && !isAsn(local))
    invalid(`localASNumber is ${shown(local)}. Write 1 to ${LARGEST_AS}, or remove it.`);
  const mode = spec.nextHopMode ?? (spec.keepOriginalNextHop === true ? 'Keep' : 'Auto');
  if (mode !== 'Auto' && mode !== 'Self' && mode !== 'Keep')
    invalid(`nextHopMode is ${shown(mode)}. Use Auto, Self or Keep.`);
  const source = spec.sourceAddress ?? 'UseNodeIP';
  if (source !== 'UseNodeIP' && source !== 'None') invalid(`sourceAddress is ${shown(source)}. Use UseNodeIP or None.`);
  // Calico writes BIRD's `ttl security on; multihop N` for N hops, and nothing for 0. RFC 5082
  const hops = spec.ttlSecurity ?? 0;
  if (!isWhole(hops, 0, 255))
    invalid(`ttlSecurity is ${shown(hops)}. Write the number of hops to the neighbour, 1 to 255.`);
  const own = spec.numAllowedLocalASNumbers ?? 0;
  if (!isWhole(own, 0, MOST_OWN_AS))
    invalid(`numAllowedLocalASNumbers is ${shown(own)}. Write how often our AS may be in a path, 0 to ${MOST_OWN_AS}.`);
  const restart = restartTimeOf(spec.maxRestartTime);
  if (restart === 'invalid')
    invalid(`maxRestartTime is ${shown(spec.maxRestartTime)}. Write 1s to ${LONGEST_RESTART_SEC}s.`);
  const keepalive = keepaliveOf(spec.keepaliveTime);
  if (keepalive === 'invalid')
    invalid(`keepaliveTime is ${shown(spec.keepaliveTime)}. Write 1s to ${LONGEST_KEEPALIVE_SEC}s.`);
  const gateway = spec.reachableBy === undefined || spec.reachableBy === '' ? undefined : gatewayOf(spec.reachableBy);
  if (gateway === 'invalid')
    invalid(`reachableBy is ${shown(spec.reachableBy)}. Write the address of a gateway on a link of the node.`);
  const filters = spec.filters ?? [];
  if (!isTexts(filters)) invalid(`filters is ${shown(filters)}. Write a list of names of BGPFilters.`);
  // A session without the password that was meant would be worse than none: this peer waits, the others do not.
  const password = spec.password === undefined ? undefined : passwordOf(spec.password, passwords);
  if (password?.ok === false) faults.push([password.error.code, `held: ${password.error.text}`]);

  if (faults.length > 0 || (mode !== 'Auto' && mode !== 'Self' && mode !== 'Keep')) return { ok: false, error: faults };
  return {
    ok: true,
    value: {
      ...(isAsn(local) ? { localAsn: local } : {}),
      mode,
      usesNodeAddress: source === 'UseNodeIP',
      ...(isWhole(hops, 1, 255) ? { ttlSecurity: hops } : {}),
      ...(isWhole(own, 1, MOST_OWN_AS) ? { allowOwnAs: own } : {}),
      ...(typeof restart === 'number' ? { restartTimeSec: restart } : {}),
      ...(typeof keepalive === 'number' ? { keepaliveSec: keepalive } : {}),
      ...(gateway === undefined || gateway === 'invalid' ? {} : { reachableBy: gateway }),
      ...(password?.ok === true ? { password: password.value } : {}),
      filters: isTexts(filters) ? filters : [],
    },
  };
}

/** As Calico has it: keeping a learned next hop is for eBGP; iBGP keeps it unless told otherwise. */
export const nextHopOfMode = (mode: PeerSpec['mode'], external: boolean): NextHopMode =>
  mode === 'Self' ? 'self' : mode === 'Keep' && external ? 'keep' : 'auto';

/** Absent: not said. */
export function restartTimeOf(value: unknown): number | 'invalid' | undefined {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' ? parseDurationSec(value) : undefined;
  return seconds !== undefined && isWhole(seconds, 1, LONGEST_RESTART_SEC) ? seconds : 'invalid';
}

function keepaliveOf(value: unknown): number | 'invalid' | undefined {
  if (value === undefined) return undefined;
  const seconds = typeof value === 'string' ? parseDurationSec(value) : undefined;
  return seconds !== undefined && isWhole(seconds, 1, LONGEST_KEEPALIVE_SEC) ? seconds : 'invalid';
}

function gatewayOf(value: unknown): IpAddress | 'invalid' {
  const address = typeof value === 'string' ? parseIp(value) : undefined;
  return address === undefined || (isIpv6(address) && isLinkLocal6(address)) ? 'invalid' : address;
}

export const isAsn = (value: unknown): value is number => isWhole(value, 1, LARGEST_AS);
export const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every(isText);
const isWhole = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;
