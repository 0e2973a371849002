/** The rows of the matrix: what is tried with every daemon, and how. Checks of one life run in this order on one session. */
import { expect } from 'vitest';
import type { Lab, Life, PairKind } from './lab.ts';
import { eventually } from './place.ts';
import { comparable, type RouteAttribute, type RouteView } from './route-view.ts';

export interface Feature {
  readonly id: string;
  readonly title: string;
  readonly life: Life;
  /** Absent: all four pairs. */
  readonly only?: (kind: PairKind) => boolean;
  readonly check: (lab: Lab) => Promise<void>;
}

const feature = (f: Feature): Feature => f;

/** Without what neither side can show of it, and LOCAL_PREF between two ASes, which daemons make up. RFC 4271 5.1.5 */
function shown(lab: Lab, view: RouteView, ...more: readonly RouteAttribute[]): RouteView {
  const hidden = new Set<RouteAttribute>([...lab.driver.hides, ...more]);
  if (!lab.kind.ibgp) hidden.add('localPref');
  return comparable(view, hidden);
}

async function theirView(lab: Lab, prefix: string): Promise<RouteView> {
  const views = await eventually(`${prefix} in ${lab.driver.name}`, async () => {
    const found = await lab.daemon.received(prefix);
    return found.length > 0 && found;
  });
  const [view] = views;
  if (view === undefined) throw new Error(`no ${prefix}`);
  return view;
}

const gone = (lab: Lab, prefix: string): Promise<boolean> =>
  eventually(`${prefix} gone from ${lab.driver.name}`, async () => (await lab.daemon.received(prefix)).length === 0);

const ourView = async (lab: Lab, prefix: string): Promise<RouteView> =>
  (await eventually(`${prefix} from ${lab.driver.name}`, () => lab.ours.heard(prefix)[0])).view;

const seen = (lab: Lab, event: RegExp, what: string, from = 0): Promise<boolean> =>
  eventually(what, () => lab.ours.events.slice(from).some((e) => event.test(e)));

/** Throws with every attribute that differs. */
function same(found: RouteView, expected: RouteView): void {
  const text = (view: RouteView, name: string): string => JSON.stringify(view[name as keyof RouteView]) ?? 'nothing';
  const differing = [...new Set([...Object.keys(found), ...Object.keys(expected)])]
    .filter((name) => text(found, name) !== text(expected, name))
    .map((name) => `${name} is ${text(found, name)}, not ${text(expected, name)}`);
  if (differing.length > 0) throw new Error(`${expected.prefix}: ${differing.join('; ')}`);
}

const LEAVING = 'mending the loom: back at noon ☕';
const THEIR_TEXT = 'changing the shuttle';

export const FEATURES: readonly Feature[] = [
  feature({
    id: 'session',
    title: 'session and End-of-RIB (RFC 4271, 4760, 4724 2)',
    life: 'full',
    check: async (lab) => {
      const { agreed } = lab.ours;
      expect(agreed).toMatchObject({ ibgp: lab.kind.ibgp, peerAsn: lab.plan.theirAsn, holdTimeSec: 90 });
      await seen(lab, /^end of RIB/, 'End-of-RIB');
    },
  }),
  feature({
    id: 'md5',
    title: 'TCP MD5 (RFC 2385)',
    life: 'full',
    check: async (lab) => {
      const sockets = lab.pair.namespaces.sh('ours', "ss -tnHi state established '( sport = :179 or dport = :179 )'");
      expect(sockets).toContain('md5keys');
    },
  }),
  feature({
    id: 'as4',
    title: '4-octet AS numbers (RFC 6793)',
    life: 'full',
    check: async (lab) => {
      expect(lab.ours.agreed?.fourOctetAs).toBe(true);
      lab.ours.announce(lab.plain, lab.rich);
      expect((await theirView(lab, lab.rich.prefix)).asPath).toBe(lab.rich.asPath);
    },
  }),
  feature({
    id: 'our-routes',
    title: 'our routes, every attribute as its output shows it',
    life: 'full',
    check: async (lab) => {
      for (const route of [lab.plain, lab.rich])
        same(shown(lab, await theirView(lab, route.prefix)), shown(lab, route));
    },
  }),
  feature({
    id: 'their-routes',
    title: 'its routes, every attribute as configured',
    life: 'full',
    check: async (lab) => {
      const own = lab.driver.ownRoutes(lab.plan);
      for (const route of [own.plain, own.rich])
        same(comparable(await ourView(lab, route.prefix), new Set(['pathId'])), comparable(route));
    },
  }),
  feature({
    id: 'large-communities',
    title: 'large communities (RFC 8092), both ways',
    life: 'full',
    check: async (lab) => {
      expect((await theirView(lab, lab.rich.prefix)).largeCommunities).toEqual(lab.rich.largeCommunities);
      const { rich } = lab.driver.ownRoutes(lab.plan);
      expect((await ourView(lab, rich.prefix)).largeCommunities).toEqual(rich.largeCommunities);
    },
  }),
  feature({
    id: 'unknown',
    title: 'unknown transitive attribute comes back with the partial bit (RFC 4271 9)',
    life: 'full',
    check: async (lab) => {
      const observer = await lab.observer();
      const heard = await eventually('our rich route at the observer', () => observer.heard(lab.rich.prefix)[0]);
      expect(heard.view.unknown).toEqual(lab.rich.unknown);
      // Optional, transitive, partial; type 99, four octets.
      expect(heard.hex).toMatch(/(e06304|f0630004)01020304/);
    },
  }),
  feature({
    id: 'withdrawal',
    title: 'withdrawal, both ways',
    life: 'full',
    check: async (lab) => {
      const { late } = lab.prefixes.theirs;
      await lab.daemon.announce(late);
      await ourView(lab, late);
      await lab.daemon.withdraw(late);
      await eventually(`${late} withdrawn`, () => lab.ours.heard(late).length === 0);
      lab.ours.withdraw(lab.rich);
      await gone(lab, lab.rich.prefix);
      expect(await lab.daemon.received(lab.plain.prefix)).toHaveLength(1);
      lab.ours.announce(lab.rich);
      await theirView(lab, lab.rich.prefix);
    },
  }),
  feature({
    id: 'refresh-ours',
    title: 'route refresh: we ask (RFC 2918)',
    life: 'full',
    check: async (lab) => {
      const before = lab.ours.events.length;
      expect(lab.ours.session.requestRefresh(lab.ours.config.families?.[0])).toBe(true);
      const { plain } = lab.driver.ownRoutes(lab.plan);
      await seen(lab, new RegExp(`^route ${plain.prefix}$`), 'its routes again', before);
    },
  }),
  feature({
    id: 'refresh-theirs',
    title: 'route refresh: it asks (RFC 2918)',
    life: 'full',
    check: async (lab) => {
      const before = lab.ours.events.length;
      await lab.daemon.refresh();
      await seen(lab, /^refresh request/, 'its request', before);
    },
  }),
  feature({
    id: 'enhanced-refresh-ours',
    title: 'enhanced route refresh: we ask, BoRR and EoRR come (RFC 7313)',
    life: 'full',
    check: async (lab) => {
      expect(lab.ours.agreed?.enhancedRouteRefresh).toBe(true);
      const before = lab.ours.events.length;
      lab.ours.session.requestRefresh(lab.ours.config.families?.[0]);
      await seen(lab, /^refresh begin/, 'BoRR', before);
      await seen(lab, /^refresh end/, 'EoRR', before);
    },
  }),
  feature({
    id: 'enhanced-refresh-theirs',
    title: 'enhanced route refresh: it asks, and drops what is not repeated (RFC 7313)',
    life: 'full',
    check: async (lab) => {
      expect(lab.ours.agreed?.enhancedRouteRefresh).toBe(true);
      lab.ours.forget(lab.plain);
      await lab.daemon.refresh();
      await gone(lab, lab.plain.prefix);
      await theirView(lab, lab.rich.prefix);
      lab.ours.announce(lab.plain);
      await theirView(lab, lab.plain.prefix);
    },
  }),
  feature({
    id: 'add-path-to',
    title: 'ADD-PATH towards it: two paths, two identifiers (RFC 7911)',
    life: 'full',
    check: async (lab) => {
      expect(lab.ours.agreed?.addPath.send).toHaveLength(1);
      const [one, two] = twoPaths(lab);
      lab.ours.announce(one, two);
      const found = await eventually('both paths', async () => {
        const views = await lab.daemon.received(one.prefix);
        return views.length === 2 && views;
      });
      const text = (view: RouteView): string => JSON.stringify(shown(lab, view));
      expect(found.map((v) => v.med).sort()).toEqual([10, 20]);
      if (!lab.driver.hides.has('pathId')) expect(found.map((v) => v.pathId).sort()).toEqual([11, 12]);
      expect(new Set(found.map(text)).size).toBe(2);
      lab.ours.withdraw(one);
      await eventually('one path left', async () => {
        const views = await lab.daemon.received(one.prefix);
        return views.length === 1 && views[0]?.med === 20;
      });
      lab.ours.announce(one);
    },
  }),
  feature({
    id: 'add-path-from',
    title: 'ADD-PATH from it (RFC 7911)',
    life: 'full',
    check: async (lab) => {
      if (!lab.driver.relays) {
        const { twoPaths: own } = lab.prefixes.theirs;
        await eventually('both its paths', () => lab.ours.heard(own).length === 2);
        expect(new Set(lab.ours.heard(own).map((h) => h.view.pathId)).size).toBe(2);
        return;
      }
      const [one, two] = twoPaths(lab);
      const listener = await lab.observer();
      expect(listener.agreed?.addPath.receive).toHaveLength(1);
      lab.ours.announce(one, two);
      const heard = await eventually('both paths at the observer', () => {
        const all = listener.heard(one.prefix);
        return all.length === 2 && all;
      });
      expect(new Set(heard.map((h) => h.view.pathId)).size).toBe(2);
      lab.ours.withdraw(one);
      await eventually('one path withdrawn by its identifier', () => listener.heard(one.prefix).length === 1);
    },
  }),
  feature({
    id: 'extended-messages',
    title: 'extended messages (RFC 8654)',
    life: 'full',
    check: async (lab) => {
      expect(lab.ours.agreed?.extendedMessages).toBe(true);
      const { many } = lab.prefixes.ours;
      lab.ours.announce(...many.map((prefix) => ({ ...lab.plain, prefix })));
      expect(lab.ours.longestSent).toBeGreaterThan(4096);
      for (const prefix of [many[0], many.at(-1)]) await theirView(lab, prefix ?? '');
      const last = lab.prefixes.theirs.many.at(-1) ?? '';
      await ourView(lab, last);
      lab.ours.withdraw(...many.map((prefix) => ({ ...lab.plain, prefix })));
      await gone(lab, many.at(-1) ?? '');
      expect(lab.ours.session.state).toBe('Established');
    },
  }),
  feature({
    id: 'graceful-restart-ours',
    title: 'graceful restart: we restart, it keeps our routes (RFC 4724 4.2)',
    life: 'full',
    check: async (lab) => {
      expect(lab.ours.agreed?.gracefulRestart?.families).toHaveLength(1);
      // A helper may dial us once and then only wait, for as long as it keeps our routes (FRR does): who restarted, dials.
      lab.ours.die();
      await eventually('it sees us go', async () => !(await lab.daemon.established()));
      expect(await lab.daemon.received(lab.plain.prefix)).toHaveLength(1);
      await lab.up();
      await theirView(lab, lab.plain.prefix);
    },
  }),
  feature({
    id: 'graceful-restart-theirs',
    title: 'graceful restart: it restarts, we may keep its routes (RFC 4724 4.1)',
    life: 'full',
    check: async (lab) => {
      const before = lab.ours.events.length;
      const downs = lab.ours.downs.length;
      await lab.daemon.crash();
      const down = await eventually('down', () => lab.ours.downs.slice(downs).find((d) => d.wasEstablished));
      expect(down.keepFamilies).toEqual(lab.ours.config.families);
      await lab.daemon.restart();
      await lab.up();
      expect(lab.ours.agreed?.gracefulRestart).toMatchObject({ restarting: true });
      await seen(lab, /^end of RIB/, 'End-of-RIB after the restart', before);
      await theirView(lab, lab.plain.prefix);
    },
  }),
  feature({
    id: 'shutdown-ours',
    title: 'our shutdown text in its words (RFC 9003)',
    life: 'full',
    check: async (lab) => {
      lab.ours.session.stop({ kind: 'leave', text: LEAVING });
      let heard = '';
      const last = (): string => `our text in: ${heard.slice(-3000)}`;
      await eventually(last, async () => {
        heard = await lab.daemon.heard();
        return heard.includes(LEAVING);
      });
      await eventually('our routes gone', async () => (await lab.daemon.received(lab.plain.prefix)).length === 0);
      await lab.up();
    },
  }),
  feature({
    id: 'shutdown-theirs',
    title: 'its shutdown text in ours (RFC 9003)',
    life: 'full',
    check: async (lab) => {
      const downs = lab.ours.downs.length;
      await lab.daemon.shutDown(THEIR_TEXT);
      const down = await eventually('down', () => lab.ours.downs.slice(downs).find((d) => d.wasEstablished));
      expect(down.received).toMatchObject({ code: 6 });
      expect(down.text).toContain(THEIR_TEXT);
    },
  }),
  feature({
    id: 'gtsm',
    title: 'TTL security, both sides demand it (RFC 5082)',
    life: 'guarded',
    check: async (lab) => {
      lab.ours.announce(lab.plain, lab.rich);
      await theirView(lab, lab.plain.prefix);
      expect(lab.ours.session.state).toBe('Established');
    },
  }),
  feature({
    id: 'role',
    title: 'roles and OTC: it is our provider (RFC 9234)',
    life: 'guarded',
    only: (kind) => !kind.ibgp,
    check: async (lab) => {
      expect(lab.ours.agreed).toMatchObject({ role: 'customer', peerRole: 'provider' });
      const { plain } = lab.driver.ownRoutes(lab.plan);
      expect((await ourView(lab, plain.prefix)).onlyToCustomer).toBe(lab.plan.theirAsn);
    },
  }),
  feature({
    id: 'aigp',
    title: 'AIGP, both ways (RFC 7311)',
    life: 'guarded',
    only: (kind) => kind.ibgp,
    check: async (lab) => {
      expect((await theirView(lab, lab.rich.prefix)).aigp).toBe(lab.rich.aigp);
      const { rich } = lab.driver.ownRoutes(lab.plan);
      expect((await ourView(lab, rich.prefix)).aigp).toBe(1234);
    },
  }),
  feature({
    id: 'long-lived',
    title: 'long-lived graceful restart: our stale routes get LLGR_STALE (RFC 9494)',
    life: 'guarded',
    check: async (lab) => {
      expect(lab.ours.agreed?.longLivedGracefulRestart).toHaveLength(1);
      lab.ours.session.stop({ kind: 'restart' });
      await eventually('LLGR_STALE', async () => {
        const [view] = await lab.daemon.received(lab.plain.prefix);
        return view?.communities?.includes('65535:6') === true;
      });
    },
  }),
  feature({
    id: 'as4-path',
    title: 'an old speaker: AS_TRANS, AS4_PATH and AS4_AGGREGATOR (RFC 6793 4.2)',
    life: 'old',
    check: async (lab) => {
      expect(lab.ours.agreed?.fourOctetAs).toBe(false);
      lab.ours.announce(lab.plain, lab.rich);
      const view = await theirView(lab, lab.rich.prefix);
      const trans = (path: string): string => path.replace(/\b4200000\d\d\d\b/g, '23456');
      // Some merge AS4_PATH even then.
      expect([trans(lab.rich.asPath), lab.rich.asPath]).toContain(view.asPath);
      if (!lab.driver.relays) return;
      // It passes AS4_PATH on as it knows it not; the next who does merges.
      const observer = await lab.observer();
      const heard = await eventually('our rich route at the observer', () => observer.heard(lab.rich.prefix)[0]);
      expect(heard.view.asPath).toBe(`${lab.plan.theirAsn} ${lab.rich.asPath}`);
      expect(heard.view.aggregator).toBe(lab.rich.aggregator);
    },
  }),
  feature({
    id: 'extended-next-hop',
    title: 'IPv4 routes with an IPv6 next hop (RFC 8950)',
    life: 'hop6',
    only: (kind) => kind.ipv6,
    check: async (lab) => {
      expect(lab.ours.agreed?.extendedNextHop).toHaveLength(1);
      lab.ours.announce(lab.plain);
      expect((await theirView(lab, lab.plain.prefix)).nextHop).toBe(lab.plan.ourAddress);
      const { plain } = lab.driver.ownRoutes(lab.plan);
      expect(await ourView(lab, plain.prefix)).toMatchObject({ nextHop: lab.plan.theirAddress });
    },
  }),
];

function twoPaths(lab: Lab): readonly [RouteView, RouteView] {
  const base = { ...lab.plain, prefix: lab.prefixes.ours.twoPaths };
  return [
    { ...base, pathId: 11, med: 10 },
    { ...base, pathId: 12, med: 20 },
  ];
}
