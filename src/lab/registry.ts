/** Which labs run here, by files of this user: DIR/NAME/lab.json. Not pure: it reads, writes and removes that folder.
 *  A lab lives exactly as long as its supervisor, so a record whose process is gone (or whose number another process has
 *  by now) is a leftover of a kill -9 and is swept by whoever comes next. */
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

const node = z.object({
  name: z.string(),
  kind: z.enum(['gingham', 'bird']),
  address: z.string(),
  /** Control socket; a BIRD node's is birdc's. */
  socket: z.string(),
  /** Network namespace, as a path inside the lab's mount namespace. */
  netns: z.string(),
});
const pod = z.object({ name: z.string(), node: z.string(), address: z.string(), netns: z.string() });
const record = z.object({
  name: z.string(),
  /** The supervisor, as the host sees it. */
  pid: z.number().int(),
  /** Its start in clock ticks since boot: tells it from a later process of the same number. */
  startTime: z.string(),
  user: z.number().int(),
  /** Made in a user namespace: entering it needs that one too. */
  userNamespace: z.boolean(),
  ready: z.boolean(),
  encap: z.enum(['ipip', 'vxlan', 'none']),
  startedAt: z.string(),
  nodes: z.array(node),
  pods: z.array(pod),
});

export type LabRecord = z.infer<typeof record>;
export type LabNodeRecord = z.infer<typeof node>;
export type LabPodRecord = z.infer<typeof pod>;

const uid = (): number => process.getuid?.() ?? 0;

/** Where this user's labs are kept. Root's are not below XDG_RUNTIME_DIR, which sudo may leave pointing at another's. */
export function labsDir(): string {
  const runtime = process.env['XDG_RUNTIME_DIR'];
  if (uid() === 0) return '/run/gingham-lab';
  return runtime ? path.join(runtime, 'gingham') : `/tmp/gingham-${uid()}`;
}

export const labDir = (name: string): string => path.join(labsDir(), name);

/** Makes the folder of all labs, private to the user. /tmp is everybody's: a folder of another owner is refused. */
export function makeLabsDir(): void {
  const dir = labsDir();
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const found = fs.lstatSync(dir);
  if (!found.isDirectory() || found.uid !== uid()) {
    throw new Error(`${dir} is not a folder of user ${uid()}. Remove it, or set XDG_RUNTIME_DIR to a folder of yours.`);
  }
}

/** Clock ticks since boot at which the process started, or undefined when there is none or it is a zombie. proc(5) */
export function processStart(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name is in parentheses and may hold both blanks and parentheses: count from the last one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export const isAlive = (lab: LabRecord): boolean => processStart(lab.pid) === lab.startTime;

/** The record, whatever became of its process; undefined when there is none that can be read. */
export function readLab(name: string): LabRecord | undefined {
  try {
    return record.parse(JSON.parse(fs.readFileSync(path.join(labDir(name), 'lab.json'), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Readers see the old record or the new one, never half of it. */
export function writeLab(dir: string, lab: LabRecord): void {
  const file = path.join(dir, 'lab.json');
  fs.writeFileSync(`${file}.new`, `${JSON.stringify(lab, null, 2)}\n`);
  fs.renameSync(`${file}.new`, file);
}

/** Removes a lab's folder, and the folder of all labs when it was the last. */
export function removeLab(dir: string): void {
  fs.rmSync(dir, { recursive: true, force: true });
  try {
    fs.rmdirSync(path.dirname(dir));
  } catch {
    // Another lab is in it.
  }
}

/** Takes a name: makes its folder, or says who has it. The taker counts as the lab until its supervisor is on record.
 *  A folder without a living owner is what a kill -9 left, and is swept. */
export function claimLab(name: string): { readonly dir: string } | { readonly clash: string } {
  makeLabsDir();
  const dir = labDir(name);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      fs.mkdirSync(dir, { mode: 0o700 });
      fs.writeFileSync(path.join(dir, 'owner'), `${process.pid} ${processStart(process.pid)}`);
      return { dir };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (isTaken(name)) break;
    removeLab(dir);
    makeLabsDir();
  }
  return {
    clash: `A lab called "${name}" runs already (${dir}). End it with: gingham lab down --lab ${name}; or take another --name.`,
  };
}

function isTaken(name: string): boolean {
  const lab = readLab(name);
  if (lab && isAlive(lab)) return true;
  try {
    const [pid, start] = fs.readFileSync(path.join(labDir(name), 'owner'), 'utf8').split(' ');
    return processStart(Number(pid)) === start;
  } catch {
    return false;
  }
}

/** Removes what labs left that were killed with everything. */
export function sweepLabs(): void {
  for (const name of names()) if (!isTaken(name)) removeLab(labDir(name));
}

function names(): string[] {
  try {
    return fs.readdirSync(labsDir()).sort();
  } catch {
    return [];
  }
}

/** The running labs of this user, by name. */
export function listLabs(): LabRecord[] {
  return names()
    .map(readLab)
    .filter((lab) => lab !== undefined)
    .filter(isAlive);
}

/** The control socket of a node. Without a lab's name: the only one running, or the one called "gingham"; without a
 *  node's: its first. Undefined when that names nothing. */
export function findLabNode(
  lab: string | undefined,
  node: string | undefined,
): { name: string; socket: string } | undefined {
  const found = findLab(lab);
  const hit = found?.nodes.find((n) => n.kind === 'gingham' && (node === undefined || n.name === node));
  return hit && { name: hit.name, socket: hit.socket };
}

export function findLab(name: string | undefined): LabRecord | undefined {
  const running = listLabs();
  if (name !== undefined) return running.find((lab) => lab.name === name);
  return running.length === 1 ? running[0] : running.find((lab) => lab.name === 'gingham');
}
