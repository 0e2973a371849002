// needs: root ip bird tshark
/** What a running daemon says of its routes: why, as received, as advertised, as an MRT file, and to a monitoring station. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CapturedPeers, CapturedRib } from '../../src/capture/captured.ts';
import { captureReader } from '../../src/capture/reader.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';
import { dissect, holding, text, texts } from '../support/tshark.ts';

let namespaces: Namespaces;
let speakers: Speakers;
let station: ChildProcess | undefined;
beforeEach(() => {
  namespaces = makeNamespaces('in');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'g', 'b');
});
afterEach(async () => {
  station?.kill('SIGKILL');
  station = undefined;
  await speakers.remove();
  namespaces.remove();
});

const BIRD = `
log stderr all;
router id 10.9.0.2;
protocol device { scan time 2; }
protocol direct { ipv4; interface "*"; }
protocol static { ipv4; route 198.51.100.0/25 unreachable; route 198.51.100.128/25 unreachable; }
protocol bgp gingham {
  local 10.9.0.2 as 65002; neighbor 10.9.0.1 as 65001;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 {
    import all;
    export filter {
      if source != RTS_STATIC then reject;
      if net = 198.51.100.128/25 then { bgp_path.prepend(65001); bgp_med = 7; }
      bgp_community.add((65002, 9));
      accept;
    };
    next hop self;
  };
}`;
const STATION_PORT = 11_019;
const GINGHAM = `
asn: 65001
routerId: 10.9.0.1
originate: [192.0.2.0/26]
bmp: { address: 127.0.0.1, statistics: 1 }
neighbors: [{ name: bird, address: 10.9.0.2, asn: 65002, connectRetry: 1 }]`;

interface RouteList {
  items: { prefix: string; action?: string; reason?: { code: string }; communities: string[]; nextHop?: string }[];
}
async function pair(): Promise<{ node: GinghamNode; bird: { kill(signal: NodeJS.Signals): Promise<void> } }> {
  const bird = await speakers.bird('b', BIRD);
  const node = speakers.gingham('g', GINGHAM);
  await node.start();
  await until('both of BIRD’s routes are heard', () =>
    node
      .json<{ items: { counts?: { received: number; sent: number } }[] }>('peers')
      .items.some((p) => p.counts?.received === 2 && p.counts.sent > 0),
  );
  return { node, bird };
}

test('why, received and advertised: what came, what was rejected and by what, what goes out and what does not', async () => {
  const { node } = await pair();
  const why = node.cli('why', '198.51.100.7').out;
  expect(why).toMatch(/^198\.51\.100\.7 falls into 198\.51\.100\.0\/25\n198\.51\.100\.0\/25 {2}1 path; best is #1\n/);
  expect(why).toMatch(/#1 from bird {2}nh 10\.9\.0\.2 {3}WINS/);
  expect(why).toMatch(/kernel: 198\.51\.100\.0\/25 via 10\.9\.0\.2 dev eth0 {2}\(installed\)/);
  expect(why).toContain('export: bird: not sent, SPLIT_HORIZON');
  expect(node.cli('why', '198.51.100.128/25').out).toMatch(/none can be used\n.*rejected {2}AS_LOOP: /);
  expect(node.cli('why', '203.0.113.1')).toMatchObject({ status: 4 });

  const received = node.json<RouteList>('routes', '--received', '--from', 'bird').items;
  expect(received.map((r) => r.prefix)).toEqual(['198.51.100.0/25', '198.51.100.128/25']);
  expect(received[0]).toMatchObject({ communities: ['65002:9'], nextHop: '10.9.0.2' });
  const rejected = node.json<RouteList>('routes', '--received', '--from', '10.9.0.2', '--rejected').items;
  expect(rejected.map((r) => [r.prefix, r.reason?.code])).toEqual([['198.51.100.128/25', 'AS_LOOP']]);
  const sent = node.json<RouteList>('routes', '--advertised', '--to', 'bird').items;
  expect(sent.map((r) => [r.prefix, r.action, r.nextHop])).toEqual([['192.0.2.0/26', 'sent', '10.9.0.1']]);
  const kept = node.json<RouteList>('routes', '--advertised', '--to', 'bird', '--rejected').items;
  expect(kept.map((r) => [r.prefix, r.action, r.reason?.code])).toEqual([
    ['198.51.100.0/25', 'kept back', 'SPLIT_HORIZON'],
  ]);
  expect(node.cli('routes', '--received', '--from', 'brid')).toMatchObject({
    status: 4,
    out: expect.stringContaining('there is no peer "brid". Its peers: bird.'),
  });
  // Without a question about one, only what is in use, and what cannot be.
  const all = node.json<RouteList>('routes').items.map((r) => r.prefix);
  expect(all).toEqual(['192.0.2.0/26', '198.51.100.0/25', '198.51.100.128/25']);
});

test('export mrt writes a table dump that a reader of MRT files takes', async () => {
  const { node } = await pair();
  const file = path.join(node.folder, 'tables.mrt');
  expect(node.cli('export', 'mrt', file)).toMatchObject({ status: 0 });
  const reader = captureReader({ port: 179, told: {} });
  const items = [...reader.push(fs.readFileSync(file)), ...reader.end()];
  const peers = items.find((i): i is CapturedPeers => i.kind === 'peer-index-table');
  expect(peers?.peers.map((p) => p.asn)).toEqual([65001, 65002]);
  const ribs = items.filter((i): i is CapturedRib => i.kind === 'rib' && i.family === 257);
  // The looped one cannot be used, so it is in no table.
  expect(ribs.map((r) => [Buffer.from(r.nlri).toString('hex'), r.entries.map((e) => e.peerIndex)])).toEqual([
    ['1ac0000200', [0]],
    ['19c6336400', [1]],
  ]);
});

/** Octets of BMP messages, cut by their own lengths. RFC 7854 4.1 */
function cut(stream: Buffer): Uint8Array[] {
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 6 <= stream.length; ) {
    const length = stream.readUInt32BE(at + 1);
    if (at + length > stream.length) break;
    messages.push(stream.subarray(at, at + length));
    at += length;
  }
  return messages;
}

test('a monitoring station hears the session, its routes before policy, the best paths, counts and the end', async () => {
  const file = path.join(fs.mkdtempSync('/tmp/gingham-station-'), 'stream');
  const program = `require('node:net').createServer((s) => s.pipe(require('node:fs').createWriteStream(process.argv[1], { flags: 'a' }))).listen(${STATION_PORT}, '127.0.0.1')`;
  station = spawn('ip', ['netns', 'exec', namespaces.name('g'), process.execPath, '-e', program, file]);
  const { bird } = await pair();
  const types = (): string[] => {
    const messages = fs.existsSync(file) ? cut(fs.readFileSync(file)) : [];
    return messages.map((m) => String(m[5]));
  };
  await until('statistics came', () => types().includes('1'));
  await bird.kill('SIGKILL');
  await until('the session’s end came', () => types().includes('2'));

  const trees = dissect(cut(fs.readFileSync(file)), 4, 'bmp').map((t) => t ?? {});
  const of = (type: string) => trees.filter((t) => text(t, 'bmp.type') === type);
  expect(text(trees[0] ?? {}, 'bmp.type')).toBe('4');
  const ups = of('3').map((t) => holding(t, 'bmp.peer.type').flatMap((p) => texts(p, 'bmp.peer.type')));
  expect(ups.flat().sort()).toEqual(['0', '3']);
  const heard = of('0').flatMap((t) => {
    const [kind] = holding(t, 'bmp.peer.type').flatMap((p) => texts(p, 'bmp.peer.type'));
    return holding(t, 'bgp.nlri_prefix').flatMap((n) => texts(n, 'bgp.nlri_prefix').map((p) => `${kind} ${p}`));
  });
  expect([...new Set(heard)].sort()).toEqual(['0 198.51.100.0', '0 198.51.100.128', '3 192.0.2.0', '3 198.51.100.0']);
  fs.rmSync(path.dirname(file), { recursive: true, force: true });
});
