/** OpenBGPD: three processes. Outside OpenBSD it writes no kernel routes. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { type Contestant, type Plan, versionBy } from './peer.ts';

const configuration = (plan: Plan, folder: string): string => `AS ${plan.asn}
router-id ${plan.address}
socket "${folder}/bgpd.sock"
listen on ${plan.address}
fib-update no
holdtime ${plan.holdTimeSec}
holdtime min 3
group "all" {
  local-address ${plan.address}
  announce IPv4 unicast
  announce IPv6 none
  announce restart no
  set nexthop self
${plan.dials ? '' : '  passive'}
${plan.neighbors.map(({ address, asn }) => `  neighbor ${address} { remote-as ${asn} }`).join('\n')}
}
allow from any
allow to any
`;

export const openbgpd: Contestant = {
  name: 'OpenBGPD',
  version: () => versionBy('/usr/sbin/bgpd', ['-V'], /OpenBGPD (\S+)/),
  cannot: (plan) => (plan.kernel ? 'no kernel routes on Linux' : undefined),
  commands: (plan, folder) => {
    fs.writeFileSync(`${folder}/bgpd.conf`, configuration(plan, folder), { mode: 0o600 });
    // Debian's package leaves it to a service to make this one.
    const chroot = spawnSync('getent', ['passwd', '_openbgpd'], { encoding: 'utf8' }).stdout.split(':')[5];
    if (chroot !== undefined) fs.mkdirSync(chroot, { recursive: true });
    return [{ argv: ['/usr/sbin/bgpd', '-d', '-f', `${folder}/bgpd.conf`] }];
  },
  listing: (folder) => ['bgpctl', '-s', `${folder}/bgpd.sock`, '-j', 'show', 'rib'],
};
