// needs: root ip
/** What a wire shows of the transport, IPv4 and IPv6: TTL security and what it drops, DSCP, TCP MD5 by peer and prefix, devices,
 *  source addresses. RFC 5082, RFC 2474, RFC 2385.
 *
 *      a --eth0-- b     10.97.1.0/24  2001:db8:1::/64
 *      a --eth1-- b     10.97.3.0/24
 *      a --eth2-- r --eth1-- c     10.97.4.0/24, 10.97.5.0/24; c is two hops from a */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { formatIp, type IpAddress, parseIp, parseIpPrefix } from '../../src/base/ip.ts';
import { ipv4 } from '../../src/base/ipv4.ts';
import type { Connection, DialFault, SessionConfig } from '../../src/bgp-js/session/session-types.ts';
import { type BgpListener, type ListenOptions, listenBgp } from '../../src/bgp-js/transport/listen.ts';
import { tcpTransport } from '../../src/bgp-js/transport/transport.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_RAW } from '../../src/sys/constants.ts';
import { openFdSocket } from '../../src/sys/fd-socket.ts';
import * as ffi from '../../src/sys/ffi.ts';
import { inNetns, primeThreadPool } from '../../src/sys/netns.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';

const net = makeNamespaces('bgptr');
const ip = (text: string): IpAddress => parseIp(text) ?? expect.fail(text);
const A4 = '10.97.1.1';
const B4 = '10.97.1.2';
const A6 = '2001:db8:1::1';
const B6 = '2001:db8:1::2';
const C4 = '10.97.5.2';
const C6 = '2001:db8:5::2';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

function cable(
  left: string,
  leftDevice: string,
  right: string,
  rightDevice: string,
  addresses: [string, string][],
): void {
  net.ip(left, `link add ${leftDevice} type veth peer name ${rightDevice} netns ${net.name(right)}`);
  for (const [l, r] of addresses)
    for (const [side, device, address] of [
      [left, leftDevice, l],
      [right, rightDevice, r],
    ] as const)
      net.ip(side, `addr add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`);
  net.ip(left, `link set ${leftDevice} up`);
  net.ip(right, `link set ${rightDevice} up`);
}

beforeAll(async () => {
  await primeThreadPool();
  cable('a', 'eth0', 'b', 'eth0', [
    [`${A4}/24`, `${B4}/24`],
    [`${A6}/64`, `${B6}/64`],
  ]);
  cable('a', 'eth1', 'b', 'eth1', [['10.97.3.1/24', '10.97.3.2/24']]);
  cable('a', 'eth2', 'r', 'eth0', [
    ['10.97.4.1/24', '10.97.4.2/24'],
    ['2001:db8:4::1/64', '2001:db8:4::2/64'],
  ]);
  cable('r', 'eth1', 'c', 'eth0', [
    ['10.97.5.1/24', `${C4}/24`],
    ['2001:db8:5::1/64', `${C6}/64`],
  ]);
  for (const router of ['r', 'c'])
    net.sh(router, 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding');
  for (const [side, via4, via6] of [
    ['a', '10.97.4.2', '2001:db8:4::2'],
    ['c', '10.97.5.1', '2001:db8:5::1'],
  ] as const) {
    net.ip(side, `route add default via ${via4}`);
    net.ip(side, `-6 route add default via ${via6}`);
  }
  // Beyond c: an address that c says cannot be reached, three hops from a.
  net.ip('r', `route add 10.97.9.0/24 via ${C4}`);
  net.ip('r', `-6 route add 2001:db8:9::/64 via ${C6}`);
  net.ip('c', 'route add unreachable 10.97.9.0/24');
  net.ip('c', '-6 route add unreachable 2001:db8:9::/64');
});
afterAll(() => net.remove());

async function listening(
  side: string,
  options: Partial<ListenOptions> & { readonly address: IpAddress },
): Promise<{ readonly listener: BgpListener; readonly arrived: Connection[] }> {
  const arrived: Connection[] = [];
  let opening: Promise<BgpListener> | undefined;
  inNetns(net.path(side), () => {
    opening = listenBgp({ port: 0, accepts: () => true, onConnection: (c) => void arrived.push(c), ...options });
  });
  const listener = (await opening) ?? expect.fail();
  cleanups.push(() => {
    listener.close();
    for (const c of arrived) c.destroy();
  });
  return { listener, arrived };
}

/** Undefined as long as there is neither. */
interface Dialled {
  connection?: Connection;
  fault?: DialFault;
}
function dial(side: string, to: string, port: number, more: Partial<SessionConfig> = {}): Dialled {
  const dialled: Dialled = {};
  const config: SessionConfig = {
    localAsn: 64512,
    peerAsn: 64512,
    bgpIdentifier: ipv4(1),
    peerAddress: ip(to),
    peerPort: port,
    passive: false,
    holdTimeSec: 90,
    connectRetrySec: 5,
    ...more,
  };
  inNetns(net.path(side), () => {
    const cancel = tcpTransport.dial(config, (result) => {
      if (result.ok) {
        dialled.connection = result.value;
        cleanups.push(() => result.value.destroy());
      } else dialled.fault = result.error;
    });
    cleanups.push(cancel);
  });
  return dialled;
}
const connected = (dialled: Dialled): Promise<Connection> =>
  until('connected', () => {
    if (dialled.fault) throw new Error(dialled.fault.text);
    return dialled.connection;
  });
const failed = (dialled: Dialled): Promise<DialFault> => until('a fault', () => dialled.fault);

/** TcpExt counters come as a line of names and a line of values. */
function counter(side: string, name: string): number {
  const [names, values] = net
    .sh(side, 'grep ^TcpExt: /proc/net/netstat')
    .split('\n')
    .map((line) => line.split(' '));
  return Number(values?.[names?.indexOf(name) ?? -1] ?? 0);
}

interface Segment {
  readonly from: string;
  readonly ttl: number;
  /** TOS or traffic class. */
  readonly tos: number;
  readonly flags: number;
  /** Option 19, RFC 2385 3 */
  readonly signed: boolean;
}
const SYN = 2;
const ACK = 16;

/** All TCP segments of a port that a side sends or receives, from now on. */
function capture(side: string, port: number): Segment[] {
  const seen: Segment[] = [];
  const ETH_P_ALL = 0x0300; // network order
  const fd = inNetns(net.path(side), () => ffi.socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, ETH_P_ALL));
  const socket = openFdSocket(
    fd,
    (bytes, length) => {
      const segment = segmentOf(Buffer.from(bytes.subarray(0, length)), port);
      if (segment !== undefined) seen.push(segment);
    },
    () => {},
  );
  cleanups.push(() => socket.close());
  return seen;
}

function segmentOf(frame: Buffer, port: number): Segment | undefined {
  const type = frame.readUInt16BE(12);
  const p = frame.subarray(14);
  const v6 = type === 0x86dd;
  if ((!v6 && type !== 0x0800) || p[v6 ? 6 : 9] !== 6) return undefined;
  const tcp = p.subarray(v6 ? 40 : ((p[0] ?? 0) & 15) * 4);
  if (tcp.readUInt16BE(0) !== port && tcp.readUInt16BE(2) !== port) return undefined;
  const options = tcp.subarray(20, (tcp.readUInt8(12) >>> 4) * 4);
  let signed = false;
  for (let at = 0; at < options.length && options[at] !== 0; ) {
    if (options[at] === 19) signed = true;
    at += options[at] === 1 ? 1 : Math.max(2, options[at + 1] ?? 2);
  }
  const address = v6 ? [...p.subarray(8, 24)].map((b) => b.toString(16).padStart(2, '0')).join('') : '';
  const text = v6 ? (address.match(/.{4}/g) ?? []).join(':') : [...p.subarray(12, 16)].join('.');
  return {
    from: formatIp(ip(text)),
    ttl: p.readUInt8(v6 ? 7 : 8),
    tos: v6 ? (p.readUInt16BE(0) >>> 4) & 0xff : p.readUInt8(1),
    flags: tcp.readUInt8(13),
    signed,
  };
}

const octetsOf = (connection: Connection): number[] => {
  const heard: number[] = [];
  connection.onData = (slab, start, end) => {
    heard.push(...slab.subarray(start, end));
    return end;
  };
  return heard;
};

test.each([
  ['IPv4', A4, B4],
  ['IPv6', A6, B6],
])(
  'with TTL security both sides send 255 from the first segment on, and everything is CS6, %s',
  async (_, from, to) => {
    const { listener, arrived } = await listening('b', { address: ip(to), accepts: () => ({ ttlSecurity: 1 }) });
    const seen = capture('a', listener.port);
    const dialled = await connected(dial('a', to, listener.port, { ttlSecurity: 1 }));
    await until('accepted', () => arrived.length === 1);
    const heard = octetsOf(arrived[0] ?? expect.fail());
    const answered = octetsOf(dialled);
    dialled.write(Uint8Array.of(1));
    await until('heard', () => heard.length === 1);
    arrived[0]?.write(Uint8Array.of(2));
    await until('answered', () => answered.length === 1);
    await until('all captured', () => seen.length >= 6);
    expect(new Set(seen.map((s) => s.from))).toEqual(new Set([from, to]));
    expect(seen.map((s) => s.flags).slice(0, 2)).toEqual([SYN, SYN | ACK]);
    expect(new Set(seen.map((s) => s.ttl))).toEqual(new Set([255]));
    // The kernel's own words for a handshake (the ACK of a SYN-ACK in particular) are ours too.
    expect(new Set(seen.map((s) => s.tos))).toEqual(new Set([0xc0]));
  },
);

test.each([
  ['IPv4', B4],
  ['IPv6', B6],
])('without it the TTL is the system’s, or what was asked for, on both sides once accepted, %s', async (_, to) => {
  const { listener, arrived } = await listening('b', { address: ip(to), accepts: () => ({ ttl: 7 }) });
  const seen = capture('a', listener.port);
  const dialled = await connected(dial('a', to, listener.port));
  await until('accepted', () => arrived.length === 1);
  const heard = octetsOf(dialled);
  arrived[0]?.write(Uint8Array.of(2));
  await until('heard', () => heard.length === 1);
  const ttlsOf = (from: string): number[] => seen.filter((s) => s.from === from).map((s) => s.ttl);
  await until('captured', () => ttlsOf(formatIp(ip(to))).length >= 2);
  expect(new Set(seen.filter((s) => s.from !== to).map((s) => s.ttl))).toEqual(new Set([64]));
  // The SYN-ACK may be for anybody.
  expect(ttlsOf(to)[0]).toBe(255);
  expect(ttlsOf(to).at(-1)).toBe(7);
});

test.each([
  ['IPv4', C4],
  ['IPv6', C6],
])('a peer two hops away passes with 2 hops and is dropped with 1, whoever dials, %s', async (_, to) => {
  const hops = { ttlSecurity: 2 };
  const { listener, arrived } = await listening('c', { address: ip(to), accepts: () => hops });
  await connected(dial('a', to, listener.port, { ttlSecurity: 2 }));
  await until('accepted', () => arrived.length === 1);

  // The dialling side: the SYN-ACK comes with 254.
  const before = counter('a', 'TCPMinTTLDrop');
  const dialled = dial('a', to, listener.port, { ttlSecurity: 1 });
  await until('the SYN-ACK was dropped', () => counter('a', 'TCPMinTTLDrop') > before);
  expect(dialled).toEqual({});

  // The listening side: the SYN did.
  hops.ttlSecurity = 1;
  dial('a', to, listener.port, { ttl: 255 });
  await until('too far', () => listener.counters.tooFar === 1);
  expect(listener.counters.accepted).toBe(1);
});

test.each([
  ['IPv4', '10.97.9.9'],
  ['IPv6', '2001:db8:9::9'],
])('an ICMP error from farther than TTL security allows ends no dial, %s (RFC 5082 3)', async (_, to) => {
  expect(await failed(dial('a', to, 179))).toMatchObject({ code: 'TCP_UNREACHABLE' });
  const before = counter('a', 'TCPMinTTLDrop');
  const dialled = dial('a', to, 179, { ttlSecurity: 1 });
  await until('the error was dropped', () => counter('a', 'TCPMinTTLDrop') > before);
  expect(dialled).toEqual({});
});

test.each([
  ['IPv4', C4],
  ['IPv6', C6],
])('a TTL of 1 does not leave the link, one of 2 passes a router, %s', async (_, to) => {
  const { listener } = await listening('c', { address: ip(to) });
  expect(await failed(dial('a', to, listener.port, { ttl: 1 }))).toMatchObject({ code: 'TCP_UNREACHABLE' });
  await connected(dial('a', to, listener.port, { ttl: 2 }));
});

test.each([
  ['IPv4', A4, B4, '10.97.1.0/24'],
  ['IPv6', A6, B6, '2001:db8:1::/64'],
])(
  'TCP MD5 signs every segment, by peer and by prefix; a wrong key and none are silence, %s',
  async (_, from, to, net24) => {
    const { listener, arrived } = await listening('b', { address: ip(to), accepts: () => ({ signed: true }) });
    const prefix = parseIpPrefix(net24) ?? expect.fail();
    for (const [whom, key] of [
      [ip(from), 'of the peer'],
      [prefix, 'of the prefix'],
    ] as const) {
      listener.setPassword(whom, key);
      const seen = capture('a', listener.port);
      const before = arrived.length;
      const dialled = await connected(dial('a', to, listener.port, { password: key }));
      await until('accepted', () => arrived.length === before + 1);
      const heard = octetsOf(arrived.at(-1) ?? expect.fail());
      dialled.write(Uint8Array.of(1));
      await until('heard', () => heard.length === 1);
      expect(seen.length).toBeGreaterThan(3);
      expect(seen.every((s) => s.signed)).toBe(true);

      const failures = counter('b', 'TCPMD5Failure');
      const wrong = dial('a', to, listener.port, { password: 'wrong' });
      await until('a wrong signature', () => counter('b', 'TCPMD5Failure') > failures);
      const unsigned = counter('b', 'TCPMD5NotFound');
      const none = dial('a', to, listener.port);
      await until('no signature', () => counter('b', 'TCPMD5NotFound') > unsigned);
      expect([wrong, none]).toEqual([{}, {}]);
      listener.setPassword(whom, undefined);
      for (const c of arrived) c.destroy();
    }
  },
);

test.each([
  ['IPv4', A4, B4],
  ['IPv6', A6, B6],
])('a key changes under a live connection and for the next one, with nothing lost, %s', async (_, from, to) => {
  const { listener, arrived } = await listening('b', { address: ip(to), accepts: () => ({ signed: true }) });
  listener.setPassword(ip(from), 'old');
  const dialled = await connected(dial('a', to, listener.port, { password: 'old' }));
  await until('accepted', () => arrived.length === 1);
  const heard = octetsOf(arrived[0] ?? expect.fail());
  const failures = counter('b', 'TCPMD5Failure');
  expect(dialled.setPassword?.('new')).toBe(true);
  dialled.write(Uint8Array.of(1, 2, 3));
  await until('the new signature was dropped', () => counter('b', 'TCPMD5Failure') > failures);
  listener.setPassword(ip(from), 'new');
  expect(arrived[0]?.setPassword?.('new')).toBe(true);
  await until('sent again', () => heard.length === 3);
  await connected(dial('a', to, listener.port, { password: 'new' }));
});

test('a dial is bound to its interface, and a listener hears only through its own', async () => {
  const everywhere = await listening('b', { address: ip('0.0.0.0') });
  // b answers for all its addresses on each of its links: what tells is the address we then have.
  for (const [device, local] of [
    ['eth0', A4],
    ['eth1', '10.97.3.1'],
  ] as const) {
    const dialled = await connected(dial('a', B4, everywhere.listener.port, { interface: device }));
    expect(formatIp(dialled.localAddress)).toBe(local);
    expect(net.sh('a', 'ss -Htn')).toContain(`${local}%${device}:${dialled.localPort}`);
  }
  expect(await failed(dial('a', B4, everywhere.listener.port, { interface: 'eth7' }))).toMatchObject({
    code: 'INTERFACE_UNAVAILABLE',
    text: expect.stringContaining('eth7'),
  });
  const second = await listening('b', { address: ip('0.0.0.0'), interface: 'eth1' });
  await connected(dial('a', '10.97.3.2', second.listener.port));
  expect(await failed(dial('a', B4, second.listener.port))).toMatchObject({ code: 'TCP_REFUSED' });
});

test('a connection that came through another interface than its peer’s is not heard', async () => {
  const { listener, arrived } = await listening('b', {
    address: ip('0.0.0.0'),
    accepts: () => ({ interface: 'eth1' }),
  });
  const right = await connected(dial('a', '10.97.3.2', listener.port));
  await until('accepted', () => arrived.length === 1);
  const heard = octetsOf(arrived[0] ?? expect.fail());
  right.write(Uint8Array.of(1));
  await until('heard', () => heard.length === 1);
  const wrong = await connected(dial('a', B4, listener.port));
  await until('accepted', () => arrived.length === 2);
  const never = octetsOf(arrived[1] ?? expect.fail());
  let closed = false;
  wrong.onClose = () => {
    closed = true;
  };
  // Its segments find no socket any more.
  wrong.write(Uint8Array.of(1));
  await until('reset', () => closed);
  expect(never).toEqual([]);
});

test.each([
  ['IPv4', '10.97.3.1', B4],
  ['IPv6', '2001:db8:4::1', B6],
])('the source address is the one asked for, %s', async (_, from, to) => {
  net.ip(
    'b',
    from.includes(':') ? `-6 route replace 2001:db8:4::/64 via ${A6}` : 'route replace 10.97.3.1/32 dev eth1',
  );
  const { listener, arrived } = await listening('b', { address: ip(to) });
  dial('a', to, listener.port, { localAddress: ip(from) });
  await until('accepted', () => arrived.length === 1);
  expect(formatIp(arrived[0]?.remoteAddress ?? ip('::'))).toBe(from);
});

test('one listener in several addresses of both families, and on a link-local one', async () => {
  // An index that no device has where this process is: as if the device had gone right behind the SYN.
  net.ip('b', `link add eth9 index 4242 type veth peer name eth9 netns ${net.name('a')}`);
  for (const [side, address] of [
    ['a', 'fe80::a/64'],
    ['b', 'fe80::b/64'],
  ] as const) {
    net.ip(side, `addr add ${address} dev eth9 nodad`);
    net.ip(side, 'link set eth9 up');
  }
  const { listener, arrived } = await listening('b', {
    address: ip(B4),
    also: [{ address: ip(B6) }, { address: ip('fe80::b'), interface: 'eth9' }],
  });
  await connected(dial('a', B4, listener.port));
  await connected(dial('a', B6, listener.port));
  await until('two', () => arrived.length === 2);
  expect(await failed(dial('a', '10.97.3.2', listener.port))).toMatchObject({ code: 'TCP_REFUSED' });
  net.sh('a', `bash -c '</dev/tcp/fe80::b%eth9/${listener.port}'`);
  await until('its source is nobody’s', () => listener.counters.unknownSource === 1);
  expect(arrived).toHaveLength(2);
});
