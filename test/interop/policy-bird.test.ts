// needs: root ip bird
/** Policies of the node's file against BIRD: what comes in, what goes out, what the kernel drops, and a reload that changes them
 *  under a session that stays. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('pb');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'g', 'b');
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

const BIRD = `
log stderr all;
router id 10.9.0.2;
protocol device {}
protocol static {
  ipv4;
  route 198.51.100.0/25 unreachable { bgp_community.add((65002, 1)); };
  route 198.51.100.128/25 unreachable { bgp_path.prepend(64999); };
  route 203.0.113.0/24 unreachable;
  route 192.0.2.7/32 unreachable { bgp_community.add((65535, 666)); };
}
protocol bgp gingham {
  local 10.9.0.2 as 65002; neighbor 10.9.0.1 as 65001;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}`;
const GINGHAM = (localPref: number, rejected: string): string => `
asn: 65001
routerId: 10.9.0.1
originate: [100.64.0.0/24, 100.64.1.0/24]
prefixLists:
  - { name: unwanted, prefixes: [${rejected}] }
policies:
  - name: from-bird
    rules:
      - { name: unwanted, match: { prefixLists: unwanted }, action: reject }
      - { name: long, match: { asPath: '^65002 64999$' }, action: reject }
      - { match: { communities: { any: '65002:*' } }, set: { localPref: ${localPref} }, action: accept }
    otherwise: accept
  - name: to-bird
    rules:
      - match: { prefixes: 100.64.0.0/24 }
        set: { prepend: { asn: 65009, times: 2 }, addCommunities: [65001:7, '65001:1:2'], med: 50 }
        action: accept
neighbors:
  - { name: bird, address: 10.9.0.2, asn: 65002, connectRetry: 1, import: [blackhole, from-bird], export: to-bird }`;

interface RouteList {
  readonly items: readonly {
    readonly prefix: string;
    readonly localPref?: number;
    readonly reason?: { readonly text: string };
  }[];
}
interface PeerList {
  readonly items: readonly {
    readonly state: string;
    readonly counts?: { readonly received: number };
    readonly flaps: number;
  }[];
}

test('import, export, BLACKHOLE, and a reload that judges anew without a reset', async () => {
  const bird = await speakers.bird('b', BIRD);
  const node = speakers.gingham('g', GINGHAM(300, '203.0.113.0/24'));
  await node.start();
  await until('four routes are heard', () => node.json<PeerList>('peers').items[0]?.counts?.received === 4);
  const kernel = (): string[] =>
    namespaces
      .ip('g', 'route show proto bgp')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.includes('100.64.'))
      .sort();
  await until('the kernel has what the policies leave', () => kernel().length === 2);
  expect(kernel()).toEqual(['198.51.100.0/25 via 10.9.0.2 dev eth0', 'blackhole 192.0.2.7']);
  const localPrefOf = (prefix: string) =>
    node.json<RouteList>('routes').items.find((r) => r.prefix === prefix)?.localPref;
  expect(localPrefOf('198.51.100.0/25')).toBe(300);
  const why = node.cli('why', '203.0.113.0/24').out;
  expect(why).toContain('from-bird#unwanted');
  expect(node.cli('why', '198.51.100.128/25').out).toContain('from-bird#long');

  // Only what the policy accepts goes out, as the policy changes it, in BIRD's words.
  const sent = await until('BIRD has our route', () => {
    const text = bird.birdc('show', 'route', '100.64.0.0/24', 'all');
    return text.includes('BGP.as_path') && text;
  });
  expect(sent).toContain('BGP.as_path: 65001 65009 65009');
  expect(sent).toContain('BGP.community: (65001,7)');
  expect(sent).toContain('BGP.large_community: (65001, 1, 2)');
  expect(sent).toContain('BGP.med: 50');
  expect(bird.birdc('show', 'route', '100.64.1.0/24')).not.toContain('100.64.1.0/24');

  const flaps = node.json<PeerList>('peers').items[0]?.flaps;
  node.write(GINGHAM(400, '198.51.100.0/26'));
  expect(node.cli('config', 'reload').status).toBe(0);
  await until('the new policy is in force', () => localPrefOf('198.51.100.0/25') === 400);
  await until('what is no longer unwanted is in the kernel', () => kernel().length === 3);
  expect(kernel()).toContain('203.0.113.0/24 via 10.9.0.2 dev eth0');
  expect(node.json<PeerList>('peers').items[0]).toMatchObject({ state: 'Established', flaps });
});
