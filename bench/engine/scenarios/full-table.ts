/** A million Internet-like routes from one eBGP peer to a daemon that tells them to another; both ways of taking them back. */
import { addressOf } from '../arena.ts';
import { FULL_ROUTES, SOURCE_ASN } from '../streams.ts';
import { bringUp, type Figures, fileOf, type RunContext, type Scenario, seconds, sendAndAwait } from './scenario.ts';

const MONITOR_ASN = 64_514;
const [SOURCE, MONITOR] = [0, 1];

async function run(context: RunContext): Promise<Figures> {
  const { arena } = context;
  const neighbors = [
    { address: addressOf(SOURCE), asn: SOURCE_ASN },
    { address: addressOf(MONITOR), asn: MONITOR_ASN },
  ];
  await bringUp(context, neighbors, { onLossFile: context.stream('full-withdraw') });
  const [full, withdraw] = [await fileOf(context, 'full'), await fileOf(context, 'full-withdraw')];
  const announced = { from: MONITOR, n: 1, announced: FULL_ROUTES };
  const gone = { from: MONITOR, n: 1, withdrawn: FULL_ROUTES };

  const first = await sendAndAwait(arena, SOURCE, full, announced);
  const fullMb = arena.peakMb();
  const withdrawn = await sendAndAwait(arena, SOURCE, withdraw, gone);
  const again = await sendAndAwait(arena, SOURCE, full, announced);
  await arena.load.ask('reset');
  await arena.load.ask('close', { from: SOURCE, n: 1 });
  const lost = await arena.load.ask('await', { ...gone, within: 120_000 });
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
  kernel: false,
  floor: 'relay',
  run,
};
