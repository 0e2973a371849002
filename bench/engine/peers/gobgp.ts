/** GoBGP. It has no way to the kernel of its own. */
import fs from 'node:fs';
import { type Contestant, type Plan, versionBy } from './peer.ts';

const configuration = (plan: Plan): string => `[global.config]
as = ${plan.asn}
router-id = "${plan.address}"
local-address-list = ["${plan.address}"]
${plan.neighbors
  .map(
    ({ address, asn }) => `
[[neighbors]]
[neighbors.config]
neighbor-address = "${address}"
peer-as = ${asn}
[neighbors.transport.config]
local-address = "${plan.address}"
passive-mode = ${!plan.dials}
[neighbors.timers.config]
connect-retry = 1
hold-time = ${plan.holdTimeSec}
keepalive-interval = ${Math.floor(plan.holdTimeSec / 3)}
idle-hold-time-after-reset = 1`,
  )
  .join('\n')}
`;

export const gobgp: Contestant = {
  name: 'GoBGP',
  version: () => versionBy('gobgpd', ['--version'], /version (\S+)/),
  cannot: (plan) => (plan.kernel ? 'no kernel routes without a zebra' : undefined),
  commands: (plan, folder) => {
    fs.writeFileSync(`${folder}/gobgp.toml`, configuration(plan));
    const api = `unix://${folder}/gobgp.sock`;
    return [
      { argv: ['gobgpd', '-f', `${folder}/gobgp.toml`, '--api-hosts', api, '--pprof-disable', '-p', '-l', 'error'] },
    ];
  },
  listing: (folder) => ['gobgp', '--target', `unix://${folder}/gobgp.sock`, 'global', 'rib', '-j'],
};
