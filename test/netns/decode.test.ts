// needs: root ip tcpdump
/** A real session between two of our speakers, seen by tcpdump on the cable, and what gingham decode makes of the capture. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseIp } from '../../src/base/ip.ts';
import { parseIpv4 } from '../../src/base/ipv4.ts';
import { parseIpv6 } from '../../src/base/ipv6.ts';
import { messageJson } from '../../src/bgp-js/json/message-json.ts';
import type { SessionConfig } from '../../src/bgp-js/session/session-types.ts';
import type { Update } from '../../src/bgp-js/update/update-types.ts';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../src/bgp-js/wire/family.ts';
import { primeThreadPool } from '../../src/sys/netns.ts';
import { type Decoded, decode, linesOf, message } from '../support/decode-command.ts';
import { makeNamespaces, run, until } from '../support/namespaces.ts';
import { type NetnsSession, netnsSession, nlri } from '../support/netns-session.ts';
import { cable } from '../support/speaker.ts';

const net = makeNamespaces('decode');
let folder = '';
let tcpdump: ChildProcess | undefined;
const sessions: NetnsSession[] = [];

const ip = (text: string) => {
  const address = parseIp(text);
  if (address === undefined) throw new Error(text);
  return address;
};
const id = (text: string) => parseIpv4(text) ?? (0 as never);

beforeAll(async () => {
  await primeThreadPool();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-decode-'));
  fs.chmodSync(folder, 0o777); // tcpdump gives up root's rights before it writes
  cable(net, 'left', 'right');
  for (const [side, n] of [
    ['left', 1],
    ['right', 2],
  ] as const)
    net.ip(side, `addr add fd09::${n}/64 dev eth0 nodad`);
});
afterAll(() => {
  for (const session of sessions) session.stop();
  tcpdump?.kill('SIGKILL');
  net.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Captures what `filter` lets through, on `device`, until `stop`; answers the file. */
async function capture(
  device: string,
  filter: string,
  name: string,
): Promise<{ file: string; stop: () => Promise<void> }> {
  const file = path.join(folder, name);
  const args = [
    'netns',
    'exec',
    net.name('left'),
    'tcpdump',
    '-U',
    '--immediate-mode',
    '-B',
    '8192', // KiB: a busy machine must not cost packets
    '-i',
    device,
    '-w',
    file,
    ...filter.split(' '),
  ];
  const child = spawn('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  tcpdump = child;
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  await until('tcpdump listens', () => said.includes('listening on'));
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  return {
    file,
    stop: () => {
      child.kill('SIGINT');
      return ended;
    },
  };
}

const config = (n: 1 | 2, ipv6: boolean): SessionConfig => {
  const at = (k: number): string => (ipv6 ? `fd09::${k}` : `10.9.0.${k}`);
  return {
    localAsn: n === 1 ? 65001 : 4200000002,
    peerAsn: n === 1 ? 4200000002 : 65001,
    bgpIdentifier: id(`10.9.0.${n}`),
    peerAddress: ip(at(3 - n)),
    localAddress: ip(at(n)),
    peerPort: 179,
    passive: n === 2,
    holdTimeSec: 90,
    connectRetrySec: 1,
    families: [IPV4_UNICAST, IPV6_UNICAST],
    // One way only: left sends path identifiers, right does not.
    addPath: n === 1 ? { send: [IPV4_UNICAST] } : { receive: [IPV4_UNICAST] },
    extendedMessages: true,
    hostName: { host: `speaker${n}`, domain: '' },
  };
};

const many = Array.from({ length: 3000 }, (_, i) =>
  nlri(`172.${16 + (i >> 12)}.${(i >> 4) & 255}.${(i & 15) << 4}/28`, i % 2),
);
const global = parseIpv6('fd09::1') ?? (0n as never);
const LEFT: readonly Update[] = [
  {
    withdrawn: [],
    announced: [nlri('192.0.2.0/26', 1), nlri('192.0.2.0/26', 2)],
    attributes: {
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [65001, 4200000009] }],
      nextHop: id('10.9.0.1'),
      med: 7,
      communities: [(65001 << 16) | 7, 0xffffff01].map((c) => c >>> 0),
      largeCommunities: [{ global: 4200000009, local1: 1, local2: 2 }],
      unknown: [{ type: 99, flags: 0xe0, value: Uint8Array.of(1, 2, 3) }],
    },
  },
  // Longer than 4096 octets, and than a segment.
  {
    withdrawn: [],
    announced: many,
    attributes: { origin: 'incomplete', asPath: [{ type: 'sequence', asns: [65001] }], nextHop: id('10.9.0.1') },
  },
  {
    withdrawn: [],
    announced: [nlri('2001:db8:1::/48')],
    attributes: { origin: 'egp', asPath: [{ type: 'sequence', asns: [65001] }], mpNextHop: { address: global } },
  },
  { withdrawn: [nlri('192.0.2.0/26', 2)], announced: [] },
  { withdrawn: [], announced: [], endOfRib: IPV4_UNICAST },
  { withdrawn: [], announced: [], endOfRib: IPV6_UNICAST },
];
const RIGHT: readonly Update[] = [
  {
    withdrawn: [],
    announced: [nlri('198.51.100.0/24')],
    attributes: { origin: 'igp', asPath: [{ type: 'sequence', asns: [4200000002] }], nextHop: id('10.9.0.2') },
  },
  { withdrawn: [], announced: [], endOfRib: IPV4_UNICAST },
];

test.each([
  ['IPv4, Ethernet', false, 'eth0', 'tcp port 179'],
  ['IPv6, cooked', true, 'any', 'ip6 and tcp port 179'],
])(
  '%s: every message of a session is in the capture as it was sent, in the context of its OPENs',
  async (name, ipv6, device, filter) => {
    const watch = await capture(device, filter, `${ipv6 ? 6 : 4}.pcap`);
    const left = netnsSession(net.path('left'), config(1, ipv6), LEFT);
    const right = netnsSession(net.path('right'), config(2, ipv6), RIGHT);
    sessions.push(left, right);
    await right.start();
    await left.start();
    await until(`${name}: both have heard all`, () => right.endsOfRib.length === 2 && left.endsOfRib.length === 1);
    left.session.stop({ kind: 'leave', text: 'cable änderung' });
    await until('the other side is down', () => right.downs.length > 0);
    // The NOTIFICATION is on the cable before the other side can have heard it; tcpdump writes what it has at the end.
    await watch.stop();
    right.stop();

    const decoded = await decode(watch.file);
    expect(decoded).toMatchObject({ code: 0, err: '' });
    // Either may be the first to speak.
    expect(linesOf(decoded, 'open').sort((a, b) => (a.asn ?? 0) - (b.asn ?? 0))).toMatchObject([
      { asn: 65001, myAs: 65001, holdTimeSec: 90, bgpIdentifier: '10.9.0.1', faults: [] },
      { asn: 4200000002, myAs: 23456, bgpIdentifier: '10.9.0.2', faults: [] },
    ]);
    const updates = linesOf(decoded, 'update');
    for (const [from, session, addPath] of [
      [ipv6 ? 'fd09::1' : '10.9.0.1', left, ['ipv4 unicast']],
      [ipv6 ? 'fd09::2' : '10.9.0.2', right, []],
    ] as const) {
      const seen = updates.filter((u) => u.from?.address === from);
      const context = session.context();
      if (context === undefined) throw new Error('never established');
      expect(seen.map(message)).toEqual(
        session.sent.flatMap((bytes) => split(bytes).map((m) => messageJson(m, context))),
      );
      for (const u of seen)
        expect(u.context).toEqual({ fourOctetAs: true, addPath, extendedMessages: true, ibgp: false, source: 'open' });
    }
    expect(linesOf(decoded, 'notification')).toMatchObject([{ code: 6, subcode: 2, shutdownText: 'cable änderung' }]);
    expect(linesOf(decoded, 'note')).toEqual([]);

    await same(decoded, watch.file);
  },
);

/** The same capture in the other forms people have it in. */
async function same(decoded: Decoded, file: string): Promise<void> {
  const packed = `${file}.gz`;
  fs.writeFileSync(packed, gzipSync(fs.readFileSync(file)));
  expect((await decode(packed)).lines).toEqual(decoded.lines);
  for (const how of ['-x', '-X', '-xx', '-XX']) {
    // A cooked header is no packet: with it, -xx is not to be told from octets of anything.
    if (how.length === 3 && file.includes('6.pcap')) continue;
    const text = `${file}.txt`;
    fs.writeFileSync(text, run('tcpdump', '-n', '-r', file, how));
    const said = await decode(text);
    expect(said.code, how).toBe(0);
    expect(said.lines.map(message), how).toEqual(decoded.lines.map(message));
  }
}

/** One Update may be several messages. */
function split(bytes: Uint8Array): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
    messages.push(bytes.slice(at, at + length));
    at += length;
  }
  return messages;
}
