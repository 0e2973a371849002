// needs: root ip bird
/** bgp-js against BIRD 2 over a veth pair: both directions of routes, either side dialling, MD5, leaving and restarting. Root. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ifIpv4 } from '../../src/base/ip.ts';
import { ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import { formatPrefix, parsePrefix, prefix, prefixKey } from '../../src/base/prefix.ts';
import type { PathAttributes } from '../../src/bgp-js/attributes/attribute-types.ts';
import { decodeAttributes, encodeAttributes } from '../../src/bgp-js/attributes/attributes.ts';
import { BgpSession } from '../../src/bgp-js/session/session.ts';
import type { SessionConfig, SessionDown, SessionListener, Transport } from '../../src/bgp-js/session/session-types.ts';
import { type BgpListener, listenBgp, tcpTransport } from '../../src/bgp-js/transport/transport.ts';
import { END_OF_RIB, packAnnouncements } from '../../src/bgp-js/update/packer.ts';
import { forEachPrefix } from '../../src/bgp-js/update/update.ts';
import { inNetns, primeThreadPool } from '../../src/sys/netns.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/sys/time.ts';
import { attempt, makeNamespaces, run, until } from '../support/namespaces.ts';

const net = makeNamespaces('bgpjs');
const address = (text: string) => {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

let folder = '';
let bird: ChildProcess | undefined;
const sessions: BgpSession[] = [];
const listeners: BgpListener[] = [];

const birdConf = (local: number, ours: number): string => `
router id 10.98.0.2;
protocol device {}
protocol static s4 { ipv4; route 198.51.100.0/25 unreachable; route 198.51.100.128/25 unreachable; }
protocol bgp js {
  local 10.98.0.2 as ${local}; neighbor 10.98.0.1 as ${ours};
  hold time 30; connect delay time 1; connect retry time 2; error wait time 1, 2;
  password "s3cret"; graceful restart on; graceful restart time 60;
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}`;

/** birdc answers "Network not found" with exit status 1: an answer like any other. */
const birdc = (...command: string[]): string => attempt('birdc', '-s', path.join(folder, 'ctl'), ...command).out;

function configure(local: number, ours: number): void {
  fs.writeFileSync(path.join(folder, 'bird.conf'), birdConf(local, ours));
}

beforeAll(async () => {
  await primeThreadPool();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bgp-js-bird-'));
  run(
    'ip',
    'link',
    'add',
    'v0',
    'netns',
    net.name('ours'),
    'type',
    'veth',
    'peer',
    'name',
    'v0',
    'netns',
    net.name('bird'),
  );
  for (const [name, n] of [
    ['ours', 1],
    ['bird', 2],
  ] as const) {
    net.ip(name, 'link set v0 up');
    net.ip(name, `addr add 10.98.0.${n}/24 dev v0`);
  }
  configure(65002, 65001);
  const args = [
    '-f',
    '-c',
    path.join(folder, 'bird.conf'),
    '-s',
    path.join(folder, 'ctl'),
    '-P',
    path.join(folder, 'pid'),
  ];
  bird = spawn('ip', ['netns', 'exec', net.name('bird'), 'bird', ...args], { stdio: 'ignore' });
  await until('bird did not start', () => fs.existsSync(path.join(folder, 'ctl')));
});
afterAll(() => {
  for (const session of sessions) session.stop({ kind: 'restart' });
  for (const listener of listeners) listener.close();
  bird?.kill();
  net.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const transport: Transport = {
  dial: (config, done) => inNetns(net.path('ours'), () => tcpTransport.dial(config, done)),
};

interface Seen {
  readonly session: BgpSession;
  readonly routes: Map<string, PathAttributes>;
  readonly log: string[];
  readonly downs: SessionDown[];
}

function speak(overrides: Partial<SessionConfig>): Seen {
  const routes = new Map<string, PathAttributes>();
  const log: string[] = [];
  const downs: SessionDown[] = [];
  const config: SessionConfig = {
    localAsn: 65001,
    peerAsn: 65002,
    bgpIdentifier: address('10.98.0.1'),
    peerAddress: address('10.98.0.2'),
    peerPort: 179,
    localAddress: address('10.98.0.1'),
    passive: false,
    password: 's3cret',
    holdTimeSec: 9,
    connectRetrySec: 2,
    gracefulRestart: { restartTimeSec: 60, bits: () => ({ restarting: false, forwarding: false }) },
    ...overrides,
  };
  const ibgp = config.localAsn === config.peerAsn;
  const listener: SessionListener = {
    onState: (state) => log.push(state),
    onEstablished: (agreed) => {
      const attributes: PathAttributes = {
        origin: 'igp',
        asPath: ibgp ? [] : [{ type: 'sequence', asns: [config.localAsn] }],
        nextHop: ifIpv4(agreed.localAddress) ?? ipv4(0),
        ...(ibgp ? { localPref: 100 } : {}),
        communities: [(65001 << 16) | 7],
      };
      const ours = ['192.0.2.0/26', '192.0.2.64/26'].map((text) => parsePrefix(text) ?? prefix(0, 0));
      session.send(
        packAnnouncements(
          encodeAttributes(attributes, agreed),
          ours.map((p) => prefixKey(p.address, p.length)),
        ),
      );
      session.send(END_OF_RIB);
    },
    onUpdate: (u) => {
      forEachPrefix(u.slab, u.withdrawnStart, u.withdrawnEnd, (a, l) => routes.delete(formatPrefix(prefix(a, l))));
      if (u.nlriStart === u.nlriEnd) return;
      const decoded = decodeAttributes(u.slab, u.attributesStart, u.attributesEnd, { fourOctetAs: true, ibgp });
      const { attributes } = decoded;
      if (attributes === undefined) throw new Error(JSON.stringify(decoded));
      forEachPrefix(u.slab, u.nlriStart, u.nlriEnd, (a, l) => routes.set(formatPrefix(prefix(a, l)), attributes));
    },
    onEndOfRib: () => log.push('end of RIB'),
    onRouteRefresh: () => log.push('refresh'),
    onDrain: () => {},
    onDown: (down) => downs.push(down),
  };
  const ports = { clock: systemClock, timers: systemTimers, random: systemRandom, transport };
  const session = new BgpSession(config, ports, listener);
  sessions.push(session);
  return { session, routes, log, downs };
}

const birdHas = (text: string): boolean => birdc('show', 'route', text, 'all').includes('BGP.next_hop: 10.98.0.1');

for (const [kind, birdAs, passive] of [
  ['eBGP, we dial', 65002, false],
  ['iBGP, BIRD dials', 65001, true],
] as const)
  test(`${kind}: the session comes up with MD5, routes go both ways, End-of-RIB comes, and leaving is understood`, async () => {
    configure(birdAs, 65001);
    birdc('configure');
    const seen = speak({ peerAsn: birdAs, passive });
    let opening: Promise<BgpListener> | undefined;
    inNetns(net.path('ours'), () => {
      opening = listenBgp({
        address: address('10.98.0.1'),
        port: 179,
        onConnection: (c) => seen.session.accept(c),
        accepts: () => true,
      });
    });
    const listener = await opening;
    if (listener === undefined) throw new Error('no listener');
    listener.setPassword(address('10.98.0.2'), 's3cret');
    seen.session.start();
    await until('Established', () => seen.session.state === 'Established');
    await until('End-of-RIB', () => seen.log.includes('end of RIB'));
    expect([...seen.routes.keys()].sort()).toEqual(['198.51.100.0/25', '198.51.100.128/25']);
    expect(seen.routes.get('198.51.100.0/25')).toMatchObject({ nextHop: address('10.98.0.2') });
    expect(seen.session.agreed).toMatchObject({
      fourOctetAs: true,
      routeRefresh: true,
      gracefulRestart: { ipv4: true },
    });
    await until('our routes in BIRD', () => birdHas('192.0.2.0/26') && birdHas('192.0.2.64/26'));
    expect(birdc('show', 'route', '192.0.2.0/26', 'all')).toContain('(65001,7)');
    expect(seen.session.requestRefresh()).toBe(true);
    birdc('reload', 'in', 'js');
    await until('a refresh from BIRD', () => seen.log.includes('refresh'));

    // Our process goes and comes back: BIRD keeps the routes. RFC 4724 4.2
    seen.session.stop({ kind: 'restart' });
    await until('BIRD sees TCP go', () => !birdc('show', 'protocols').includes('Established'));
    expect(birdHas('192.0.2.0/26')).toBe(true);
    seen.session.start();
    await until('Established again', () => seen.session.state === 'Established');

    seen.session.stop({ kind: 'leave', text: 'done here' });
    await until('BIRD drops the routes', () => !birdHas('192.0.2.0/26'));
    expect(birdc('show', 'protocols', 'all', 'js')).toMatch(/Administrative shutdown|done here/i);
    listener.close();
  });

test('BIRD disabling its session sends a Cease, which drops its routes as it set no N; it comes back (RFC 4724 4.2)', async () => {
  configure(65002, 65001);
  birdc('configure');
  const seen = speak({});
  seen.session.start();
  await until('Established', () => seen.session.state === 'Established');
  birdc('disable', 'js');
  await until('down', () => seen.downs.some((d) => d.wasEstablished));
  const down = seen.downs.find((d) => d.wasEstablished);
  expect(down).toMatchObject({ code: 'NOTIFICATION_RECEIVED', keepRoutes: false });
  expect(down?.received?.code).toBe(6);
  birdc('enable', 'js');
  await until('Established again', () => seen.session.state === 'Established');
});
