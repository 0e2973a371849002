/** The way of a single route while 200 sessions are up. */
import { addressOf } from '../arena.ts';
import { SOURCE_ASN } from '../streams.ts';
import { bringUp, type Figures, fileOf, neighborsOf, type RunContext, type Scenario } from './scenario.ts';

const MONITORS = 200;
const MONITOR_ASN = 65_001;
const ROUTES = 1000;
const PAUSE_MS = 2;

async function run(context: RunContext): Promise<Figures> {
  const { arena } = context;
  await arena.load.ask('kernel', { netns: arena.daemonNetns });
  const monitors = neighborsOf(MONITORS, MONITOR_ASN, 1, 1);
  await bringUp(context, [{ address: addressOf(0), asn: SOURCE_ASN }, ...monitors], { kernel: true });
  const file = await fileOf(context, 'single-routes');
  const { kernel, last } = await arena.load.ask('ping', {
    session: 0,
    file,
    from: 1,
    n: MONITORS,
    kernel: 1,
    gap: PAUSE_MS,
    count: ROUTES,
  });
  return {
    kernelP50: kernel.p50 / 1000,
    kernelP99: kernel.p99 / 1000,
    kernelMax: kernel.max / 1000,
    lastP50: last.p50 / 1000,
    lastP99: last.p99 / 1000,
    lastMax: last.max / 1000,
  };
}

export const oneRoute: Scenario = {
  name: 'one-route',
  title: "One route's way",
  about: `${MONITORS + 1} eBGP sessions are up; one of them announces a new route at a time, ${ROUTES} times: UPDATE written until the kernel tells of the route, and until the last of the ${MONITORS} others has it.`,
  figures: [
    { key: 'kernelP50', head: 'kernel p50 ms', digits: 2, floored: true },
    { key: 'kernelP99', head: 'p99', digits: 2 },
    { key: 'kernelMax', head: 'max', digits: 2 },
    { key: 'lastP50', head: 'last peer p50 ms', digits: 2 },
    { key: 'lastP99', head: 'p99', digits: 2 },
    { key: 'lastMax', head: 'max', digits: 2 },
  ],
  marks: [
    { figure: 'kernelP50', kind: 'ratio', atMost: 1, text: 'UPDATE written to kernel notified, p50' },
    { figure: 'kernelP99', kind: 'absolute', atMost: 1, text: 'the same in ms, p99' },
    { figure: 'lastP50', kind: 'ratio', atMost: 1.5, text: 'UPDATE written to the last of 200 peers, p50' },
    { figure: 'lastP99', kind: 'ratio', atMost: 1.5, text: 'the same, p99' },
  ],
  kernel: true,
  floor: 'none',
  run,
};
