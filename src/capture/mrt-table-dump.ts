/** TABLE_DUMP_V2 records: the index of peers, and all paths of one prefix each. Pure. RFC 6396 4.3, ADD-PATH RFC 8050 4. */
import { Reader, ShortRead } from '../base/bytes.ts';
import { ipv4 } from '../base/ipv4.ts';
import { readIpv6 } from '../base/ipv6.ts';
import { familyKey } from '../bgp-js/wire/family.ts';
import type { Captured, MrtPeer, RibEntry } from './captured.ts';
import type { RecordBody } from './mrt-bgp4mp.ts';

const PEER_INDEX_TABLE = 1;

interface RibRow {
  /** 0: the record itself names AFI and SAFI (RIB_GENERIC, 4.3.3). */
  readonly family: number;
  readonly addPath: boolean;
}
const SUBTYPES: Readonly<Record<number, RibRow>> = {
  2: { family: familyKey(1, 1), addPath: false },
  3: { family: familyKey(1, 2), addPath: false },
  4: { family: familyKey(2, 1), addPath: false },
  5: { family: familyKey(2, 2), addPath: false },
  6: { family: 0, addPath: false },
  8: { family: familyKey(1, 1), addPath: true },
  9: { family: familyKey(1, 2), addPath: true },
  10: { family: familyKey(2, 1), addPath: true },
  11: { family: familyKey(2, 2), addPath: true },
  12: { family: 0, addPath: true },
};

export class TableDump {
  /** Of the last PEER_INDEX_TABLE: at most 65535, its count says so. */
  private peers: readonly MrtPeer[] = [];

  /** Undefined for a subtype that is not read. Throws ShortRead. */
  read(subtype: number, record: RecordBody): readonly Captured[] | undefined {
    const r = new Reader(record.body);
    if (subtype === PEER_INDEX_TABLE) return [this.readPeers(r, record)];
    const row = SUBTYPES[subtype];
    if (row === undefined) return undefined;
    return [row.family === 0 ? this.readGeneric(r, row, record) : this.readRib(r, row, record)];
  }
  private readPeers(r: Reader, record: RecordBody): Captured {
    const collector = r.u32();
    const viewName = new TextDecoder().decode(r.view(r.u16()));
    const count = r.u16();
    const peers: MrtPeer[] = [];
    for (let i = 0; i < count; i++) {
      // Bit 0: an IPv6 address; bit 1: a 4-octet AS number. 4.3.1
      const type = r.u8();
      const bgpIdentifier = r.u32();
      const address = (type & 1) !== 0 ? readIpv6(r.view(16), 0) : ipv4(r.u32());
      peers.push({ bgpIdentifier, address, asn: (type & 2) !== 0 ? r.u32() : r.u16() });
    }
    this.peers = peers;
    return { kind: 'peer-index-table', ...originOf(record), collector, viewName, peers };
  }
  /** RFC 8050 4.2 puts the path identifier of RIB_GENERIC_ADDPATH before the NLRI, those who write it (GoBGP, OpenBGPD) into
   *  each entry as in the others. The one that fits is the one. */
  private readGeneric(r: Reader, row: RibRow, record: RecordBody): Captured {
    const start = r.position;
    try {
      const read = this.readRib(r, row, record);
      if (r.left === 0 || !row.addPath) return read;
    } catch (error) {
      if (!(error instanceof ShortRead) || !row.addPath) throw error;
    }
    r.position = start;
    return this.readRib(r, { ...row, addPath: false }, record, true);
  }
  private readRib(r: Reader, row: RibRow, record: RecordBody, before = false): Captured {
    const sequence = r.u32();
    const family = row.family === 0 ? familyKey(r.u16(), r.u8()) : row.family;
    const pathIdBefore = before ? r.u32() : undefined;
    const from = r.position;
    r.view(nlriRest(r, family));
    const nlri = r.bytes.slice(from, r.position);
    const count = r.u16();
    const entries: RibEntry[] = [];
    for (let i = 0; i < count; i++) {
      const peerIndex = r.u16();
      const peer = this.peers[peerIndex];
      const originated = r.u32();
      const pathId = row.addPath ? r.u32() : pathIdBefore;
      const length = r.u16();
      const offset = record.offset + r.position;
      const attributes = r.view(length);
      entries.push({
        peerIndex,
        ...(peer && { peer }),
        originated,
        ...(pathId !== undefined && { pathId }),
        attributes,
        offset,
      });
    }
    return { kind: 'rib', ...originOf(record), sequence, family, nlri, entries };
  }
}

const AFI_L2VPN = 25;
const SAFI_EVPN = 70;
const AFI_BGP_LS = 16388;
const SAFI_FLOWSPEC = 133;
const SAFI_FLOWSPEC_VPN = 134;

/** Octets of one NLRI behind those that this reads: most families count bits in one octet. RFC 4760 5 */
function nlriRest(r: Reader, family: number): number {
  const [afi, safi] = [Math.floor(family / 256), family % 256];
  if (afi === AFI_BGP_LS) {
    r.u16(); // type; RFC 9552 5.2
    return r.u16();
  }
  if (afi === AFI_L2VPN && safi === SAFI_EVPN) {
    r.u8(); // route type; RFC 7432 7
    return r.u8();
  }
  if (afi === AFI_L2VPN) return r.u16(); // VPLS, RFC 4761 3.2.2
  const length = r.u8();
  // RFC 8955 4.1: from 240 on, two octets.
  if (safi === SAFI_FLOWSPEC || safi === SAFI_FLOWSPEC_VPN)
    return length < 0xf0 ? length : (length & 0x0f) * 256 + r.u8();
  return (length + 7) >>> 3;
}

const originOf = ({ offset, time }: RecordBody) => ({
  time,
  place: (octet: number) => ({ offset: offset + octet }),
});
