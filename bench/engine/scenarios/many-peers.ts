/** The same routes from thirty peers, all of which hear the best; then the best peer dies. */
import { MANY_PEERS, MANY_PEERS_ASN, MANY_PEERS_ROUTES } from '../streams.ts';
import { bringUp, type Figures, fileOf, neighborsOf, type RunContext, type Scenario, seconds } from './scenario.ts';

async function run(context: RunContext): Promise<Figures> {
  const { arena } = context;
  const neighbors = neighborsOf(MANY_PEERS, MANY_PEERS_ASN, 1);
  await bringUp(context, neighbors, { onLossFile: context.stream('peer-1') });
  const files: number[] = [];
  for (let i = 0; i < MANY_PEERS; i++) files.push(await fileOf(context, `peer-${i}`));
  const { load } = arena;
  // A daemon stands before the peer in the path; the floor puts itself nowhere.
  const place = context.contestant.floor ? 0 : 1;
  await load.ask('via', { file: files[0] ?? 0, base: MANY_PEERS_ASN, place, n: MANY_PEERS });
  await load.ask('reset');
  await load.ask('send', { pairs: files.map((file, i) => `${i}:${file}`).join(',') });
  // Its own best path is told to no peer, so the one whose paths are best does not count.
  const best = { from: 0, n: MANY_PEERS, via: 0, except: 0 };
  const converged = await load.ask('await', { ...best, within: 240_000, quiet: 1000 });
  const peakMb = arena.peakMb();
  await load.ask('reset');
  await load.ask('close', { from: 0, n: 1 });
  const next = { from: 1, n: MANY_PEERS - 1, via: 1, except: 1 };
  const replaced = await load.ask('await', { ...next, within: 120_000, quiet: 1000 });
  return {
    wall: seconds(converged.ns),
    cpu: seconds(converged.cpuNs),
    told: converged.announced / 1e6,
    peakMb,
    deadWall: seconds(replaced.ns),
    deadCpu: seconds(replaced.cpuNs),
  };
}

export const manyPeers: Scenario = {
  name: 'many-peers',
  title: 'The same routes from thirty peers',
  about: `${MANY_PEERS_ROUTES.toLocaleString('en-US')} routes in 15,000 attribute sets from each of ${MANY_PEERS} eBGP peers at once, the paths of each longer than those of the one before: first octet written until all others have the first one's path of every route. Then the first one's TCP connection closes, until all others have the second one's.`,
  figures: [
    { key: 'wall', head: 'converged s', digits: 2, floored: true },
    { key: 'cpu', head: 'CPU s', digits: 2 },
    { key: 'told', head: 'million routes told', digits: 1 },
    { key: 'peakMb', head: 'peak MB', digits: 0 },
    { key: 'deadWall', head: 'replaced s', digits: 3, floored: true },
    { key: 'deadCpu', head: 'CPU s', digits: 3 },
  ],
  marks: [
    { figure: 'wall', kind: 'ratio', atMost: 0.1, text: '30 peers × 100,000 routes' },
    { figure: 'peakMb', kind: 'absolute', atMost: 150, text: 'the same, peak memory in MB' },
    {
      figure: 'deadWall',
      kind: 'absolute',
      atMost: 0.2,
      text: 'best peer dead to last replacement at the last peer, s',
    },
  ],
  kernel: false,
  floor: 'relay',
  run,
};
