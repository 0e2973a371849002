/** The live tables as MRT TABLE_DUMP_V2 records: one of the peers, then one for each prefix with all its usable paths. Pure.
 *  RFC 6396 4.3, path identifiers RFC 8050 4. Reading them back is capture/mrt-table-dump.ts. */
import { Writer } from '../base/bytes.ts';
import { type IpAddress, isIpv6 } from '../base/ip.ts';
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import { writeIpv6 } from '../base/ipv6.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../bgp-js/attributes/attributes.ts';
import type { PathSource } from '../rib/terms/feed.ts';
import type { PathView, RouteView } from '../rib/terms/views.ts';
import { abbreviatedReach } from './mrt-attributes.ts';
import { withNextHop } from './own-next-hop.ts';

export interface DumpedPeer {
  readonly bgpIdentifier: Ipv4;
  readonly address: IpAddress;
  readonly asn: number;
}

export interface TableDumpOptions {
  /** Seconds since 1970, of all records. */
  readonly nowSec: number;
  /** Our BGP identifier. */
  readonly collector: Ipv4;
  readonly viewName: string;
  /** Our AS number: our own routes come from a peer of it with the address 0.0.0.0, as other daemons write them. */
  readonly localAsn: number;
  /** By PathSource.id. Sources that are not in it are left out. */
  readonly peers: ReadonlyMap<number, DumpedPeer>;
  /** Undefined: time for others. */
  readonly routes: Iterable<RouteView | undefined>;
}

const TABLE_DUMP_V2 = 13;
const PEER_INDEX_TABLE = 1;
const IPV6_PEER = 1;
const AS4_PEER = 2;
/** RFC 6396 4.3.2, RFC 8050 4.1; by family and whether the record has path identifiers. */
const SUBTYPES = { ipv4: { plain: 2, addPath: 8 }, ipv6: { plain: 4, addPath: 10 } } as const;
/** A record counts its entries in 16 bits. */
const MOST_ENTRIES = 0xffff;

/** Records, each whole, in an array of its own; undefined where `routes` has it. */
export function* mrtTableDump(options: TableDumpOptions): Generator<Uint8Array | undefined> {
  const indexes = new Map<PathSource['id'], number>([[0, 0]]);
  const own: DumpedPeer = { bgpIdentifier: options.collector, address: ipv4(0), asn: options.localAsn };
  const peers = [own];
  for (const [id, peer] of options.peers) {
    indexes.set(id, peers.length);
    peers.push(peer);
  }
  yield peerIndexTable(options, peers);
  let sequence = 0;
  for (const route of options.routes) {
    if (route === undefined) {
      yield undefined;
      continue;
    }
    const paths = route.paths.filter((p) => p.attributes && !p.rejected && indexes.has(p.source.id));
    if (paths.length === 0) continue;
    yield ribRecord(route, paths.slice(0, MOST_ENTRIES), indexes, sequence, options.nowSec);
    // 4.3.2: it wraps.
    sequence = (sequence + 1) >>> 0;
  }
}

function peerIndexTable({ nowSec, collector, viewName }: TableDumpOptions, peers: readonly DumpedPeer[]): Uint8Array {
  const w = header(nowSec, PEER_INDEX_TABLE);
  w.u32(collector);
  const name = new TextEncoder().encode(viewName);
  w.u16(name.length);
  w.bytes(name);
  w.u16(peers.length);
  for (const { bgpIdentifier, address, asn } of peers) {
    w.u8(AS4_PEER | (isIpv6(address) ? IPV6_PEER : 0));
    w.u32(bgpIdentifier);
    writeAddress(w, address);
    w.u32(asn);
  }
  return finished(w);
}

function ribRecord(
  { prefix }: RouteView,
  paths: readonly PathView[],
  indexes: ReadonlyMap<number, number>,
  sequence: number,
  nowSec: number,
): Uint8Array {
  const addPath = paths.some((p) => p.pathId !== undefined);
  const subtype = SUBTYPES[isIpv6(prefix.address) ? 'ipv6' : 'ipv4'][addPath ? 'addPath' : 'plain'];
  const w = header(nowSec, subtype);
  w.u32(sequence);
  w.u8(prefix.length);
  const whole = new Writer(16);
  writeAddress(whole, prefix.address);
  w.bytes(whole.view().subarray(0, (prefix.length + 7) >>> 3));
  w.u16(paths.length);
  for (const path of paths) {
    w.u16(indexes.get(path.source.id) ?? 0);
    w.u32(Math.floor(path.since / 1000));
    if (addPath) w.u32(path.pathId ?? 0);
    const attributes = dumpedAttributes(withNextHop(prefix, path.attributes as PathAttributes));
    w.u16(attributes.length);
    w.bytes(attributes);
  }
  return finished(w);
}

/** AS numbers have 4 octets whatever the session had, and MP_REACH_NLRI is its next hop only. 4.3.4 */
function dumpedAttributes({ mpNextHop, ...others }: PathAttributes): Uint8Array {
  const encoded = encodeAttributes(others, { fourOctetAs: true });
  if (mpNextHop === undefined) return encoded;
  const reach = abbreviatedReach(mpNextHop);
  const whole = new Uint8Array(encoded.length + reach.length);
  whole.set(encoded);
  whole.set(reach, encoded.length);
  return whole;
}

function writeAddress(w: Writer, address: IpAddress): void {
  if (!isIpv6(address)) {
    w.u32(address);
    return;
  }
  const octets = new Uint8Array(16);
  writeIpv6(octets, 0, address);
  w.bytes(octets);
}

function header(nowSec: number, subtype: number): Writer {
  const w = new Writer(256);
  w.u32(nowSec);
  w.u16(TABLE_DUMP_V2);
  w.u16(subtype);
  w.u32(0);
  return w;
}

const HEADER = 12;
function finished(w: Writer): Uint8Array {
  const record = w.copy();
  new DataView(record.buffer).setUint32(HEADER - 4, record.length - HEADER);
  return record;
}
