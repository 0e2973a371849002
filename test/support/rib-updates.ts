/** UPDATEs of either family, with path identifiers where asked for, as a session would hand them to the tables; and a resolver of
 *  next hops that does what a test says. */
import { formatIp, type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../../src/base/ip.ts';
import type { PathAttributes } from '../../src/bgp-js/attributes/attribute-types.ts';
import { encodeUpdate } from '../../src/bgp-js/update/encode-update.ts';
import { nlriOf } from '../../src/bgp-js/update/nlri-value.ts';
import { splitUpdate } from '../../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../src/bgp-js/update/update-context.ts';
import type { UpdateFrame } from '../../src/bgp-js/update/update-frame.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../src/bgp-js/wire/family.ts';
import type { NextHopResolver, Resolution } from '../../src/rib/terms/next-hops.ts';

export const ip = (text: string): IpAddress => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(`not an address: ${text}`);
  return parsed;
};

export const ipCidr = (text: string): IpPrefix => {
  const parsed = parseIpPrefix(text);
  if (parsed === undefined) throw new Error(`not a prefix: ${text}`);
  return parsed;
};

const contextOf = (prefix: IpPrefix, addPath: boolean): UpdateContext => {
  const family = typeof prefix.address === 'bigint' ? IPV6_UNICAST_KEY : IPV4_UNICAST_KEY;
  return { ...PLAIN_CONTEXT, families: new Set([family]), addPath: new Set(addPath ? [family] : []) };
};

function frame(bytes: Uint8Array, context: UpdateContext): UpdateFrame {
  const split = splitUpdate(bytes, 0, bytes.length, context);
  if (!split.ok) throw new Error(split.error.text);
  return split.value;
}

export function announce(
  prefix: string,
  nextHop: string,
  more: Partial<PathAttributes> = {},
  pathId?: number,
): UpdateFrame {
  const p = ipCidr(prefix);
  const context = contextOf(p, pathId !== undefined);
  const hop = ip(nextHop);
  const attributes: PathAttributes = {
    origin: 'igp',
    asPath: [],
    localPref: 100,
    ...(typeof hop === 'bigint' ? { mpNextHop: { address: hop } } : { nextHop: hop }),
    ...more,
  };
  return frame(encodeUpdate({ withdrawn: [], announced: [nlriOf(p, pathId)], attributes }, context), context);
}

export function withdraw(prefix: string, pathId?: number): UpdateFrame {
  const p = ipCidr(prefix);
  const context = contextOf(p, pathId !== undefined);
  return frame(encodeUpdate({ withdrawn: [nlriOf(p, pathId)], announced: [] }, context), context);
}

/** "fe80::1%eth0" is of one link. */
const key = (text: string): IpAddress | string => (text.includes('%') ? text : ip(text));

/** Everything is unreachable until it is said where it leads. */
export class SaidResolver implements NextHopResolver {
  private readonly ways = new Map<IpAddress | string, Resolution>();
  private listener: () => void = () => {};
  asked = 0;

  resolve(nextHop: IpAddress, link?: string): Resolution {
    this.asked++;
    return (
      this.ways.get(link === undefined ? nextHop : `${formatIp(nextHop)}%${link}`) ?? {
        reachable: false,
        reason: { code: 'NO_ROUTE', text: `no route to ${formatIp(nextHop)}` },
      }
    );
  }
  onChange(listener: () => void): () => void {
    this.listener = listener;
    return () => {};
  }
  connect(...addresses: string[]): void {
    for (const a of addresses) this.ways.set(key(a), { reachable: true, metric: 0, connected: true, byDefault: false });
    this.listener();
  }
  route(address: string, metric: number): void {
    this.ways.set(ip(address), { reachable: true, metric, connected: false, byDefault: false });
    this.listener();
  }
  byDefault(address: string): void {
    this.ways.set(ip(address), { reachable: true, metric: 0, connected: false, byDefault: true });
    this.listener();
  }
  cut(address: string): void {
    this.ways.delete(key(address));
    this.listener();
  }
}
