/** Routes, addresses, links and neighbours as bytes. The fixtures are little-endian, as on x64 and arm64. */
import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../../src/base/ipv4.ts';
import { parseIpv6 } from '../../../src/base/ipv6.ts';
import { addAddress, decodeAddress } from '../../../src/netlink/address.ts';
import { decodeLink, newIpip, newVeth, newVxlan, setLink } from '../../../src/netlink/link.ts';
import { MessageView } from '../../../src/netlink/message-view.ts';
import { MessageWriter, wireWord } from '../../../src/netlink/message-writer.ts';
import { decodeEvent } from '../../../src/netlink/monitor.ts';
import { addForwarding, decodeNeighbour, setProxyDelay } from '../../../src/netlink/neighbour.ts';
import type { NetlinkRequest } from '../../../src/netlink/request.ts';
import { addRoute, decodeRoute, deleteRoute } from '../../../src/netlink/route.ts';
import { RouteBatch } from '../../../src/netlink/route-batch.ts';
import { hex, toHex } from '../../support/hex.ts';

const ip = (t: string): number => parseIpv4(t) as number;
const six = (t: string): bigint => parseIpv6(t) as bigint;
const bytes = (r: NetlinkRequest, seq = 7): Uint8Array => {
  const w = new MessageWriter(64);
  w.begin(r.type, r.flags, seq);
  r.body(w);
  w.end();
  return w.view().slice();
};
const view = (b: Uint8Array): MessageView => {
  const m = new MessageView(b);
  expect(m.advance()).toBe(true);
  return m;
};

// 34 00 00 00  18 00  01 06  07 00 00 00  00 00 00 00    nlmsghdr: length 52, RTM_NEWROUTE, REQUEST|EXCL|CREATE, seq 7
// 02 1a 00 00  fe 0c 00 01  04 00 00 00                  rtmsg: AF_INET /26, main, bird, universe, unicast, onlink
// 08 00 01 00  0a f4 a6 80                               RTA_DST 10.244.166.128, in network order
// 08 00 04 00  07 00 00 00                               RTA_OIF 7
// 08 00 05 00  c0 a8 22 66                               RTA_GATEWAY 192.168.34.102
const VIA_TUNL0 = hex`34000000 1800 0106 07000000 00000000  021a0000 fe0c0001 04000000
  08000100 0af4a680  08000400 07000000  08000500 c0a82266`;

// 24 00 00 00  19 00  01 00 …                            RTM_DELROUTE without flags
// 02 1a 00 00  fe 0c 00 06  00 00 00 00                  the protocol travels with the delete; type 6 blackhole
const DELETE_BLACKHOLE = hex`24000000 1900 0100 07000000 00000000  021a0000 fe0c0006 00000000  08000100 0af46800`;

// 54 00 00 00  18 00  01 06  07 00 00 00  00 00 00 00    nlmsghdr: length 84, RTM_NEWROUTE, REQUEST|EXCL|CREATE, seq 7
// 0a 30 00 00  fe 0c 00 01  00 00 00 00                  rtmsg: AF_INET6 /48, main, bird, universe, unicast
// 14 00 01 00  20 01 0d b8 00 01 …                       RTA_DST 2001:db8:1::
// 08 00 06 00  00 04 00 00                               RTA_PRIORITY 1024
// 08 00 04 00  07 00 00 00                               RTA_OIF 7
// 14 00 05 00  fe 80 … 02                                RTA_GATEWAY fe80::2
const SIX_VIA_LINK_LOCAL = hex`54000000 1800 0106 07000000 00000000  0a300000 fe0c0001 00000000
  14000100 20010db8000100000000000000000000  08000600 00040000  08000400 07000000
  14000500 fe800000000000000000000000000002`;

describe('routes', () => {
  const viaTunl0 = { dst: ip('10.244.166.128'), len: 26, protocol: 12, oif: 7, gateway: ip('192.168.34.102') };

  test('an onlink route is written as iproute2 writes it, EXCL so that no foreign one is hit', () => {
    expect(bytes(addRoute({ ...viaTunl0, onlink: true }))).toEqual(VIA_TUNL0);
  });
  test('and read back', () => {
    expect(decodeRoute(view(VIA_TUNL0))).toEqual({
      ...viaTunl0,
      table: 254,
      type: 1,
      scope: 0,
      tos: 0,
      metric: 0,
      flags: 4,
      prefSrc: 0,
      nexthops: [],
    });
  });
  test('a delete carries the protocol', () => {
    const o = { dst: ip('10.244.104.0'), len: 26, protocol: 12, type: 6 };
    expect(bytes(deleteRoute(o))).toEqual(DELETE_BLACKHOLE);
  });
  test('several next hops, a table above 255 and a metric come back as they went', () => {
    const nexthops = [
      { gateway: ip('10.0.0.1'), oif: 3, onlink: true },
      { gateway: ip('10.0.0.2'), oif: 4 },
    ];
    const o = { dst: ip('10.9.0.0'), len: 24, protocol: 186, table: 1000, metric: 1024, nexthops };
    expect(decodeRoute(view(bytes(addRoute(o))))).toMatchObject({
      table: 1000,
      metric: 1024,
      gateway: ip('10.0.0.1'),
      oif: 3,
      nexthops: [
        { gateway: ip('10.0.0.1'), oif: 3, flags: 4 },
        { gateway: ip('10.0.0.2'), oif: 4, flags: 0 },
      ],
    });
  });
  test('a route of another family, by source, or a cached clone is no entry of a table by destination', () => {
    const mpls = VIA_TUNL0.slice();
    mpls[16] = 28;
    expect(decodeRoute(view(mpls))).toBeUndefined();
    const bySource = VIA_TUNL0.slice();
    bySource[18] = 64;
    expect(decodeRoute(view(bySource))).toBeUndefined();
    const cloned = VIA_TUNL0.slice();
    cloned[25] = 2;
    expect(decodeRoute(view(cloned))).toBeUndefined();
  });
  test('an IPv6 route by a link-local gateway is written as iproute2 writes it, and read back', () => {
    const o = { dst: six('2001:db8:1::'), len: 48, protocol: 12, metric: 1024, oif: 7, gateway: six('fe80::2') };
    expect(bytes(addRoute(o))).toEqual(SIX_VIA_LINK_LOCAL);
    expect(decodeRoute(view(SIX_VIA_LINK_LOCAL))).toMatchObject({ ...o, type: 1, scope: 0, flags: 0, nexthops: [] });
  });
  test('several IPv6 next hops come back as they went, and an IPv4 route by an IPv6 gateway too (RFC 8950)', () => {
    const nexthops = [
      { gateway: six('fe80::1'), oif: 3 },
      { gateway: six('2001:db8::2'), oif: 4, onlink: true },
    ];
    const o = { dst: six('2001:db8::'), len: 32, protocol: 186, metric: 7, nexthops };
    expect(decodeRoute(view(bytes(addRoute(o))))).toMatchObject({
      nexthops: [
        { gateway: six('fe80::1'), oif: 3, flags: 0 },
        { gateway: six('2001:db8::2'), oif: 4, flags: 4 },
      ],
    });
    const over = { dst: ip('10.9.0.0'), len: 24, protocol: 186, oif: 3, gateway: six('fe80::1') };
    expect(decodeRoute(view(bytes(addRoute(over))))).toMatchObject({ dst: ip('10.9.0.0'), gateway: six('fe80::1') });
    const mixed = {
      dst: ip('10.9.0.0'),
      len: 24,
      protocol: 186,
      nexthops: [{ gateway: ip('10.0.0.1'), oif: 3 }, nexthops[0] ?? { oif: 0 }],
    };
    expect(decodeRoute(view(bytes(addRoute(mixed))))?.nexthops.map((h) => h.gateway)).toEqual([
      ip('10.0.0.1'),
      six('fe80::1'),
    ]);
  });
  test('an event tells who caused it, and whether it replaced a route', () => {
    const event = VIA_TUNL0.slice();
    event.set([0, 1], 6); // NLM_F_REPLACE
    event.set([0x39, 0x30, 0, 0], 12); // port id 12345
    expect(decodeEvent(view(event))).toMatchObject({ kind: 'route', gone: false, replaced: true, portId: 12345 });
  });
});

describe('a batch', () => {
  test('numbers its messages in order and asks for an ACK on the last only', () => {
    const batch = new RouteBatch(1);
    const via = { protocol: 12, oif: 7, gateway: ip('192.168.34.102'), onlink: true };
    batch.put('add', ip('10.244.166.128'), 26, via);
    batch.put('replace', ip('10.244.1.0'), 26, via);
    batch.put('delete', ip('10.244.2.0'), 26, via);
    const w = new MessageWriter(16);
    batch.write(w, 0, batch.size, 7);
    expect(w.view().slice(0, VIA_TUNL0.length)).toEqual(VIA_TUNL0);
    const m = new MessageView(w.view());
    const seen: number[][] = [];
    while (m.advance()) seen.push([m.type, m.flags, m.seq]);
    expect(seen).toEqual([
      [24, 0x601, 7],
      [24, 0x101, 8],
      [25, 0x005, 9],
    ]);
    batch.clear();
    expect(batch.size).toBe(0);
  });
  test('has routes of both families in one send, each as a single request would be', () => {
    const batch = new RouteBatch();
    const via = { protocol: 12, metric: 1024, oif: 7, gateway: six('fe80::2') };
    batch.put('add', six('2001:db8:1::'), 48, via);
    batch.put('add', ip('10.244.1.0'), 26, { protocol: 12, oif: 7 });
    batch.put('delete', six('2001:db8:2::'), 48, via);
    const w = new MessageWriter(16);
    batch.write(w, 0, batch.size, 7);
    expect(w.view().slice(0, SIX_VIA_LINK_LOCAL.length)).toEqual(SIX_VIA_LINK_LOCAL);
    const m = new MessageView(w.view());
    const seen: unknown[] = [];
    while (m.advance()) seen.push([m.type, m.flags, decodeRoute(m)?.dst]);
    expect(seen).toEqual([
      [24, 0x601, six('2001:db8:1::')],
      [24, 0x601, ip('10.244.1.0')],
      [25, 0x005, six('2001:db8:2::')],
    ]);
  });
});

describe('links', () => {
  test('a veth and its peer in another namespace are one message', () => {
    const message = bytes(
      newVeth({ name: 'cali1', up: true, peer: { name: 'eth0', mac: '02:00:00:00:00:07', netnsFd: 5 } }),
    );
    // 10 00 02 80 …    nested IFLA_INFO_DATA > VETH_INFO_PEER > ifinfomsg, IFLA_IFNAME, IFLA_ADDRESS, IFLA_NET_NS_FD
    const text = toHex(message);
    expect(text).toContain(`0a000300${Buffer.from('cali1\0').toString('hex')}`); // IFLA_IFNAME, length 10
    expect(text).toContain(`09000300${Buffer.from('eth0\0').toString('hex')}`);
    expect(text).toContain('0a000100' + '020000000007'); // IFLA_ADDRESS
    expect(text).toContain('08001c00' + '05000000'); // IFLA_NET_NS_FD 5
    expect(text.slice(32, 64)).toBe('00000000' + '00000000' + '01000000' + '01000000'); // index 0, IFF_UP in flags and change
    expect(decodeLink(view(message))).toMatchObject({ name: 'cali1', kind: 'veth', up: true });
  });
  test('tunl0 is asked for by kind alone, so that the kernel loads its module', () => {
    // 14 00 12 80  09 00 01 00 "ipip\0"     IFLA_LINKINFO { IFLA_INFO_KIND }; 0x80: nested
    expect(toHex(bytes(newIpip('tunl0')))).toContain('10001280' + '09000100' + '6970697000000000');
  });
  test('a vxlan device has its port in network order, the rest in host order', () => {
    const o = { name: 'vxlan.calico', vni: 4096, port: 4789, local: ip('192.168.34.100'), device: 2 };
    expect(decodeLink(view(bytes(newVxlan({ ...o, mac: '66:00:00:00:00:01', mtu: 1450 }))))).toMatchObject({
      mac: '66:00:00:00:00:01',
      mtu: 1450,
      kind: 'vxlan',
      vxlan: { vni: 4096, port: 4789, local: o.local, device: 2 },
    });
  });
  test('beside an index the name attribute is the new name; alone it selects', () => {
    const renamed = decodeLink(view(bytes(setLink({ index: 4, rename: 'eth1' }))));
    expect([renamed.index, renamed.name]).toEqual([4, 'eth1']);
    const selected = decodeLink(view(bytes(setLink({ name: 'eth1', up: false }))));
    expect([selected.index, selected.name, selected.up]).toEqual([0, 'eth1', false]);
  });
  test('IPv4 settings are nested three deep', () => {
    // 18 00 1a 80   14 00 02 80   10 00 01 80?  each level 4 bytes more; then 08 00 03 00 01 00 00 00 (PROXY_ARP 1)
    const text = toHex(bytes(setLink({ name: 'cali1', inet: { proxyArp: true } })));
    expect(text.endsWith('14001a80' + '10000280' + '0c000180' + '08000300' + '01000000')).toBe(true);
  });
});

describe('addresses and neighbours', () => {
  test('an address keeps its length, scope and peer', () => {
    const o = { index: 3, address: ip('10.0.0.1'), length: 32, scope: 253, peer: ip('10.0.0.2') };
    expect(decodeAddress(view(bytes(addAddress(o))))).toEqual(o);
  });
  test('a forwarding entry names the remote VTEP for a MAC', () => {
    const o = { index: 5, mac: '66:00:00:00:00:02', destination: ip('192.168.34.101') };
    expect(decodeNeighbour(view(bytes(addForwarding(o))))).toEqual({
      index: 5,
      mac: o.mac,
      address: o.destination,
      state: 0x80,
      flags: 2,
      family: 7,
    });
  });
  test('the proxy delay is a 64-bit number of milliseconds', () => {
    const text = toHex(bytes(setProxyDelay({ index: 3, ms: 0x1234 })));
    expect(text.endsWith('0c000d00' + '3412000000000000')).toBe(true);
  });
});

describe('the view', () => {
  test('wireWord is its own inverse', () => {
    for (const a of [0, 1, ip('10.0.0.1'), 0xffffffff, 0x80000000]) expect(wireWord(wireWord(a))).toBe(a);
  });
  test('a truncated or malformed datagram ends the walk instead of running on', () => {
    for (let n = 0; n < VIA_TUNL0.length; n++) expect(new MessageView(VIA_TUNL0.slice(0, n)).advance()).toBe(false);
    const zero = VIA_TUNL0.slice();
    zero[0] = 0;
    expect(new MessageView(zero).advance()).toBe(false);
    const short = VIA_TUNL0.slice();
    short[28] = 2; // an attribute shorter than its own header
    expect(decodeRoute(view(short))).toMatchObject({ dst: 0, len: 26 });
  });
  test('an error carries errno and the words of the kernel, behind the echoed header when it is capped', () => {
    // 48 00 00 00  02 00  00 03  09 00 00 00  …         NLMSG_ERROR, CAPPED|ACK_TLVS, seq 9
    // ea ff ff ff                                       -22
    // 24 00 00 00  18 00 05 06  09 00 00 00  …          the header of the request, alone
    // 13 00 01 00  "Invalid prefix\0"                   NLMSGERR_ATTR_MSG
    const error = hex`38000000 0200 0003 09000000 00000000  eaffffff  24000000 18000506 09000000 00000000
      13000100 496e76616c696420707265666978 00 00`;
    const m = view(error);
    expect([m.errno(), m.errorText(), m.seq]).toEqual([22, 'Invalid prefix', 9]);
    const done = hex`14000000 0300 0200 09000000 00000000  eaffffff`;
    expect(view(done).errno()).toBe(22);
  });
});
