// needs: root ip bird frr gobgpd
/** MRT files that BIRD, FRR and GoBGP write about a session with us, and what gingham decode makes of them: the messages are
 *  those we sent, octet for octet as decoded, and the tables hold our routes with their attributes. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { parseIpv4 } from '../../src/base/ipv4.ts';
import { parseIpv6 } from '../../src/base/ipv6.ts';
import { messageJson } from '../../src/bgp-js/json/message-json.ts';
import type { SessionConfig } from '../../src/bgp-js/session/session-types.ts';
import type { Update } from '../../src/bgp-js/update/update-types.ts';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../src/bgp-js/wire/family.ts';
import { primeThreadPool } from '../../src/sys/netns.ts';
import { type Decoded, decode, linesOf, message } from '../support/decode-command.ts';
import { attempt, makeNamespaces, run, until } from '../support/namespaces.ts';
import { type NetnsSession, netnsSession, nlri } from '../support/netns-session.ts';
import { cable } from '../support/speaker.ts';

const net = makeNamespaces('mrt');
let folder = '';
const children: ChildProcess[] = [];
let session: NetnsSession | undefined;

const ip = (text: string) => parseIpv4(text) ?? (0 as never);

beforeAll(async () => {
  await primeThreadPool();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-mrt-'));
  fs.chmodSync(folder, 0o777); // the daemons have users of their own
  cable(net, 'ours', 'theirs');
  for (const [side, n] of [
    ['ours', 1],
    ['theirs', 2],
  ] as const)
    net.ip(side, `addr add fd09::${n}/64 dev eth0 nodad`);
});
afterAll(() => {
  net.remove();
  fs.rmSync(folder, { recursive: true, force: true });
});

const file = (name: string): string => path.join(folder, name);
const write = (name: string, text: string): string => {
  fs.writeFileSync(file(name), text);
  fs.chmodSync(file(name), 0o644);
  return file(name);
};
function inside(command: string, ...args: string[]): ChildProcess {
  const log = fs.openSync(file(`${path.basename(command)}.log`), 'a');
  const child = spawn('ip', ['netns', 'exec', net.name('theirs'), command, ...args], {
    cwd: folder,
    stdio: ['ignore', log, log],
  });
  fs.closeSync(log);
  children.push(child);
  return child;
}

const UPDATES: readonly Update[] = [
  {
    withdrawn: [],
    announced: [nlri('192.0.2.0/26'), nlri('192.0.2.64/26')],
    attributes: {
      origin: 'egp',
      asPath: [{ type: 'sequence', asns: [65001, 4200000009] }],
      nextHop: ip('10.9.0.1'),
      med: 7,
      aggregator: { asn: 4200000009, address: ip('10.9.0.9') },
      communities: [((65001 << 16) | 7) >>> 0],
      largeCommunities: [{ global: 4200000009, local1: 1, local2: 2 }],
      extendedCommunities: [0x0002fde900000009n],
    },
  },
  {
    withdrawn: [],
    announced: [nlri('2001:db8:1::/48')],
    attributes: {
      origin: 'igp',
      asPath: [{ type: 'sequence', asns: [65001] }],
      mpNextHop: { address: parseIpv6('fd09::1') ?? (0n as never) },
    },
  },
  { withdrawn: [nlri('192.0.2.64/26')], announced: [] },
  { withdrawn: [], announced: [], endOfRib: IPV4_UNICAST },
  { withdrawn: [], announced: [], endOfRib: IPV6_UNICAST },
];
const RICH = {
  origin: { value: 'egp' },
  asPath: { value: { text: '65001 4200000009' } },
  nextHop: { value: '10.9.0.1' },
  med: { value: 7 },
  aggregator: { value: { asn: 4200000009, address: '10.9.0.9' } },
  communities: { value: ['65001:7'] },
  largeCommunities: { value: ['4200000009:1:2'] },
  extendedCommunities: { value: ['rt:65001:9'] },
};

async function comeUp(addPath: boolean): Promise<NetnsSession> {
  const config: SessionConfig = {
    localAsn: 65001,
    peerAsn: 65002,
    bgpIdentifier: ip('10.9.0.1'),
    localAddress: ip('10.9.0.1'),
    peerAddress: ip('10.9.0.2'),
    peerPort: 179,
    passive: false,
    holdTimeSec: 90,
    connectRetrySec: 1,
    families: [IPV4_UNICAST, IPV6_UNICAST],
    ...(addPath ? { addPath: { send: [IPV4_UNICAST] } } : {}),
  };
  const made = netnsSession(net.path('ours'), config, UPDATES);
  session = made;
  await made.start();
  await until('the session is up', () => made.session.state === 'Established');
  return made;
}

/** Waits until the file has what `enough` wants of it, while the daemon still writes. */
async function settled(name: string, enough: (decoded: Decoded) => boolean): Promise<Decoded> {
  const end = Date.now() + 30_000;
  for (;;) {
    const decoded =
      fs.existsSync(file(name)) && fs.statSync(file(name)).size > 0 ? await decode(file(name)) : undefined;
    // A record that is being written is a fault of the file for a moment.
    if (decoded !== undefined && enough(decoded) && decoded.code === 0) return decoded;
    if (Date.now() > end)
      throw new Error(
        `${name} within 30 s: ${decoded === undefined ? 'no file' : decoded.err + JSON.stringify(decoded.lines)}`,
      );
    await new Promise((next) => setTimeout(next, 100));
  }
}

/** What we sent stands in the dump, message by message. */
function expectOurUpdates(decoded: Decoded, from: NetnsSession): void {
  const context = from.context();
  if (context === undefined) throw new Error('never established');
  const ours = linesOf(decoded, 'update').filter((u) => u.from?.address === '10.9.0.1');
  expect(ours.map(message)).toEqual(from.sent.map((bytes) => messageJson(bytes, context)));
  for (const u of ours) {
    expect(u).toMatchObject({ from: { asn: 65001 }, to: { address: '10.9.0.2', asn: 65002 } });
    expect(u.context).toMatchObject({ fourOctetAs: true, source: 'record' });
  }
}
const updatesOf = (decoded: Decoded): number =>
  linesOf(decoded, 'update').filter((u) => u.from?.address === '10.9.0.1').length;

function expectOurTable(decoded: Decoded, route: string, attributes: object): void {
  const rib = linesOf(decoded, 'rib').findLast((r) => r.nlri.prefix === route);
  const entry = rib?.entries.find((e) => e.peer?.address === '10.9.0.1');
  expect(entry, `${route} in ${JSON.stringify(linesOf(decoded, 'rib'))}`).toMatchObject({
    peer: { address: '10.9.0.1', asn: 65001, bgpIdentifier: '10.9.0.1' },
    attributes,
    faults: [],
  });
}
const hasRoute = (route: string) => (decoded: Decoded) => linesOf(decoded, 'rib').some((r) => r.nlri.prefix === route);

/** One daemon at a time: they all want port 179. */
afterEach(async () => {
  session?.stop();
  const ends = children.splice(0).map((child) => {
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGKILL');
    return ended;
  });
  await Promise.all(ends);
});

test.each([
  ['without', false],
  ['with', true],
])('BIRD 2, %s ADD-PATH: mrtdump of messages and states, and its tables of both families', async (_name, addPath) => {
  const [updates, table] = [`bird-${addPath}-updates.mrt`, `bird-${addPath}-%N.mrt`];
  const config = `
router id 10.9.0.2;
mrtdump "${file(updates)}"; mrtdump protocols { states, messages };
protocol device {}
protocol bgp ours { local 10.9.0.2 as 65002; neighbor 10.9.0.1 as 65001; passive; error wait time 1, 1;
  ipv4 { import all; export all; ${addPath ? 'add paths rx;' : ''} };
  ipv6 { import all; export all; }; }
protocol mrt { table "master*"; filename "${file(table)}"; period 1; }`;
  inside('bird', '-f', '-c', write('bird.conf', config), '-s', file('bird.ctl'));
  await until('bird answers', () =>
    attempt('birdc', '-s', file('bird.ctl'), 'show', 'status').out.includes('up and running'),
  );
  const ours = await comeUp(addPath);
  const messages = await settled(updates, (d) => updatesOf(d) === UPDATES.length);
  expectOurUpdates(messages, ours);
  expect(linesOf(messages, 'update')[0]?.context?.addPath).toEqual(addPath ? ['ipv4 unicast'] : []);
  expect(linesOf(messages, 'state-change').map((s) => s.newState)).toContain('Established');
  expect(linesOf(messages, 'open')).toMatchObject([{ asn: 65001, faults: [] }]);
  const four = await settled(`bird-${addPath}-master4.mrt`, hasRoute('192.0.2.0/26'));
  expectOurTable(four, '192.0.2.0/26', RICH);
  expect(linesOf(four, 'peer-index-table')[0]).toMatchObject({ collector: '10.9.0.2', viewName: 'master4' });
  const six = await settled(`bird-${addPath}-master6.mrt`, hasRoute('2001:db8:1::/48'));
  expectOurTable(six, '2001:db8:1::/48', {
    asPath: { value: { text: '65001' } },
    mpReach: { value: { nextHop: 'fd09::1' } },
  });
});

test('FRR: dump bgp all-et with microseconds, and routes-mrt', async () => {
  const config = `
hostname theirs
dump bgp all-et ${file('frr-all.mrt')}
dump bgp routes-mrt ${file('frr-routes.mrt')} 1
router bgp 65002
 bgp router-id 10.9.0.2
 no bgp ebgp-requires-policy
 neighbor 10.9.0.1 remote-as 65001
 neighbor 10.9.0.1 passive
 address-family ipv6 unicast
  neighbor 10.9.0.1 activate
 exit-address-family
`;
  const common = ['-S', '-Z', '-i', file('bgpd.pid'), '--vty_socket', folder, '-A', '127.0.0.1', '-P', '0'];
  inside('/usr/lib/frr/bgpd', '-f', write('frr.conf', config), ...common);
  const vtysh = (line: string): string => attempt('vtysh', '--vty_socket', folder, '-c', line).out;
  await until('bgpd answers', () => vtysh('show bgp summary').includes('10.9.0.1'));
  const ours = await comeUp(false);
  const messages = await settled('frr-all.mrt', (d) => updatesOf(d) === UPDATES.length);
  expectOurUpdates(messages, ours);
  for (const u of linesOf(messages, 'update')) expect(u.time).toMatch(/\.\d{6}Z$/);
  expect(linesOf(messages, 'state-change').map((s) => s.newState)).toContain('Established');
  const routes = await settled('frr-routes.mrt', hasRoute('192.0.2.0/26'));
  // FRR writes no extended communities into its tables.
  const { extendedCommunities, ...rest } = RICH;
  expectOurTable(routes, '192.0.2.0/26', rest);
});

test('GoBGP: its dump of updates', async () => {
  // The name is a layout of Go's time.Format to it: digits of the folder's name would become the date.
  const config = `
[global.config]
as = 65002
router-id = "10.9.0.2"
[[mrt-dump]]
[mrt-dump.config]
dump-type = "updates"
file-name = "gobgp.mrt"
[[neighbors]]
[neighbors.config]
neighbor-address = "10.9.0.1"
peer-as = 65001
[neighbors.transport.config]
passive-mode = true
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv6-unicast"
`;
  inside('gobgpd', '-f', write('gobgp.toml', config), '--api-hosts', `unix://${file('gobgp.sock')}`, '--pprof-disable');
  await until(
    'gobgpd listens',
    () => run('ip', 'netns', 'exec', net.name('theirs'), 'ss', '-Hltn', 'sport = :179') !== '',
  );
  await until('gobgpd has opened its dump', () => fs.existsSync(file('gobgp.mrt')));
  const ours = await comeUp(false);
  const messages = await settled('gobgp.mrt', (d) => updatesOf(d) >= 3);
  // It dumps what it made of them, End-of-RIB left out.
  const context = ours.context();
  if (context === undefined) throw new Error('never established');
  const sent = ours.sent
    .map((bytes) => messageJson(bytes, context))
    .filter((m) => m.type === 'update' && m.endOfRib === undefined);
  const seen = linesOf(messages, 'update').filter((u) => u.endOfRib === undefined);
  expect(seen.map((u) => [...u.nlri, ...u.withdrawn])).toEqual(
    sent.map((m) => (m.type === 'update' ? [...m.nlri, ...m.withdrawn] : [])),
  );
  expect(seen[0]).toMatchObject({ attributes: RICH, faults: [], context: { fourOctetAs: true, source: 'record' } });
});
