/** Routes that change all the time. */
import { addressOf } from '../arena.ts';
import { CHURN_RATE, CHURN_SECONDS, FULL_ROUTES, SOURCE_ASN } from '../streams.ts';
import { bringUp, type Figures, fileOf, type RunContext, type Scenario, seconds, sendAndAwait } from './scenario.ts';

const MONITOR_ASN = 64_514;
const [SOURCE, MONITOR] = [0, 1];

async function run(context: RunContext): Promise<Figures> {
  const { arena } = context;
  const neighbors = [
    { address: addressOf(SOURCE), asn: SOURCE_ASN },
    { address: addressOf(MONITOR), asn: MONITOR_ASN },
  ];
  await bringUp(context, neighbors);
  const [full, churn] = [await fileOf(context, 'full'), await fileOf(context, 'churn')];
  await sendAndAwait(arena, SOURCE, full, { from: MONITOR, n: 1, announced: FULL_ROUTES });
  await arena.load.ask('reset');
  const { cpuNs, late, slipNs, missing } = await arena.load.ask('pace', {
    session: SOURCE,
    watch: MONITOR,
    file: churn,
    rate: CHURN_RATE,
  });
  if (missing > 0) throw new Error(`${missing} changes never came to the monitor`);
  return {
    cpu: seconds(cpuNs),
    lateP50: late.p50 / 1000,
    lateP99: late.p99 / 1000,
    lateMax: late.max / 1000,
    slip: slipNs / 1e6,
    peakMb: arena.peakMb(),
  };
}

export const churn: Scenario = {
  name: 'churn',
  title: 'Churn',
  about: `A full table is in; then ${CHURN_RATE.toLocaleString('en-US')} routes change every second for ${CHURN_SECONDS} s: half get other attributes, a quarter is withdrawn, a quarter comes back. Lateness is from the octets' leaving to their being seen at the second peer; slip is how late the harness itself was.`,
  figures: [
    { key: 'cpu', head: 'CPU s', digits: 2 },
    { key: 'lateP50', head: 'late p50 ms', digits: 2 },
    { key: 'lateP99', head: 'p99', digits: 2 },
    { key: 'lateMax', head: 'max', digits: 1 },
    { key: 'slip', head: 'slip ms', digits: 1 },
    { key: 'peakMb', head: 'peak MB', digits: 0 },
  ],
  marks: [{ figure: 'cpu', kind: 'ratio', atMost: 0.5, text: 'churn, CPU' }],
  kernel: false,
  floor: 'none',
  run,
};
