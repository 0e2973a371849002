/** The harness's own cost, in the place of a daemon: floor/floor.c. */
import type { Contestant, Plan } from './peer.ts';

const floor = (name: string, mode: 'relay' | 'install', program: string): Contestant => ({
  name,
  floor: true,
  version: () => '',
  commands: (plan: Plan) => {
    const atLoss = plan.onLossFile === undefined || mode === 'install' ? [] : [plan.onLossFile];
    return [{ argv: [program, mode, plan.address, plan.neighbors[0]?.address ?? '', ...atLoss] }];
  },
});

export const relayFloor = (program: string): Contestant => floor('harness alone: relay', 'relay', program);
export const installFloor = (program: string): Contestant => floor('C that only installs', 'install', program);
