/** Tries one daemon with all rows of the matrix, and writes its column of src/bgp-js/INTEROP.md. Labs run side by side, a few
 *  at a time; each cell is a test of its own. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { primeThreadPool } from '../../../src/sys/netns.ts';
import { attempt } from '../../support/namespaces.ts';
import { FEATURES, type Feature } from './features.ts';
import { kindText, type Lab, type Life, makeLab, type PairKind } from './lab.ts';
import { type Column, columnOf, withColumn } from './matrix-text.ts';
import type { Absence, PeerDaemon } from './peer-daemon.ts';

const MATRIX = new URL('../../../src/bgp-js/INTEROP.md', import.meta.url);
const KINDS: readonly PairKind[] = [
  { ibgp: false, ipv6: false },
  { ibgp: true, ipv6: false },
  { ibgp: false, ipv6: true },
  { ibgp: true, ipv6: true },
];
const ALL_LIVES: readonly Life[] = ['full', 'guarded', 'old', 'hop6'];
/** GINGHAM_MATRIX=full,old narrows it while one works; the column is not written then. */
const LIVES = ALL_LIVES.filter((life) => process.env['GINGHAM_MATRIX']?.split(',').includes(life) ?? true);
/** More, and two cores are too busy for the daemons' own timers. */
const LABS_AT_ONCE = 4;

interface Cell {
  readonly feature: Feature;
  readonly kind: PairKind;
  readonly result: Promise<void>;
  readonly settle: (error?: unknown) => void;
}

const absenceFor = (daemon: PeerDaemon, feature: Feature, kind: PairKind): Absence | undefined => {
  const absence = daemon.absent[feature.id];
  return absence !== undefined && (absence.only === undefined || absence.only(kind)) ? absence : undefined;
};

export function tryDaemon(daemon: PeerDaemon): void {
  const cells: Cell[] = [];
  /** What the OPEN of its `full` session offered is asked of these. */
  const agreements = new Map<string, Lab['ours']['agreed']>();
  const passed = new Map<string, PairKind[]>();
  const evidence = new Map<string, string>();
  const counterEvidence: string[] = [];
  const trials: { feature: Feature; kind: PairKind; absence: Extract<Absence, { tried: unknown }> }[] = [];
  const keyOf = (life: Life, kind: PairKind): string => `${life} ${kindText(kind)}`;

  for (const feature of FEATURES)
    for (const kind of KINDS) {
      if (feature.only?.(kind) === false || !LIVES.includes(feature.life)) continue;
      const absence = absenceFor(daemon, feature, kind);
      if (absence !== undefined) {
        if ('tried' in absence && !trials.some((t) => t.feature === feature)) trials.push({ feature, kind, absence });
        continue;
      }
      let settle: Cell['settle'] = () => {};
      const result = new Promise<void>((resolve, reject) => {
        settle = (error) => (error === undefined ? resolve() : reject(error));
      });
      result.catch(() => {}); // its test takes it, later
      cells.push({ feature, kind, result, settle });
    }

  /** Its OPEN is evidence, and no other lab of this life may come to see one. */
  const lacking = (life: Life, kind: PairKind): boolean =>
    kind === KINDS[0] && FEATURES.some((f) => f.life === life && 'lacks' in (daemon.absent[f.id] ?? {}));

  const tryAbsences = async (lab: Lab, withoutSession: boolean): Promise<void> => {
    const due = trials.filter((t) => t.feature.life === lab.life && t.kind === lab.kind);
    for (const { feature, kind, absence } of due.filter(
      (t) => (t.absence.withoutSession ?? false) === withoutSession,
    )) {
      try {
        evidence.set(feature.id, `${absence.why}: ${await absence.tried(lab)}`);
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        counterEvidence.push(`${feature.title}, ${kindText(kind)}: ${what}`);
      }
    }
  };

  const runLab = async (life: Life, kind: PairKind): Promise<void> => {
    const mine = cells.filter((c) => c.feature.life === life && c.kind === kind);
    const asked = trials.some((t) => t.feature.life === life && t.kind === kind);
    if (mine.length === 0 && !asked && !lacking(life, kind)) return;
    let lab: Lab | undefined;
    try {
      lab = await makeLab(daemon, kind, life);
      await tryAbsences(lab, true);
      if (mine.length === 0 && trials.some((t) => t.absence.withoutSession && t.kind === kind)) return;
      await lab.up();
      agreements.set(keyOf(life, kind), lab.ours.agreed);
      for (const cell of mine) {
        try {
          await cell.feature.check(lab);
          passed.set(cell.feature.id, [...(passed.get(cell.feature.id) ?? []), kind]);
          cell.settle();
        } catch (error) {
          if (error instanceof Error) error.message += `\n${lab.story()}`;
          cell.settle(error);
          // What comes after it stands on it.
          if (lab.ours.session.state !== 'Established') throw error;
        }
      }
      await tryAbsences(lab, false);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const why = `${daemon.name} ${keyOf(life, kind)}: ${what}`;
      const story = lab === undefined ? '' : `\n${lab.story()}`;
      for (const cell of mine) cell.settle(new Error(`${why}${story}`));
    } finally {
      await lab?.remove();
    }
  };

  let running: Promise<unknown>;
  beforeAll(async () => {
    await primeThreadPool();
    const queue = LIVES.flatMap((life) => KINDS.map((kind) => [life, kind] as const));
    const worker = async (): Promise<void> => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await runLab(...next);
    };
    running = Promise.all(Array.from({ length: LABS_AT_ONCE }, worker));
  });

  for (const feature of FEATURES) {
    const mine = cells.filter((c) => c.feature === feature);
    const absence = daemon.absent[feature.id];
    describe(`${daemon.name}: ${feature.title}`, () => {
      for (const cell of mine) test(kindText(cell.kind), () => cell.result);
      if (absence !== undefined && LIVES.includes(feature.life))
        test(`absent: ${absence.why}`, async () => {
          if ('tried' in absence) {
            await running;
            const against = counterEvidence.filter((c) => c.startsWith(feature.title));
            if (against.length > 0) throw new Error(against.join('; '));
            expect(evidence.get(feature.id)).toBeDefined();
          } else if ('lacks' in absence) {
            await running;
            const agreed = [...agreements].filter(([key]) => key.startsWith(feature.life)).map(([, a]) => a);
            expect(agreed.length).toBeGreaterThan(0);
            for (const one of agreed) expect(one !== undefined && absence.lacks(one)).toBe(true);
            evidence.set(feature.id, absence.why);
          } else evidence.set(feature.id, `${absence.why}: ${proof(daemon, absence)}`);
        });
    });
  }

  afterAll(() => running);

  test.runIf(LIVES.length === ALL_LIVES.length)(
    `${daemon.name}: its column of INTEROP.md is what was found`,
    async () => {
      await running;
      const column: Column = {
        title: `${daemon.name} ${daemon.version()}`,
        cells: Object.fromEntries(FEATURES.map((f) => [f.title, cellText(daemon, f, passed.get(f.id) ?? [])])),
        absences: Object.fromEntries(
          FEATURES.flatMap((f) => {
            const seen = evidence.get(f.id);
            return seen === undefined ? [] : [[f.title, seen]];
          }),
        ),
      };
      const rows = FEATURES.map((f) => f.title);
      expect(Object.entries(column.cells).filter(([, text]) => text.startsWith('failed'))).toEqual([]);
      const committed = fs.existsSync(MATRIX) ? fs.readFileSync(MATRIX, 'utf8') : '';
      // Another version of the daemon may well have more: only the one that was written down is compared.
      const before = columnOf(committed, daemon.name);
      if (process.env['CI'] === 'true' && before !== undefined) {
        if (before.title === column.title) expect(column).toEqual(before);
      } else if (JSON.stringify(before) !== JSON.stringify(column))
        fs.writeFileSync(MATRIX, withColumn(committed, column, rows));
    },
  );
}

function cellText(daemon: PeerDaemon, feature: Feature, passed: readonly PairKind[]): string {
  const applies = KINDS.filter((kind) => feature.only?.(kind) !== false);
  const tried = applies.filter((kind) => absenceFor(daemon, feature, kind) === undefined);
  if (tried.length === 0) return 'absent';
  const failed = tried.filter((kind) => !passed.some((p) => p === kind));
  if (failed.length > 0) return `failed (${failed.map(kindText).join(', ')})`;
  return tried.length === KINDS.length ? 'passed' : `passed (${tried.map(kindText).join(', ')})`;
}

/** Has the program refuse it, or its manual say it; answers the line. Throws when neither does. */
function proof(daemon: PeerDaemon, absence: Exclude<Absence, { lacks: unknown } | { tried: unknown }>): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'matrix-check-'));
  fs.chmodSync(folder, 0o755); // FRR reads as a user of its own
  try {
    if ('manual' in absence) {
      const said = attempt('man', '-P', 'cat', ...absence.manual.split(' '))
        .out.replace(/\s+/g, ' ')
        .match(absence.says)?.[0];
      if (said === undefined) throw new Error(`the manual page ${absence.manual} does not say ${absence.says}`);
      return `\`${absence.manual}\` says "${said}"`;
    }
    const outcome = 'config' in absence ? daemon.check(folder, absence.config) : attempt(...absence.command);
    const said = outcome.out.match(absence.says)?.[0];
    if (said === undefined)
      throw new Error(`${daemon.name} does not say ${absence.says}: ${outcome.out.slice(0, 500)}`);
    const asked = 'config' in absence ? absence.word : absence.command.join(' ');
    return `\`${asked}\` is answered with \`${said.replaceAll('`', "'").trim()}\``;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
