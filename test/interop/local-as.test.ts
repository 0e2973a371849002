// needs: root ip frr
/** An AS of the past towards one neighbor (RFC 7705), in the middle of a line: FRR's `local-as` and our localAs say the same, to
 *  the neighbor that knows the old AS and to the one behind us.
 *
 *    left, AS 65002 --- middle, AS 64512, 64999 towards left --- right, AS 65003 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FrrSpeaker, frrSpeaker } from '../support/frr.ts';
import { lan } from '../support/lan.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

const AT = { left: '10.9.0.2', right: '10.9.0.3', middle: '10.9.0.1' } as const;
const OWN = { left: '203.0.113.0/24', right: '198.51.100.0/24', middle: '192.0.2.0/24' } as const;

let namespaces: Namespaces;
let speakers: Speakers;
let frr: FrrSpeaker | undefined;
beforeEach(() => {
  namespaces = makeNamespaces('las');
  speakers = speakersIn(namespaces);
  frr = undefined;
  lan(namespaces, 'lan', AT);
});
afterEach(async () => {
  await speakers.remove();
  await frr?.remove();
  namespaces.remove();
});

const end = (name: 'left' | 'right', asn: number, middleAsn: number): GinghamNode =>
  speakers.gingham(
    name,
    `asn: ${asn}
routerId: ${AT[name]}
originate: [${OWN[name]}]
neighbors: [{ name: middle, address: ${AT.middle}, asn: ${middleAsn}, connectRetry: 1 }]`,
  );

interface Setting {
  readonly noPrepend: boolean;
  readonly replaceAs: boolean;
}
const ours = ({ noPrepend, replaceAs }: Setting): string => `asn: 64512
routerId: ${AT.middle}
originate: [${OWN.middle}]
neighbors:
  - name: left
    address: ${AT.left}
    asn: 65002
    connectRetry: 1
    transit: true
    localAs: { asn: 64999, noPrepend: ${noPrepend}, replaceAs: ${replaceAs} }
  - { name: right, address: ${AT.right}, asn: 65003, connectRetry: 1, transit: true }`;
const theirs = ({ noPrepend, replaceAs }: Setting): string => `
hostname middle
router bgp 64512
 bgp router-id ${AT.middle}
 no bgp default ipv4-unicast
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor ${AT.left} remote-as 65002
 neighbor ${AT.left} local-as 64999${noPrepend ? ' no-prepend' : ''}${replaceAs ? ' replace-as' : ''}
 neighbor ${AT.right} remote-as 65003
${[AT.left, AT.right].map((at) => ` neighbor ${at} timers connect 1\n neighbor ${at} advertisement-interval 0`).join('\n')}
 address-family ipv4 unicast
  network ${OWN.middle}
  neighbor ${AT.left} activate
  neighbor ${AT.right} activate
 exit-address-family
`;

/** "203.0.113.0/24 64512 64999 65002", in order of prefix. FRR tells a neighbor its own routes too: there they are a loop. */
function paths(node: GinghamNode): readonly string[] {
  const { items } = node.json<{ items: { prefix: string; asPath: string; from: string; best: boolean }[] }>(
    'routes',
    '--all-paths',
  );
  return items.filter((r) => r.from === 'middle' && r.best).map((r) => `${r.prefix} ${r.asPath}`);
}

test.each<[string, Setting, readonly string[], readonly string[]]>([
  [
    'the old AS is in front on both ways',
    { noPrepend: false, replaceAs: false },
    ['192.0.2.0/24 64999 64512', '198.51.100.0/24 64999 64512 65003'],
    ['192.0.2.0/24 64512', '203.0.113.0/24 64512 64999 65002'],
  ],
  [
    'noPrepend: nobody behind us sees the old AS',
    { noPrepend: true, replaceAs: false },
    ['192.0.2.0/24 64999 64512', '198.51.100.0/24 64999 64512 65003'],
    ['192.0.2.0/24 64512', '203.0.113.0/24 64512 65002'],
  ],
  [
    'noPrepend and replaceAs: each side sees one AS of ours',
    { noPrepend: true, replaceAs: true },
    ['192.0.2.0/24 64999', '198.51.100.0/24 64999 65003'],
    ['192.0.2.0/24 64512', '203.0.113.0/24 64512 65002'],
  ],
])(
  '%s, in our words and in FRR’s',
  async (_, setting, toLeft, toRight) => {
    const [left, right] = [end('left', 65002, 64999), end('right', 65003, 64512)];
    await Promise.all([left.start(), right.start()]);
    const middle = speakers.gingham('middle', ours(setting));
    await middle.start();
    const heard = (): string => JSON.stringify([paths(left), paths(right)]);
    const expected = JSON.stringify([toLeft, toRight]);
    await until('both have heard all', () => paths(left).length === 2 && paths(right).length === 2);
    expect(heard()).toBe(expected);

    await middle.stop('SIGKILL');
    await until('we are gone', () => !middle.running());
    for (const node of [left, right]) {
      await node.stop('SIGKILL');
      await node.start();
    }
    frr = frrSpeaker(namespaces, 'middle', theirs(setting));
    await frr.start();
    await until('both have heard all of FRR', () => paths(left).length === 2 && paths(right).length === 2);
    expect(heard()).toBe(expected);
  },
  120_000,
);
