/** Routes of one peer into the kernel, and out of it. */
import { addressOf } from '../arena.ts';
import { SOURCE_ASN } from '../streams.ts';
import { bringUp, type Figures, fileOf, type RunContext, type Scenario, seconds, sendAndAwait } from './scenario.ts';

async function run(context: RunContext, name: string, routes: number): Promise<Figures> {
  const { arena } = context;
  await arena.load.ask('kernel', { netns: arena.daemonNetns });
  const neighbors = [{ address: addressOf(0), asn: SOURCE_ASN }];
  await bringUp(context, neighbors, { kernel: true, allCpus: true });
  const [announce, withdraw] = [await fileOf(context, name), await fileOf(context, `${name}-withdraw`)];
  const added = await sendAndAwait(arena, 0, announce, { from: 0, n: 1, added: routes });
  const { routes: there } = await arena.load.ask('routes', { netns: arena.daemonNetns });
  if (there !== routes) throw new Error(`${routes} routes were added, and the kernel has ${there}`);
  const deleted = await sendAndAwait(arena, 0, withdraw, { from: 0, n: 1, deleted: routes });
  return {
    addWall: seconds(added.ns),
    addCpu: seconds(added.cpuNs),
    deleteWall: seconds(deleted.ns),
    deleteCpu: seconds(deleted.cpuNs),
    peakMb: arena.peakMb(),
  };
}

function kernelRoutes(name: string, routes: number, atMost: number): Scenario {
  const count = routes.toLocaleString('en-US');
  return {
    name,
    title: `${count} routes into the kernel`,
    about: `${count} Internet-like routes from one eBGP peer: first octet written until the kernel's notification of the last one; then all withdrawn, until the last deletion. The daemon may use both cores, for the load has little to do; the C program that only installs shows what the kernel itself takes, in one thread and in the order of the stream.`,
    figures: [
      { key: 'addWall', head: 'added s', digits: 2 },
      { key: 'addCpu', head: 'CPU s', digits: 2 },
      { key: 'deleteWall', head: 'deleted s', digits: 2 },
      { key: 'deleteCpu', head: 'CPU s', digits: 2 },
      { key: 'peakMb', head: 'peak MB', digits: 0 },
    ],
    marks: [{ figure: 'addWall', kind: 'ratio', atMost, text: `${count} routes into the kernel` }],
    kernel: true,
    floor: 'install',
    run: (context) => run(context, name, routes),
  };
}

export const kernelRoutes100k = kernelRoutes('kernel-100k', 100_000, 0.5);
export const kernelRoutes500k = kernelRoutes('kernel-500k', 500_000, 0.4);
