/** `gingham lab up`, from the options to the exit code. */
import fs from 'node:fs';
import path from 'node:path';
import { ok, type Result } from '../base/result.ts';
import { Front, type Outcome } from './front.ts';
import { claimLab, removeLab } from './machine/registry.ts';
import { checkLabOptions, DEFAULT_LAB, type LabOptions } from './mesh/options.ts';
import { type Preflight, preflight, whyUnshareFailed } from './mesh/preflight.ts';
import { INSIDE_VARIABLE, type Inside, parseInside } from './messages.ts';
import { loadTopology } from './topology/load.ts';
import { painter, wantsColour } from './tour/steps.ts';

const complain = (text: string): void => void process.stderr.write(`${text}\n`);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

export async function up(asked: Partial<LabOptions>): Promise<number> {
  const insideText = process.env[INSIDE_VARIABLE];
  if (insideText !== undefined) {
    const { supervise } = await import('./supervisor.ts');
    // PID 1's end is everybody's end, whatever still waits for something.
    process.exit(await supervise(parseInside(insideText)));
  }
  const startedAt = Date.now();
  const checked = checkLabOptions(asked);
  if (!checked.ok) return misuse(checked.error);
  const withFile = withTopology(checked.value);
  if (!withFile.ok) return misuse(withFile.error);
  const { options, notes } = withFile.value;
  const found = preflight(options);
  if (process.platform !== 'linux') return refuse(found.faults);
  const claim = takeName(options.name);
  if ('clash' in claim) return refuse([...found.faults, claim.clash]);
  try {
    return await run(options, { ...found, warnings: [...found.warnings, ...notes] }, { dir: claim.dir, startedAt });
  } finally {
    // A lab that was detached goes on and needs its folder; every other end is the end of it.
    if (fs.existsSync(claim.dir) && !detached.has(claim.dir)) removeLab(claim.dir);
  }
}

function misuse(faults: readonly string[]): number {
  for (const fault of faults) complain(`gingham lab up: ${fault}`);
  return 2;
}

/** The file is read here, where its faults are the user's, and again inside: its path is what is passed on. It names the
 *  lab unless --name does. */
function withTopology(
  options: LabOptions,
): Result<{ options: LabOptions; notes: readonly string[] }, readonly string[]> {
  if (options.topology === undefined) return ok({ options, notes: [] });
  const topology = path.resolve(options.topology);
  const loaded = loadTopology(topology);
  if (!loaded.ok) return loaded;
  const name = options.name === DEFAULT_LAB.name ? loaded.value.topology.name : options.name;
  const named = checkLabOptions({ ...options, topology, name });
  return named.ok ? ok({ options: named.value, notes: loaded.value.notes }) : named;
}

function takeName(name: string): ReturnType<typeof claimLab> {
  try {
    return claimLab(name);
  } catch (error) {
    return { clash: error instanceof Error ? error.message : String(error) };
  }
}

/** Folders of labs that outlive this process. */
const detached = new Set<string>();

async function run(
  options: LabOptions,
  found: Preflight,
  { dir, startedAt }: { readonly dir: string; readonly startedAt: number },
): Promise<number> {
  const colour = wantsColour(process.stdout.isTTY === true, process.env);
  const user = process.getuid?.() ?? 0;
  const inside: Inside = {
    options,
    dir,
    user,
    startedAt,
    colour,
    command: ownCommand(process.argv[1] ?? '', process.cwd()),
    userNamespace: user !== 0,
    trialOnly: found.faults.length > 0,
    ...(found.bird !== undefined && { birdProgram: found.bird }),
  };
  if (found.unshare === undefined) return refuse(found.faults);
  const paint = painter(colour);
  if (!inside.trialOnly) {
    print(paint('bold', title(options)));
    for (const warning of found.warnings) print(paint('yellow', `  ${warning}`));
  }
  const front = new Front(found.unshare, inside, print);
  const unhook = onSignals(() => {
    print(paint('dim', `\ntaking lab ${options.name} down (again: at once)`));
    front.stop();
  });
  try {
    return conclude(await front.outcome, options, found, dir);
  } finally {
    unhook();
  }
}

function conclude(outcome: Outcome, options: LabOptions, found: Preflight, dir: string): number {
  const root = process.getuid?.() === 0;
  switch (outcome.kind) {
    case 'detached':
      detached.add(dir);
      print(
        `lab ${options.name} goes on in the background; end it with: ${ownCommand(process.argv[1] ?? '', process.cwd())} lab down ${options.name}`,
      );
      return outcome.whole ? 0 : 3;
    case 'ended':
      if (found.faults.length > 0) return refuse(found.faults);
      print(`lab ${options.name} is down, nothing is left of it`);
      return outcome.wasReady || outcome.byItself ? 0 : 130;
    case 'faults':
      return refuse([...found.faults, ...outcome.faults]);
    case 'died':
      complain(`gingham lab up: the lab's supervisor ended unasked. ${outcome.said}`);
      return 1;
    case 'failed':
      complain(`gingham lab up: ${outcome.text}`);
      return 1;
    case 'refused':
      return refuse([...found.faults, ...whyUnshareFailed(outcome.said, root)]);
  }
}

function refuse(faults: readonly string[]): number {
  const [first, ...more] = faults;
  complain(more.length === 0 ? `gingham lab up: ${first}` : `gingham lab up: ${faults.length} things are in the way:`);
  if (more.length > 0) for (const fault of faults) complain(`  - ${fault}`);
  return 1;
}

/** An installed `gingham` is called by that name, a clone's bundle by node. */
export const ownCommand = (script: string, cwd: string): string => {
  if (path.extname(script) === '') return path.basename(script);
  const relative = path.relative(cwd, script);
  return `node ${relative.startsWith('..') ? script : relative}`;
};

function title({ name, nodes, bird, pods, encap, topology }: LabOptions): string {
  if (topology !== undefined) return `lab ${name}: ${topology}`;
  const birds = bird > 0 ? ` and ${bird} BIRD` : '';
  return `lab ${name}: ${nodes} Gingham${birds} nodes, ${pods} pods on each, encapsulation ${encap}`;
}

function onSignals(act: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, act);
  return () => {
    for (const signal of signals) process.off(signal, act);
  };
}
