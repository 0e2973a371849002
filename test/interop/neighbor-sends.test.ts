// needs: root ip bird
/** Settings of a neighbour that decide in which form it is sent routes, in BIRD's words: IPv6 next hops of IPv4 routes, and what
 *  changes under a session that stays. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('ns');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'g', 'b');
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

const bgp = (name: string, local: string, us: string, asn: number, channel: string): string => `
protocol bgp ${name} {
  local ${local} as ${asn}; neighbor ${us} as 65001;
  connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 { ${channel} };
}`;
const BIRD = (rest: string): string => `
log stderr all;
router id 10.9.0.2;
protocol device { scan time 2; }
${rest}`;

interface PeerList {
  readonly items: readonly { readonly name: string; readonly state: string; readonly flaps: number }[];
}
const states = (node: GinghamNode): string =>
  node
    .json<PeerList>('peers')
    .items.map((p) => `${p.name} ${p.state} ${p.flaps}`)
    .sort()
    .join(', ');

test('extendedNextHop: IPv4 routes over an IPv6 session, both ways, and into the kernel (RFC 8950)', async () => {
  for (const [side, last] of [
    ['g', 1],
    ['b', 2],
  ] as const) {
    namespaces.ip(side, `addr add 2001:db8::${last}/64 dev eth0 nodad`);
    namespaces.ip(side, `addr del 10.9.0.${last}/24 dev eth0`);
  }
  const bird = await speakers.bird(
    'b',
    BIRD(`
protocol static { ipv4; route 198.51.100.0/25 unreachable; }
${bgp('gingham', '2001:db8::2', '2001:db8::1', 65002, 'extended next hop on; import all; export where source = RTS_STATIC; next hop self;')}`),
  );
  const node = speakers.gingham(
    'g',
    `
asn: 65001
routerId: 10.9.0.1
listen: { address: '::' }
originate: [192.0.2.0/26]
neighbors: [{ name: bird, address: '2001:db8::2', asn: 65002, extendedNextHop: true, connectRetry: 1 }]`,
  );
  await node.start();
  await until('our route is there', () => bird.birdc('show', 'route', '192.0.2.0/26', 'all').includes('BGP.next_hop'));
  expect(bird.birdc('show', 'route', '192.0.2.0/26', 'all')).toContain('BGP.next_hop: 2001:db8::1');
  await until('its route is in the kernel', () =>
    namespaces.ip('g', 'route').includes('198.51.100.0/25 via inet6 2001:db8::2 dev eth0'),
  );
});

test('a neighbour is sent other attributes and next hops after a reload, and its session stays', async () => {
  for (const last of [2, 3]) {
    if (last !== 2) namespaces.ip('b', `addr add 10.9.0.${last}/24 dev eth0`);
    namespaces.ip('g', `addr add 10.9.0.1${last}/24 dev eth0`);
  }
  const bird = await speakers.bird(
    'b',
    BIRD(`
ipv4 table heard;
protocol static static1 {
  ipv4;
  route 198.51.100.0/25 unreachable { bgp_community.add((65002, 1)); bgp_large_community.add((65002, 1, 2)); };
  route 198.51.100.7/32 unreachable { bgp_community.add((65535, 666)); };
}
${bgp('sender', '10.9.0.2', '10.9.0.12', 65002, 'import none; export filter { if proto != "static1" then reject; bgp_med = 77; accept; }; next hop address 10.9.0.77;')}
${bgp('hearer', '10.9.0.3', '10.9.0.13', 65003, 'table heard; import all; export none;')}`),
  );
  const config = (more: string): string => `
asn: 65001
routerId: 10.9.0.1
neighbors:
  - { name: sender, address: 10.9.0.2, localAddress: 10.9.0.12, asn: 65002, connectRetry: 1 }
  - { name: hearer, address: 10.9.0.3, localAddress: 10.9.0.13, asn: 65003, connectRetry: 1, transit: true${more} }`;
  const node = speakers.gingham('g', config(''));
  await node.start();
  const heard = (): string => bird.birdc('show', 'route', 'table', 'heard', 'all');
  await until('it is passed on', () => heard().includes('198.51.100.0/25'));
  expect(heard()).toContain('BGP.next_hop: 10.9.0.13');
  expect(heard()).toContain('BGP.community: (65002,1)');
  expect(heard()).not.toContain('BGP.med');
  expect(heard()).not.toContain('198.51.100.7/32');
  const before = states(node);

  node.write(
    config(', med: keep, withhold: large, thirdPartyNextHop: true, gracefulShutdown: true, sendBlackhole: true'),
  );
  expect(node.cli('config', 'reload').status).toBe(0);
  await until('BLACKHOLE is passed on', () => heard().includes('198.51.100.7/32'));
  await until('what was sent is sent in its new form', () => heard().includes('BGP.med: 77'));
  expect(heard()).toContain('BGP.community: (65002,1) (65535,0)');
  expect(heard()).toContain('BGP.next_hop: 10.9.0.77\n');
  expect(heard()).not.toMatch(/BGP\.next_hop: 10\.9\.0\.13|large_community/);

  node.write(config(''));
  expect(node.cli('config', 'reload').status).toBe(0);
  await until('all is as it was', () => !/BGP\.med|65535|198\.51\.100\.7|next_hop: 10\.9\.0\.77/.test(heard()));
  expect(heard()).toContain('BGP.large_community: (65002, 1, 2)');
  expect(states(node)).toBe(before);
});
