/** A node that runs BIRD 2 instead of Gingham. The lab claims its block for it, since BIRD knows nothing of IPAM. */
import fs from 'node:fs';
import path from 'node:path';
import { formatIpv4 } from '../../base/ipv4.ts';
import { formatPrefix } from '../../base/prefix.ts';
import { Ipam } from '../../ipam/allocator.ts';
import type { Store } from '../../store/port.ts';
import { systemRandom, systemTimers } from '../../sys/time.ts';
import type { Running } from '../machine/running.ts';
import { birdConf } from './bird-conf.ts';
import type { LabNode, LabPlan } from './plan.ts';

/** The node's block, and its first address, held in the node's name so that nothing else is given it. */
export async function claimBirdBlock(store: Store, node: LabNode): Promise<{ block: string; address: string }> {
  const ipam = new Ipam({ store, nodeName: node.name, now: Date.now, timers: systemTimers, random: systemRandom });
  const block = await ipam.ensureBlock();
  const attributes = { node: node.name, type: 'labAddress' };
  const address = await ipam.assign({ handleId: `lab-${node.name}`, attributes, use: 'Workload' });
  return { block: formatPrefix(block.cidr), address: formatIpv4(address) };
}

export function startBird(plan: LabPlan, node: LabNode, block: string, program: string, running: Running): void {
  const config = path.join(node.dir, 'bird.conf');
  fs.writeFileSync(config, birdConf(plan, node, block));
  running.start({
    name: node.name,
    netns: node.netns,
    command: program,
    args: ['-f', '-c', config, '-s', node.controlSocket, '-P', path.join(node.dir, 'bird.pid')],
    logFile: node.logFile,
    holdFile: node.holdFile,
  });
}
