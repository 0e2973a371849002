/** The built daemon: `gingham node` from dist/. */
import fs from 'node:fs';
import path from 'node:path';
import { type Contestant, type Plan, versionBy } from './peer.ts';

/** BENCH_GINGHAM: another build, to compare two. */
export const PROGRAM = path.resolve(process.env['BENCH_GINGHAM'] ?? 'dist/gingham.js');
const PROBE = path.resolve('bench/engine/loop-probe.mjs');

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

const run = (options: readonly string[], plan: Plan, folder: string, env: Record<string, string> = {}) => {
  fs.writeFileSync(`${folder}/gingham.yaml`, configuration(plan, folder));
  return [{ argv: [process.execPath, ...options, PROGRAM, 'node', '--config', `${folder}/gingham.yaml`], env }];
};

export const gingham: Contestant = {
  name: 'Gingham',
  version: () => versionBy(process.execPath, [PROGRAM, 'version'], /(\d+\.\d+\.\d+\S*)/),
  commands: (plan, folder) => {
    // For a look inside: BENCH_NODE_OPTIONS=--cpu-prof and the like.
    const options = (process.env['BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((o) => o !== '');
    return run(options, plan, folder);
  },
  listing: (folder) => [process.execPath, PROGRAM, 'routes', '-o', 'json', '--socket', `${folder}/control.sock`],
};

const loopFile = (folder: string): string => path.join(folder, 'loop.json');

/** The same with its event loop watched. */
export const watchedGingham: Contestant = {
  ...gingham,
  commands: (plan, folder) => run(['--import', PROBE], plan, folder, { GINGHAM_LOOP_DELAY: loopFile(folder) }),
};

export interface LoopDelay {
  readonly p99: number;
  readonly max: number;
}

/** What the watched daemon writes when asked; undefined as long as it did not. */
export function readLoopDelay(folder: string): LoopDelay | undefined {
  if (!fs.existsSync(loopFile(folder))) return undefined;
  const text = fs.readFileSync(loopFile(folder), 'utf8');
  return text === '' ? undefined : (JSON.parse(text) as LoopDelay);
}
