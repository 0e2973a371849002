/** The speaker of a running daemon: opened once the kernel has been read, its best paths led there, its next hops judged
 *  anew when this node's addresses change. The same alone and in a cluster. */
import { isIpv6 } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import type { Dataplane } from './dataplane.ts';
import type { Running } from './running.ts';
import { openSpeaker, type Speaker } from './speaker.ts';

export async function startSpeaker(
  running: Running,
  dataplane: Dataplane,
  options: { readonly address: Ipv4; readonly waitForLocalRoutes: boolean },
): Promise<Speaker> {
  const { config, log } = running;
  const { found } = await dataplane.start();
  const speaker = await openSpeaker({
    listen: config.listen,
    bgpIdentifier: config.routerId ?? options.address,
    maxPaths: config.maxPaths,
    preferOlder: config.preferOlder,
    ...(config.clusterId === undefined ? {} : { clusterId: config.clusterId }),
    isOurAddress: (a) => !isIpv6(a) && dataplane.interfaces.isLocal(a),
    restart: {
      forwarding: found > 0,
      waitForLocalRoutes: options.waitForLocalRoutes,
      onComplete: (why) => {
        log.info({ why }, 'initial routes are in');
        speaker.settle();
      },
      onAllHeard: (why) => {
        log.info({ why }, 'peers that restarted with us have spoken: routes that nobody announced leave the kernel');
        // Their last words are in the table, and the kernel hears of them, before it may sweep.
        speaker.settle();
        dataplane.bestPathsInSync();
      },
    },
    log,
  });
  running.speaker = speaker;
  if (config.kernel.install) speaker.ribs.ipv4.subscribe(dataplane.bestPaths, 'kernel');
  dataplane.interfaces.onChange(({ kind }) => {
    if (kind !== 'link') speaker.reevaluate();
  });
  return speaker;
}
