/** All routes of a full table listed by the daemon's own command, while its sessions go on. */
import { spawn } from 'node:child_process';
import { addressOf } from '../arena.ts';
import { peakMemory, processTree } from '../processes.ts';
import { FULL_ROUTES, SOURCE_ASN } from '../streams.ts';
import { bringUp, type Figures, fileOf, type RunContext, type Scenario, sendAndAwait } from './scenario.ts';

const MONITOR_ASN = 64_514;
const [SOURCE, MONITOR] = [0, 1];
const PATIENCE_MS = 180_000;
const LOOK_EVERY_MS = 20;

interface Listing {
  readonly seconds: number;
  readonly octets: number;
  readonly peakMb: number;
}

/** Its output is counted by another process: this one has other things to do. */
function list(argv: readonly string[]): Promise<Listing> {
  const began = process.hrtime.bigint();
  const child = spawn('sh', ['-c', '"$@" | wc -c', 'sh', ...argv], { stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  let peak = 0;
  const look = setInterval(() => {
    const pids = child.pid === undefined ? [] : processTree(child.pid).slice(1);
    peak = Math.max(peak, ...pids.map(peakMemory));
  }, LOOK_EVERY_MS);
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  child.stdout.on('data', (text) => {
    said += String(text);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      clearInterval(look);
      clearTimeout(timer);
      const seconds = Number(process.hrtime.bigint() - began) / 1e9;
      resolve({ seconds, octets: Number(said), peakMb: peak / 1e6 });
    });
  });
}

async function run(context: RunContext): Promise<Figures> {
  const { arena, contestant, settled } = context;
  const neighbors = [
    { address: addressOf(SOURCE), asn: SOURCE_ASN },
    { address: addressOf(MONITOR), asn: MONITOR_ASN },
  ];
  await bringUp(context, neighbors);
  await sendAndAwait(arena, SOURCE, await fileOf(context, 'full'), { from: MONITOR, n: 1, announced: FULL_ROUTES });
  await arena.load.ask('silence', { fresh: 1 });
  settled();
  const before = arena.peakMb();
  const argv = contestant.listing?.(arena.folder) ?? [];
  // The load goes on talking meanwhile: it sends and counts keepalives.
  const [listing] = await Promise.all([list(argv), arena.load.ask('rest', { ms: 1000 })]);
  if (listing.octets < FULL_ROUTES * 20) throw new Error(`${argv.join(' ')} wrote ${listing.octets} octets`);
  await arena.load.ask('rest', { ms: 1200 });
  return {
    wall: listing.seconds,
    mb: listing.octets / 1e6,
    clientMb: listing.peakMb,
    moreMb: arena.peakMb() - before,
  };
}

export const listing: Scenario = {
  name: 'listing',
  title: 'A million routes listed',
  about:
    'With a full table in, the daemon\'s own command lists all routes, as JSON where it can: `gingham routes -o json`, `birdc show route`, `vtysh -c "show bgp ipv4 unicast json"`, `gobgp global rib -j`, `bgpctl -j show rib`. Time, what is written, the peak of the command, and by how much the peak of the daemon grows.',
  figures: [
    { key: 'wall', head: 'listed s', digits: 2 },
    { key: 'mb', head: 'written MB', digits: 0 },
    { key: 'clientMb', head: 'command, peak MB', digits: 0 },
    { key: 'moreMb', head: 'daemon, more MB', digits: 0 },
  ],
  marks: [],
  kernel: false,
  floor: 'none',
  run,
};
