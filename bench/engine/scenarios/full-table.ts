/** A million Internet-like routes from one eBGP peer to a daemon that tells them to another; both ways of taking them back. */
import { addressOf, DAEMON_ADDRESS, DAEMON_ASN } from '../arena.ts';
import type { Answer } from '../load.ts';
import { FULL_ROUTES, SOURCE_ASN } from '../streams.ts';
import { type Figures, type RunContext, type Scenario, seconds } from './scenario.ts';

const MONITOR_ASN = 64_514;
const HOLD_SEC = 90;

async function run({ arena, contestant, stream }: RunContext): Promise<Figures> {
  const { load } = arena;
  const withdraw = stream('full-withdraw');
  await arena.start(contestant, {
    address: DAEMON_ADDRESS,
    asn: DAEMON_ASN,
    neighbors: [
      { address: addressOf(0), asn: SOURCE_ASN },
      { address: addressOf(1), asn: MONITOR_ASN },
    ],
    dials: false,
    kernel: false,
    holdTimeSec: HOLD_SEC,
    onLossFile: withdraw,
  });
  const session = (index: number, as: number): Promise<Answer> =>
    load.ask('sessions', { local: addressOf(index), remote: DAEMON_ADDRESS, as, hold: HOLD_SEC });
  const source = await session(0, SOURCE_ASN);
  const monitor = await session(1, MONITOR_ASN);
  const { file: fullFile } = await load.ask('file', { path: stream('full') });
  const { file: withdrawFile } = await load.ask('file', { path: withdraw });
  await load.ask('up', { within: 30_000 });
  await load.ask('pids', { list: arena.pids().join(',') });
  // Sessions have said what they say at their beginning.
  await load.ask('rest', { ms: 300 });

  const seen = (what: 'announced' | 'withdrawn'): Promise<Answer> =>
    load.ask('await', { from: monitor.first, n: 1, [what]: FULL_ROUTES, within: 120_000 });
  const send = async (file: number, what: 'announced' | 'withdrawn'): Promise<Answer> => {
    await load.ask('reset');
    await load.ask('send', { pairs: `${source.first}:${file}` });
    return seen(what);
  };
  const first = await send(fullFile, 'announced');
  const fullMb = arena.peakMb();
  const withdrawn = await send(withdrawFile, 'withdrawn');
  const again = await send(fullFile, 'announced');
  await load.ask('reset');
  await load.ask('close', { from: source.first, n: 1 });
  const lost = await seen('withdrawn');
  return {
    fullWall: seconds(first.ns),
    fullCpu: seconds(first.cpuNs),
    fullMb,
    withdrawWall: seconds(withdrawn.ns),
    withdrawCpu: seconds(withdrawn.cpuNs),
    againWall: seconds(again.ns),
    againCpu: seconds(again.cpuNs),
    lossWall: seconds(lost.ns),
    lossCpu: seconds(lost.cpuNs),
    peakMb: arena.peakMb(),
  };
}

export const fullTable: Scenario = {
  name: 'full-table',
  title: 'A full table',
  about:
    'A million Internet-like routes in 150,000 attribute sets from one eBGP peer, told to a second one: first octet written until the last route is at the second; then all withdrawn by UPDATE, all announced again, and the first peer lost.',
  figures: [
    { key: 'fullWall', head: 'full s', digits: 2, floored: true },
    { key: 'fullCpu', head: 'CPU s', digits: 2 },
    { key: 'fullMb', head: 'peak MB', digits: 0 },
    { key: 'withdrawWall', head: 'withdrawn s', digits: 2, floored: true },
    { key: 'withdrawCpu', head: 'CPU s', digits: 2 },
    { key: 'againWall', head: 'again s', digits: 2, floored: true },
    { key: 'againCpu', head: 'CPU s', digits: 2 },
    { key: 'lossWall', head: 'lost s', digits: 2, floored: true },
    { key: 'lossCpu', head: 'CPU s', digits: 2 },
    { key: 'peakMb', head: 'peak MB of all', digits: 0 },
  ],
  marks: [
    { figure: 'fullWall', kind: 'ratio', atMost: 0.5, text: 'full table, wall' },
    { figure: 'fullCpu', kind: 'ratio', atMost: 0.5, text: 'full table, CPU' },
    { figure: 'fullMb', kind: 'absolute', atMost: 160, text: 'full table, peak memory in MB' },
    { figure: 'withdrawWall', kind: 'ratio', atMost: 0.7, text: 'withdrawal of all by UPDATE' },
    { figure: 'lossWall', kind: 'ratio', atMost: 0.3, text: 'withdrawal of all by loss of the session' },
  ],
  floor: 'relay',
  run,
};
