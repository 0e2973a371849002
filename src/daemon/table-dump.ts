/** The live tables as an MRT file. Pure but for the tables it reads. */
import { ipv4 } from '../base/ipv4.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { type DumpedPeer, mrtTableDump } from '../monitoring/mrt-table-dump.ts';
import { inPages } from './route-views.ts';
import type { Speaker } from './speaker.ts';

/** Records, undefined between two pages; a route is dumped as it is when its turn comes. */
export function* tableDump(
  config: NodeConfig,
  { ribs, peers, bgpIdentifier }: Speaker,
  nowMs: number,
): Generator<Uint8Array | undefined> {
  for (const rib of [ribs.ipv4, ribs.ipv6]) {
    const name = rib.family === 'ipv6' ? 'ipv6-unicast' : 'ipv4-unicast';
    const dumped = new Map<number, DumpedPeer>();
    for (const { name: peer, config: of } of peers.views()) {
      const source = peers.partOf(peer, name)?.source;
      if (source !== undefined)
        dumped.set(source.id, { bgpIdentifier: ipv4(source.bgpIdentifier), address: of.address, asn: of.asn });
    }
    yield* mrtTableDump({
      nowSec: Math.floor(nowMs / 1000),
      collector: bgpIdentifier,
      viewName: '',
      localAsn: config.asn,
      peers: dumped,
      routes: inPages(rib),
    });
  }
}
