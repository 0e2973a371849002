/** A node joins a mesh: iBGP peers that are up already and answer at once. */
import { addressOf, DAEMON_ADDRESS, DAEMON_ASN } from '../arena.ts';
import { type Figures, neighborsOf, type RunContext, type Scenario, seconds, watchCpu } from './scenario.ts';

const BLOCKS = 4;

async function run({ arena, contestant, holdSec }: RunContext, peers: number, dialsToo: boolean): Promise<Figures> {
  const { load } = arena;
  await load.ask('kernel', { netns: arena.daemonNetns });
  await load.ask('sessions', {
    n: peers,
    local: addressOf(0),
    remote: DAEMON_ADDRESS,
    as: DAEMON_ASN,
    hold: holdSec,
    listen: 1,
    dial: dialsToo ? 1 : 0,
    retry: 1000,
    blocks: BLOCKS,
    base: '100.64.0.0',
  });
  const plan = {
    address: DAEMON_ADDRESS,
    asn: DAEMON_ASN,
    neighbors: neighborsOf(peers, DAEMON_ASN, 0),
    dials: true,
    kernel: true,
    holdTimeSec: holdSec,
  };
  const started = await arena.start(contestant, plan, { allCpus: true });
  await watchCpu(arena);
  await load.ask('mark', { at: started });
  const up = await load.ask('up', { within: 120_000 });
  const installed = await load.ask('await', { from: 0, n: peers, added: peers * BLOCKS, within: 120_000 });
  const pids = arena.pids();
  return {
    upWall: seconds(up.ns),
    wall: Math.max(seconds(installed.ns), seconds(up.ns)),
    cpu: await cpuSinceStart(pids),
    peakMb: arena.peakMb(),
  };

  async function cpuSinceStart(all: readonly number[]): Promise<number> {
    await load.ask('pids', { list: all.join(',') });
    return seconds((await load.ask('cpu')).cpuNs);
  }
}

function mesh(peers: number, dialsToo: boolean, atMost?: number): Scenario {
  const calls = dialsToo
    ? 'They answer at once, and dial every second themselves.'
    : 'They answer at once and do not dial: the node joins by its own timers.';
  return {
    name: `mesh-${peers}${dialsToo ? '-dialled' : ''}`,
    title: `A mesh of ${peers} joined${dialsToo ? ', peers dial too' : ''}`,
    about: `${peers} iBGP peers with ${BLOCKS} blocks each. ${calls} Start of the daemon's process until all sessions are Established, and until all ${peers * BLOCKS} routes are in the kernel as well. The daemon may use both cores.`,
    figures: [
      { key: 'upWall', head: 'all up s', digits: 3 },
      { key: 'wall', head: 'in the kernel s', digits: 3 },
      { key: 'cpu', head: 'CPU s', digits: 2 },
      { key: 'peakMb', head: 'peak MB', digits: 0 },
    ],
    marks:
      atMost === undefined
        ? []
        : [{ figure: 'wall', kind: 'absolute', atMost, text: `mesh of ${peers} joined and in the kernel, s` }],
    kernel: true,
    floor: 'none',
    run: (context) => run(context, peers, dialsToo),
  };
}

export const mesh200 = mesh(200, false, 0.25);
export const mesh1000 = mesh(1000, false, 0.6);
export const mesh1000Dialled = mesh(1000, true);
