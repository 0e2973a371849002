// needs: root ip bird
/** `gingham node drain` in BIRD's words: who has another way turns to it before the node goes, on eBGP by GRACEFUL_SHUTDOWN and the
 *  receiver's own rule (RFC 8326 4), within an AS by LOCAL_PREF 0. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type Bird, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('nd');
  speakers = speakersIn(namespaces);
  for (const n of [1, 2]) {
    namespaces.ip('b', `link add eth${n} type veth peer name eth0 netns ${namespaces.name(`g${n}`)}`);
    namespaces.ip('b', `addr add 10.9.${n}.254/24 dev eth${n}`);
    namespaces.ip('b', `link set eth${n} up`);
    namespaces.ip(`g${n}`, `addr add 10.9.${n}.1/24 dev eth0`);
    namespaces.ip(`g${n}`, 'link set eth0 up');
  }
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

const ANYCAST = '192.0.2.0/24';
const BIRD = (asn: number): string => `
log stderr all;
router id 10.9.9.9;
protocol device { scan time 2; }
protocol direct { ipv4; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
filter heard {
  if bgp_path.len > 0 && (65535, 0) ~ bgp_community then bgp_local_pref = 0;
  accept;
}
${[1, 2]
  .map(
    (n) => `protocol bgp node${n} {
  local 10.9.${n}.254 as ${asn};
  neighbor 10.9.${n}.1 as 65001;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 { import filter heard; export none; };
}`,
  )
  .join('\n')}`;
const GINGHAM = (n: number, asn: number): string => `
asn: 65001
routerId: 10.9.${n}.1
originate: [${ANYCAST}]
neighbors: [{ name: bird, address: 10.9.${n}.254, asn: ${asn}, connectRetry: 1 }]`;

const way = (): string => namespaces.ip('b', `route show ${ANYCAST}`);
const marked = (bird: Bird, n: number): boolean =>
  bird.birdc('show', 'route', ANYCAST, 'protocol', `node${n}`, 'all').includes('(65535,0)');
const session = (node: GinghamNode) => {
  const [peer] = node.json<{ items: { state: string; flaps: number; stateSince: string }[] }>('peers').items;
  return `${peer?.state} ${peer?.flaps} ${peer?.stateSince}`;
};

const problems = (node: GinghamNode): readonly string[] =>
  node.json<{ problems: { code: string }[] }>('status').problems.map((p) => p.code);

async function twoNodes(asn: number): Promise<{ bird: Bird; nodes: readonly [GinghamNode, GinghamNode] }> {
  const bird = await speakers.bird('b', BIRD(asn));
  const nodes = [speakers.gingham('g1', GINGHAM(1, asn)), speakers.gingham('g2', GINGHAM(2, asn))] as const;
  await Promise.all(nodes.map((node) => node.start()));
  await until('both are heard', () =>
    [1, 2].every((n) => bird.birdc('show', 'route', 'protocol', `node${n}`).includes(ANYCAST)),
  );
  // The lower router id.
  await until('the first is used', () => way().includes('via 10.9.1.1 dev eth1'));
  return { bird, nodes };
}

test.each([
  ['eBGP', 65002],
  ['iBGP', 65001],
])(
  '%s: a drained node is used no more while another has the route, until it is undrained, over its death; no session notices',
  async (_, asn) => {
    const { bird, nodes } = await twoNodes(asn);
    const before = session(nodes[0]);
    expect(nodes[0].cli('node', 'drain', '--stay')).toEqual({
      status: 0,
      out: 'draining: 1 session told to prefer other ways for 1 route (GRACEFUL_SHUTDOWN); until gingham node undrain\n',
    });
    await until('BIRD hears the community', () => marked(bird, 1));
    await until('the other is used', () => way().includes('via 10.9.2.1 dev eth2'));
    expect(marked(bird, 2)).toBe(false);
    expect(nodes[0].cli('status').status).toBe(3);
    expect(problems(nodes[0])).toEqual(['DRAINING']);
    expect(session(nodes[0])).toBe(before);

    // What a drained node learns to originate is marked too.
    nodes[0].write(GINGHAM(1, asn).replace(ANYCAST, `${ANYCAST}, 198.51.100.0/24`));
    expect(nodes[0].cli('config', 'reload').status).toBe(0);
    await until('the new route, marked', () =>
      bird.birdc('show', 'route', '198.51.100.0/24', 'all').includes('(65535,0)'),
    );

    // It says so after its death too, from its first UPDATE on: BIRD keeps the routes meanwhile.
    await nodes[0].stop('SIGKILL');
    await nodes[0].start();
    await until('the session is back', () => session(nodes[0]).startsWith('Established'));
    await until('it says so itself', () => problems(nodes[0]).join() === 'DRAINING');
    expect(marked(bird, 1)).toBe(true);
    expect(way()).toContain('via 10.9.2.1 dev eth2');
    const after = session(nodes[0]);

    expect(nodes[0].cli('node', 'undrain')).toEqual({ status: 0, out: 'undrained: 1 session told\n' });
    await until('the first is used again', () => way().includes('via 10.9.1.1 dev eth1'));
    expect(marked(bird, 1)).toBe(false);
    expect(session(nodes[0])).toBe(after);
    expect(problems(nodes[0])).toEqual([]);
    await nodes[0].stop('SIGKILL');
    await nodes[0].start();
    await until('nothing is left of it', () => problems(nodes[0]).length === 0 && !marked(bird, 1));
    expect(way()).toContain('via 10.9.1.1 dev eth1');
  },
);

test('a node that leaves is first passed over, and its session ends when nobody needs it any more', async () => {
  const { bird, nodes } = await twoNodes(65002);
  expect(nodes[0].cli('node', 'drain', '--wait', '30s').out).toContain('the daemon leaves in 30s');
  await until('the other is used', () => way().includes('via 10.9.2.1 dev eth2'));
  expect(bird.birdc('show', 'protocols', 'node1')).toContain('Established');
  // A second word may be shorter.
  expect(nodes[0].cli('node', 'drain', '--wait', '1s').status).toBe(0);
  await until('the process ended', () => !nodes[0].running());
  expect(bird.birdc('show', 'protocols', 'all', 'node1')).toMatch(/Administrative shutdown/i);
  expect(way()).toContain('via 10.9.2.1 dev eth2');
});
