// needs: root ip bird
/** BGPFilters at random over routes at random: does BIRD, with the function that Calico writes for it, decide as we do, and do
 *  the routes look alike afterwards? The routes come to BIRD over a real session; a pipe with the filter on it leads into a
 *  table for each question. */
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IpPrefix, parseIpPrefix } from '../../../src/base/ip.ts';
import { type Ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { IPV4_UNICAST, IPV6_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { filterPolicy, readBgpFilter } from '../../../src/cluster/bgp-filter.ts';
import { decidedByText } from '../../../src/model/policy.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import { judgeOf } from '../../../src/policy/judge.ts';
import type { JsonObject } from '../../../src/store/port.ts';
import { makeNamespaces, type Namespaces } from '../../support/namespaces.ts';
import { type Bird, type Speakers, speakersIn } from '../../support/speaker.ts';
import { chance } from '../decision/candidate-sets.ts';
import { attributesOf, OurSpeaker, viewOf } from '../matrix/our-speaker.ts';
import { eventually } from '../matrix/place.ts';
import { asPathText, type RouteView } from '../matrix/route-view.ts';
import {
  ASNS,
  birdFunction,
  COMMUNITIES,
  LARGE,
  LOCAL_PREFS,
  oneOf,
  PROLOGUE,
  randomPrefix,
  randomRules,
} from './calico-bird.ts';

const SEED = Number(process.env.SEED ?? 20_261_122);
const FILTERS = 40;
const ROUTES = 300;
const STATICS = 30;
const AS = 64512;
const BIRD = '10.9.0.2';
const US = '10.9.0.1';
const FAMILIES = ['ipv4', 'ipv6'] as const;
type Family = (typeof FAMILIES)[number];

const random = chance(SEED);
const some = <T>(list: readonly T[]): readonly T[] => list.filter(() => random() < 0.3);

function routes(family: Family): readonly RouteView[] {
  const made = new Map<string, RouteView>();
  for (let i = 0; i < ROUTES * 20 && made.size < ROUTES / 2; i++) {
    const prefix = randomPrefix(random, family === 'ipv6');
    made.set(prefix, {
      prefix,
      origin: 'igp',
      asPath: Array.from({ length: Math.floor(random() * 4) }, () => oneOf(random, ASNS)).join(' '),
      nextHop: family === 'ipv6' ? 'fd00:9::1' : US,
      localPref: oneOf(random, LOCAL_PREFS),
      communities: some(COMMUNITIES),
      largeCommunities: some(LARGE),
    });
  }
  return [...made.values()];
}
const LEARNED: Readonly<Record<Family, readonly RouteView[]>> = { ipv4: routes('ipv4'), ipv6: routes('ipv6') };

/** Prefixes of BIRD's own: routes that no peer announced. */
const OWN: Readonly<Record<Family, readonly string[]>> = {
  ipv4: Array.from({ length: STATICS }, (_, i) => `11.${i}.0.0/16`),
  ipv6: Array.from({ length: STATICS }, (_, i) => `2001:db9:${(i + 1).toString(16)}::/48`),
};

interface Question {
  readonly name: string;
  readonly family: Family;
  readonly rules: readonly JsonObject[];
  readonly sameAs: boolean;
}
const QUESTIONS: readonly Question[] = Array.from({ length: FILTERS }, (_, i) =>
  FAMILIES.flatMap((family) => {
    const rules = randomRules(random, family === 'ipv6');
    return [true, false].map((sameAs) => ({ name: `${family}_${i}_${sameAs ? 'i' : 'e'}`, family, rules, sameAs }));
  }),
).flat();

const birdConf = `
log stderr all;
router id ${BIRD};
protocol device {}
protocol direct { ipv4; ipv6; }
${FAMILIES.map((f) => `protocol static s_${f} { ${f}; ${OWN[f].map((p) => `route ${p} via "v0";`).join(' ')} }`).join('\n')}
${QUESTIONS.map(
  ({ name, family, rules, sameAs }) => `
${family} table t_${name};
${birdFunction(`f_${name}`, rules, family === 'ipv6')}
protocol pipe p_${name} {
  table master${family === 'ipv6' ? 6 : 4}; peer table t_${name}; import none;
  export filter { if (source = RTS_DEVICE) then reject; ${PROLOGUE}
    f_${name}(${sameAs}); accept; };
}`,
).join('\n')}
protocol bgp feed {
  local ${BIRD} as ${AS}; neighbor ${US} as ${AS}; passive on; direct;
  ipv4 { import all; export none; gateway direct; };
  ipv6 { import all; export none; gateway direct; };
}`;

let namespaces: Namespaces;
let speakers: Speakers;
let bird: Bird;
let us: OurSpeaker;

beforeAll(async () => {
  namespaces = makeNamespaces('fb');
  speakers = speakersIn(namespaces);
  namespaces.ip('d', `link add v0 type veth peer name v0 netns ${namespaces.name('s')}`);
  for (const side of ['d', 's']) namespaces.ip(side, 'link set v0 up');
  namespaces.ip('d', `addr add ${BIRD}/24 dev v0`);
  namespaces.ip('s', `addr add ${US}/24 dev v0`);
  namespaces.ip('d', 'addr add fd00:9::2/64 dev v0 nodad');
  namespaces.ip('s', 'addr add fd00:9::1/64 dev v0 nodad');
  bird = await speakers.bird('d', birdConf);
  us = new OurSpeaker(namespaces.path('s'), {
    localAsn: AS,
    peerAsn: AS,
    bgpIdentifier: parseIpv4(US) as Ipv4,
    localAddress: parseIpv4(US) as Ipv4,
    peerAddress: parseIpv4(BIRD) as Ipv4,
    peerPort: 179,
    passive: false,
    holdTimeSec: 90,
    connectRetrySec: 1,
    families: [IPV4_UNICAST, IPV6_UNICAST],
  });
  us.session.start();
  await eventually('the session is up', () => us.agreed !== undefined);
  us.announce(...LEARNED.ipv4, ...LEARNED.ipv6);
  const wanted = LEARNED.ipv4.length + LEARNED.ipv6.length;
  await eventually(`BIRD has ${wanted} routes`, () => countOf() === wanted);
});
afterAll(async () => {
  us?.close();
  await speakers.remove();
  namespaces.remove();
});
const countOf = (): number =>
  FAMILIES.reduce((sum, f) => {
    const table = `master${f === 'ipv6' ? 6 : 4}`;
    return (
      sum +
      Number(/^(\d+) of/m.exec(bird.birdc('show', 'route', 'table', table, 'protocol', 'feed', 'count'))?.[1] ?? 0)
    );
  }, 0);

/** What a route looks like behind the filter, in the same words from either side. */
interface Outcome {
  readonly asPath: string;
  readonly communities: readonly string[];
  readonly large: readonly string[];
  readonly localPref: number;
}

function birdsAnswer({ name }: Question): ReadonlyMap<string, Outcome> {
  const text = bird.birdc('show', 'route', 'table', `t_${name}`, 'all');
  const blocks = text.split(/^(?=[0-9a-f.:]+\/\d+ )/m).filter((block) => /^[0-9a-f.:]+\/\d+ /.test(block));
  return new Map(
    blocks.map((block) => {
      const of = (attribute: string): string =>
        new RegExp(`^\\tBGP\\.${attribute}: ?(.*)$`, 'm').exec(block)?.[1]?.trim() ?? '';
      const list = (attribute: string): readonly string[] =>
        [...of(attribute).matchAll(/\(([^)]*)\)/g)].map((m) => (m[1] ?? '').split(/,\s*/).join(':')).sort();
      return [
        block.slice(0, block.indexOf(' ')),
        {
          asPath: asPathText(of('as_path')),
          communities: list('community'),
          large: list('large_community'),
          localPref: Number(of('local_pref')),
        },
      ];
    }),
  );
}

function ourAnswer({ rules, family, sameAs }: Question): {
  readonly accepted: ReadonlyMap<string, Outcome>;
  readonly by: ReadonlyMap<string, string>;
} {
  const filter = readBgpFilter({
    metadata: { name: 'f' },
    spec: { [family === 'ipv6' ? 'exportV6' : 'exportV4']: rules },
  });
  expect(filter.problems).toEqual([]);
  const policy = filterPolicy(filter, 'export', sameAs ? 'ibgp' : 'ebgp');
  const judge = judgeOf(policy);
  const accepted = new Map<string, Outcome>();
  const by = new Map<string, string>();
  const own: readonly (readonly [string, PathAttributes])[] = OWN[family].map((p) => [
    p,
    { origin: 'igp', asPath: [] },
  ]);
  const learned = LEARNED[family].map((view) => [view.prefix, attributesOf(view)] as const);
  for (const [source, list] of [['local', own] as const, ['ibgp', learned] as const])
    for (const [text, attributes] of list) {
      const prefix = parseIpPrefix(text) as IpPrefix;
      const verdict = evaluate(policy, { ...prefix, attributes, source, interface: 'v0' });
      const quick = judge
        .forSet(attributes, source, { isIpv6: family === 'ipv6' })
        .verdict(judge.classOf(prefix.address, prefix.length), { interface: 'v0' });
      expect(isDeepStrictEqual(quick, verdict), `${text} ${JSON.stringify(rules)}`).toBe(true);
      by.set(text, decidedByText(verdict.by));
      if (verdict.kind === 'reject') continue;
      const view = viewOf(
        { family: family === 'ipv6' ? IPV6_UNICAST : IPV4_UNICAST, prefix, bytes: new Uint8Array() },
        verdict.attributes,
      );
      accepted.set(text, {
        asPath: view.asPath,
        communities: [...(view.communities ?? [])].sort(),
        large: [...(view.largeCommunities ?? [])].sort(),
        // Of our own routes the peer's settings say it, where no rule does.
        localPref: view.localPref ?? 2147482623,
      });
    }
  return { accepted, by };
}

test(`${FILTERS} random BGPFilters of each family, for iBGP and eBGP: BIRD lets the same routes pass as we do, and leaves them alike`, () => {
  const differences: string[] = [];
  let passed = 0;
  let asked = 0;
  for (const question of QUESTIONS) {
    const birds = birdsAnswer(question);
    const ours = ourAnswer(question);
    asked += ours.by.size;
    passed += ours.accepted.size;
    for (const prefix of new Set([...birds.keys(), ...ours.accepted.keys()])) {
      const [theirs, here] = [birds.get(prefix), ours.accepted.get(prefix)];
      if (JSON.stringify(theirs) !== JSON.stringify(here))
        differences.push(
          `${prefix}: BIRD ${JSON.stringify(theirs)}, we ${JSON.stringify(here)} by ${ours.by.get(prefix)}: ${JSON.stringify(question)} ${JSON.stringify(LEARNED[question.family].find((r) => r.prefix === prefix))}`,
        );
    }
  }
  expect(differences.slice(0, 5), `seed ${SEED}, ${differences.length} of ${asked}`).toEqual([]);
  // Neither always nor never: the questions mean something.
  expect(passed).toBeGreaterThan(asked / 10);
  expect(passed).toBeLessThan((asked * 9) / 10);
});
