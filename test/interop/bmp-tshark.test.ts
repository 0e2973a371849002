// needs: tshark
/** What we tell a monitoring station, as tshark reads it. RFC 7854, RFC 9069 */
import { expect, test } from 'vitest';
import { parseIp } from '../../src/base/ip.ts';
import { ipv4 } from '../../src/base/ipv4.ts';
import { encodeUpdate } from '../../src/bgp-js/update/encode-update.ts';
import { PLAIN_CONTEXT } from '../../src/bgp-js/update/update-context.ts';
import { bgpError } from '../../src/bgp-js/wire/error.ts';
import { encodeNotification } from '../../src/bgp-js/wire/notification.ts';
import { encodeOpen } from '../../src/bgp-js/wire/open.ts';
import * as bmp from '../../src/monitoring/bmp-messages.ts';
import { nlri } from '../support/netns-session.ts';
import { dissect, holding, type Tree, text, texts } from '../support/tshark.ts';

const AT = 1_700_000_000_250;
const V4 = { table: 'peer', address: ipv4(0x0a090002), asn: 4_200_000_001, bgpIdentifier: ipv4(0x0a000001) } as const;
const V6 = { ...V4, address: parseIp('2001:db8::2') ?? ipv4(0), twoOctetAs: true } as const;
const LOC_RIB = { ...V4, table: 'loc-rib' } as const;
const OPEN = encodeOpen({
  myAs: 23456,
  holdTimeSec: 90,
  bgpIdentifier: ipv4(0x0a000001),
  capabilities: { fourOctetAsn: 4_200_000_001 },
});
const UPDATE = encodeUpdate(
  {
    withdrawn: [],
    announced: [nlri('192.0.2.0/26')],
    attributes: { origin: 'igp', asPath: [{ type: 'sequence', asns: [65_001] }], nextHop: ipv4(0x0a090002) },
  },
  PLAIN_CONTEXT,
);
const FACTS = {
  localAddress: ipv4(0x0a090001),
  localPort: 40_000,
  remotePort: 179,
  sentOpen: OPEN,
  receivedOpen: OPEN,
};

const all = (tree: Tree | undefined, field: string): string[] =>
  tree === undefined ? [] : holding(tree, field).flatMap((t) => texts(t, field));

test('every message is what it says it is', () => {
  const messages = [
    bmp.initiation('worker1', 'Gingham'),
    bmp.peerUp(V4, AT, FACTS),
    bmp.routeMonitoring(V6, AT, UPDATE),
    bmp.statistics(V4, AT, { rejected: 3, adjRibIn: 5_000_000_000 }),
    bmp.peerDown(V4, AT, { kind: 'remote-notification', notification: encodeNotification(bgpError(6, 2, '')) }),
    bmp.peerUp(LOC_RIB, AT, { ...FACTS, tableName: 'ipv4' }),
    bmp.termination('outOfResources'),
  ];
  const trees = dissect(messages, 4, 'bmp');
  expect(trees.map((t) => text(t ?? {}, 'bmp.type'))).toEqual(['4', '3', '0', '1', '2', '3', '5']);
  expect(trees.map((t) => text(t ?? {}, 'bmp.length'))).toEqual(messages.map((m) => String(m.length)));
  const [hello, up, route, counts, down, table, bye] = trees;
  expect(all(hello, 'bmp.init.info')).toEqual(['Gingham', 'worker1']);
  expect(all(up, 'bmp.peer.ip.addr')).toEqual(['10.9.0.2']);
  expect(all(up, 'bmp.peer.asn')).toEqual(['4200000001']);
  expect(all(up, 'bgp.open.identifier')).toEqual(['10.0.0.1', '10.0.0.1']);
  expect(all(route, 'bmp.peer.ipv6.addr')).toEqual(['2001:db8::2']);
  expect(all(route, 'bgp.nlri_prefix')).toEqual(['192.0.2.0']);
  expect(all(counts, 'bmp.stats.type')).toEqual(['0', '7']);
  expect(all(down, 'bgp.notify.minor_error_cease')).toEqual(['2']);
  expect(all(table, 'bmp.peer.type')).toEqual(['3']);
  expect(all(bye, 'bmp.term.reason')).toEqual(['2']);
});
