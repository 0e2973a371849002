/** FRR: bgpd with zebra beside it, which it needs for interfaces and the kernel. All neighbors are one group, so that they are
 *  packed for once; nothing waits (advertisement interval, coalescing). */
import fs from 'node:fs';
import { type Contestant, type Plan, versionBy } from './peer.ts';

const FOLDER = '/usr/lib/frr';

const configuration = (plan: Plan): string => `hostname bench
router bgp ${plan.asn}
 bgp router-id ${plan.address}
 no bgp default ipv4-unicast
 no bgp ebgp-requires-policy
 no bgp network import-check
 bgp graceful-restart-disable
 coalesce-time 0
 timers bgp ${Math.floor(plan.holdTimeSec / 3)} ${plan.holdTimeSec}
 neighbor all peer-group
 neighbor all advertisement-interval 0
 neighbor all timers connect 1
${plan.dials ? '' : ' neighbor all passive'}
${plan.neighbors.map(({ address, asn }) => ` neighbor ${address} remote-as ${asn}\n neighbor ${address} peer-group all`).join('\n')}
 address-family ipv4 unicast
  neighbor all activate
  neighbor all next-hop-self
 exit-address-family
`;

const LARGE_NETLINK_BUFFER = '33554432';

export const frr: Contestant = {
  name: 'FRR',
  version: () => versionBy(`${FOLDER}/bgpd`, ['--version'], /version (\S+)/),
  commands: (plan, folder) => {
    fs.writeFileSync(`${folder}/bgpd.conf`, configuration(plan));
    fs.writeFileSync(`${folder}/zebra.conf`, 'hostname bench\n');
    const common = ['--vty_socket', folder, '-A', '127.0.0.1', '-P', '0', '-z', `${folder}/zserv.api`];
    const own = (daemon: string): string[] => [
      '-f',
      `${folder}/${daemon}.conf`,
      '-i',
      `${folder}/${daemon}.pid`,
      ...common,
    ];
    return [
      {
        argv: [`${FOLDER}/zebra`, '-s', LARGE_NETLINK_BUFFER, ...own('zebra')],
        ready: () => fs.existsSync(`${folder}/zserv.api`),
      },
      { argv: [`${FOLDER}/bgpd`, '-S', ...(plan.kernel ? [] : ['-n']), '-l', plan.address, ...own('bgpd')] },
    ];
  },
  listing: (folder) => ['vtysh', '--vty_socket', folder, '-c', 'show bgp ipv4 unicast json'],
};
