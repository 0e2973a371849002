/** `npm run bench -- SCENARIO… --peers gingham,bird --runs 5`: scenarios, daemons and rounds, one run after the other. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeArena, removeArenas } from './arena.ts';
import { compileTools, type Tools } from './load.ts';
import { bird } from './peers/bird.ts';
import { installFloor, relayFloor } from './peers/floor.ts';
import { frr } from './peers/frr.ts';
import { gingham } from './peers/gingham.ts';
import { gobgp } from './peers/gobgp.ts';
import { openbgpd } from './peers/openbgpd.ts';
import type { Contestant } from './peers/peer.ts';
import { type Row, type Section, sectionText, withSection } from './report.ts';
import { churn } from './scenarios/churn.ts';
import { fullTable } from './scenarios/full-table.ts';
import { kernelRoutes100k, kernelRoutes500k } from './scenarios/kernel-routes.ts';
import { listing } from './scenarios/listing.ts';
import { manyPeers } from './scenarios/many-peers.ts';
import { mesh200, mesh1000, mesh1000Dialled } from './scenarios/mesh.ts';
import { oneRoute } from './scenarios/one-route.ts';
import type { Figures, Scenario } from './scenarios/scenario.ts';
import { turnOrder } from './statistics.ts';
import { streamFile } from './stream.ts';
import { STREAMS } from './streams.ts';
import { type Watched, watchedRun, watchedText } from './watched-run.ts';

const SCENARIOS: readonly Scenario[] = [
  fullTable,
  manyPeers,
  oneRoute,
  kernelRoutes100k,
  kernelRoutes500k,
  mesh200,
  mesh1000,
  mesh1000Dialled,
  churn,
  listing,
];
const CONTESTANTS: readonly Contestant[] = [gingham, bird, frr, gobgp, openbgpd];
const CACHE = path.resolve('node_modules/.cache/gingham-bench');
const RESULTS = 'bench/RESULTS.md';
const HOLD_SEC = 90;

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly contestants: readonly Contestant[];
  readonly runs: number;
  /** Of those that are neither Gingham nor BIRD: some take minutes for one. */
  readonly otherRuns: number;
  readonly write: boolean;
  readonly watch: boolean;
}

const usage = (why: string): never => {
  console.error(`${why}
npm run bench -- [SCENARIO…] [--peers ${CONTESTANTS.map((c) => c.name.toLowerCase()).join(',')}] [--runs 5] [--others 5] [--dry] [--unwatched]
Scenarios: ${SCENARIOS.map((s) => s.name).join(', ')}. --dry: prints, and leaves ${RESULTS} as it is.
--others: runs of those that are neither Gingham nor BIRD.
--unwatched: without the runs that look at event loop and keepalives.`);
  process.exit(2);
};

function readOptions(): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      peers: { type: 'string' },
      runs: { type: 'string', default: '5' },
      others: { type: 'string' },
      dry: { type: 'boolean', default: false },
      unwatched: { type: 'boolean', default: false },
    },
  });
  const named = <T extends { readonly name: string }>(all: readonly T[], what: string, names: readonly string[]): T[] =>
    names.map((n) => all.find((x) => x.name.toLowerCase() === n.toLowerCase()) ?? usage(`no ${what} "${n}".`));
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) usage(`--runs ${values.runs} is no number of runs.`);
  const otherRuns = Number(values.others ?? runs);
  if (!Number.isInteger(otherRuns) || otherRuns < 0) usage(`--others ${values.others} is no number of runs.`);
  return {
    scenarios: positionals.length === 0 ? SCENARIOS : named(SCENARIOS, 'scenario', positionals),
    contestants: values.peers === undefined ? CONTESTANTS : named(CONTESTANTS, 'daemon', values.peers.split(',')),
    runs,
    otherRuns,
    write: !values.dry,
    watch: !values.unwatched,
  };
}

const stream = (name: string): string =>
  streamFile(path.join(CACHE, 'streams'), name, STREAMS[name] ?? (() => usage(`no stream ${name}.`)));

async function oneRun(scenario: Scenario, contestant: Contestant, tools: Tools): Promise<Figures> {
  const arena = makeArena(tools);
  try {
    return await scenario.run({ arena, contestant, holdSec: HOLD_SEC, stream, settled: () => {} });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)} ${arena.log()}`.trim());
  } finally {
    await arena.remove();
  }
}

const isMain = (c: Contestant): boolean => c === gingham || c === bird || c.floor === true;

async function measure(
  scenario: Scenario,
  { contestants, runs, otherRuns, watch }: Options,
  tools: Tools,
): Promise<Section> {
  const floors = { relay: [relayFloor(tools.floor)], install: [installFloor(tools.floor)], none: [] };
  const able = contestants.filter((c) => c.cannot?.(scenario) === undefined);
  const all = [...able, ...floors[scenario.floor]];
  const rows = new Map(all.map((c) => [c, { runs: [] as Figures[], failures: [] as string[] }]));
  for (let round = 0; round < runs; round++)
    for (const contestant of turnOrder(all, round)) {
      if (round >= otherRuns && !isMain(contestant)) continue;
      const where = `${scenario.name} ${round + 1}/${runs} ${contestant.name}`;
      try {
        const figures = await oneRun(scenario, contestant, tools);
        rows.get(contestant)?.runs.push(figures);
        const said = Object.entries(figures).map(([k, v]) => `${k} ${Number(v.toPrecision(4))}`);
        console.error(`${where}: ${said.join(', ')}`);
      } catch (error) {
        const [why = ''] = String(error).split('\n');
        rows.get(contestant)?.failures.push(`run ${round + 1}: ${why.slice(0, 300)}`);
        console.error(`${where} FAILED: ${String(error)}`);
      }
    }
  const watched: Watched[] = [];
  for (const contestant of contestants.filter((c) => watch && isMain(c) && !c.floor))
    watched.push(await watchedRun(scenario, contestant, tools, stream));
  for (const w of watched) console.error(`${scenario.name} watched: ${JSON.stringify(w)}`);
  return {
    ...scenario,
    remarks: [...absentText(scenario, contestants), ...watchedText(watched)],
    rows: [...rows].map(([c, row]): Row => ({ name: c.name, ...row, ...(c.floor ? { floor: true } : {}) })),
    made: madeBy(scenario, contestants, runs, otherRuns),
  };
}

function absentText(scenario: Scenario, contestants: readonly Contestant[]): string[] {
  const absent = contestants.flatMap((c) => {
    const why = c.cannot?.(scenario);
    return why === undefined ? [] : [`${c.name} (${why})`];
  });
  return absent.length === 0 ? [] : [`Not in this table: ${absent.join(', ')}.`, ''];
}

function madeBy(scenario: Scenario, contestants: readonly Contestant[], runs: number, others: number): string {
  const versions = contestants.map((c) => `${c.name} ${c.version()}`).join(', ');
  const names = contestants.map((c) => c.name.toLowerCase()).join(',');
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ');
  const machine = `${os.cpus().length} × ${os.cpus()[0]?.model ?? ''}, Linux ${os.release().split('-')[0]}`;
  return `\`npm run bench -- ${scenario.name} --peers ${names} --runs ${runs}${others === runs ? '' : ` --others ${others}`}\`, ${date} UTC; ${machine}, Node.js ${process.version}; ${versions}. Load average at the end: ${os.loadavg()[0]?.toFixed(1)}.`;
}

/** A signal, or the end of whoever started us: nothing of a run stays. */
function cleanUpAtTheEnd(tools: Tools): void {
  const parent = process.ppid;
  const stop = (): void => {
    for (const tool of Object.values(tools)) fs.rmSync(tool, { force: true });
    void removeArenas().finally(() => process.exit(130));
  };
  process.once('SIGINT', stop).once('SIGTERM', stop).once('SIGHUP', stop);
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, 500);
  watch.unref();
}

export async function main(): Promise<void> {
  const options = readOptions();
  if (process.getuid?.() !== 0) usage('The bench makes network namespaces: run it as root.');
  const contestants = options.contestants.filter((c) => c.version() !== undefined);
  for (const c of options.contestants)
    if (!contestants.includes(c)) console.error(`${c.name} is not on this machine: left out`);
  const tools = compileTools(CACHE);
  cleanUpAtTheEnd(tools);
  try {
    for (const scenario of options.scenarios) {
      const section = await measure(scenario, { ...options, contestants }, tools);
      console.log(sectionText(section));
      if (!options.write) continue;
      const before = fs.existsSync(RESULTS) ? fs.readFileSync(RESULTS, 'utf8') : '';
      const order = SCENARIOS.map((s) => s.title);
      fs.writeFileSync(RESULTS, withSection(before, section, order));
    }
  } finally {
    for (const tool of Object.values(tools)) fs.rmSync(tool, { force: true });
  }
}
