/** BIRD 2: gateways are direct, since all peers are on the link; nothing is logged but errors. */
import fs from 'node:fs';
import { type Contestant, type Plan, versionBy } from './peer.ts';

const configuration = (plan: Plan): string => `
log stderr { error, fatal, bug };
router id ${plan.address};
protocol device { scan time 60; }
${plan.kernel ? 'protocol kernel { scan time 600; ipv4 { import none; export where source = RTS_BGP; }; }' : ''}
template bgp peer {
  local ${plan.address} as ${plan.asn};
  ${plan.dials ? 'connect delay time 0; connect retry time 1;' : 'passive on;'}
  error wait time 1, 1;
  hold time ${plan.holdTimeSec}; direct;
  ipv4 { import all; export all; next hop self; gateway direct; };
}
${plan.neighbors.map(({ address, asn }, i) => `protocol bgp p${i} from peer { neighbor ${address} as ${asn}; }`).join('\n')}
`;

export const bird: Contestant = {
  name: 'BIRD',
  version: () => versionBy('bird', ['--version'], /version (\S+)/),
  commands: (plan, folder) => {
    fs.writeFileSync(`${folder}/bird.conf`, configuration(plan));
    return [{ argv: ['bird', '-f', '-c', `${folder}/bird.conf`, '-s', `${folder}/bird.ctl`] }];
  },
  listing: (folder) => ['birdc', '-s', `${folder}/bird.ctl`, 'show', 'route'],
};
