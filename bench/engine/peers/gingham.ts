/** The built daemon: `gingham node` from dist/. */
import fs from 'node:fs';
import path from 'node:path';
import { type Contestant, type Plan, versionBy } from './peer.ts';

export const PROGRAM = path.resolve('dist/gingham.js');

const configuration = (plan: Plan, folder: string): string => `
asn: ${plan.asn}
routerId: ${plan.address}
listen: { address: ${plan.address} }
holdTime: ${plan.holdTimeSec}
connectRetry: 1
logLevel: warn
kernel: { install: ${plan.kernel} }
control: { socket: ${folder}/control.sock }
stateDir: ${folder}/state
neighbors:
${plan.neighbors
  .map(
    ({ address, asn }, i) =>
      `  - { name: p${i}, address: ${address}, asn: ${asn}${plan.dials ? '' : ', passive: true'}${asn === plan.asn ? '' : ', transit: true'} }`,
  )
  .join('\n')}
`;

export const gingham: Contestant = {
  name: 'Gingham',
  version: () => versionBy(process.execPath, [PROGRAM, 'version'], /(\d+\.\d+\.\d+\S*)/),
  commands: (plan, folder) => {
    fs.writeFileSync(`${folder}/gingham.yaml`, configuration(plan, folder));
    // For a look inside: BENCH_NODE_OPTIONS=--cpu-prof and the like.
    const options = (process.env['BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((o) => o !== '');
    return [{ argv: [process.execPath, ...options, PROGRAM, 'node', '--config', `${folder}/gingham.yaml`] }];
  },
};
