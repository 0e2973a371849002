/** Puts the CNI executable and the network configuration on a node, and takes them away. Not pure: files of the host.
 *  Order is all: libraries are looked for before anything is written, the executable comes whole under its name, and the
 *  configuration comes last, because with it the runtime calls itself ready. The way back is the same list backwards. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Reason } from '../base/reason.ts';
import { confListText, isOurConfList } from './conf-list.ts';
import { readElfNeeds } from './elf.ts';
import { missingOnHost } from './host-libraries.ts';
import { writeWhole } from './whole-file.ts';

/** "type" of the network configuration, so also the file's name. */
export const EXECUTABLE = 'gingham';
/** Before 10-calico.conflist and 10-flannel.conflist: the runtime takes the first by name. */
export const CONF_LIST = '05-gingham.conflist';
const PORTMAP = 'portmap';
const START_MS = 10_000;

export interface InstallOptions {
  /** The CNI executable to copy. */
  readonly executable: string;
  /** The host's folders, as this process sees them. */
  readonly binDir: string;
  readonly confDir: string;
  /** The host's /usr; absent: what the executable is linked with is not looked for. */
  readonly hostUsrDir?: string;
  readonly socket: string;
  readonly log: (text: string) => void;
}

/** What keeps the node from being installed; empty when all is in place. Idempotent. */
export async function installCni(options: InstallOptions): Promise<readonly Reason[]> {
  const problems = checkExecutable(options);
  if (problems.length > 0) return problems;
  const broken = await placeExecutable(options);
  if (broken !== undefined) return [broken];
  await placeConfList(options);
  return [];
}

function checkExecutable({ executable, hostUsrDir, log }: InstallOptions): readonly Reason[] {
  const needs = readElfNeeds(fs.readFileSync(executable));
  if (needs === undefined) {
    log(`${executable} is not an ELF file: what it needs of the host is not checked`);
    return [];
  }
  if (hostUsrDir === undefined) return [];
  const problems = missingOnHost(needs, hostUsrDir);
  if (problems.length === 0)
    log(`the host has the loader and ${needs.libraries.length} libraries of the CNI executable`);
  return problems;
}

/** Copies beside the name, starts the copy once, and only then renames: no pod ever meets half a file. */
async function placeExecutable({ executable, binDir, log }: InstallOptions): Promise<Reason | undefined> {
  const target = path.join(binDir, EXECUTABLE);
  if (sameContent(executable, target)) {
    log(`${target} is current`);
    return undefined;
  }
  const temporary = path.join(binDir, `.${EXECUTABLE}.${process.pid}.tmp`);
  try {
    fs.copyFileSync(executable, temporary);
    fs.chmodSync(temporary, 0o755);
    const fault = await tryVersion(temporary);
    if (fault !== undefined)
      return {
        code: 'CNI_EXECUTABLE_FAILS',
        text: `${temporary}, a copy of ${executable}, does not answer CNI's VERSION: ${fault}. Check free space and the noexec option of the file system of ${binDir}.`,
      };
    fs.renameSync(temporary, target);
    log(`${target} installed`);
    return undefined;
  } finally {
    fs.rmSync(temporary, { force: true });
  }
}

/** VERSION is answered without the daemon. The environment is bare: NODE_OPTIONS and the like are not the plugin's. */
const tryVersion = (file: string): Promise<string | undefined> =>
  new Promise((done) => {
    const child = execFile(
      file,
      { env: { CNI_COMMAND: 'VERSION', PATH: process.env.PATH ?? '' }, timeout: START_MS },
      (error, stdout) => {
        if (error !== null) done(error.message);
        else
          done(stdout.includes('supportedVersions') ? undefined : `it printed ${JSON.stringify(stdout.slice(0, 80))}`);
      },
    );
    child.stdin?.on('error', () => {}); // it reads none for VERSION
    child.stdin?.end('{}');
  });

async function placeConfList({ binDir, confDir, socket, log }: InstallOptions): Promise<void> {
  const target = path.join(confDir, CONF_LIST);
  const portmap = fs.existsSync(path.join(binDir, PORTMAP));
  const text = confListText({ socket, portmap });
  if (readText(target) === text) log(`${target} is current`);
  else {
    await writeWhole(target, text);
    log(`${target} written${portmap ? '' : `; ${binDir} has no portmap, so hostPort does not work`}`);
  }
  const others = fs.readdirSync(confDir).filter((name) => /\.(?:conf|conflist|json)$/.test(name) && name < CONF_LIST);
  for (const name of others) log(`${path.join(confDir, name)} comes first by name: the runtime will use it, not ours`);
}

/** Only a configuration that is ours by its content: a foreign one under our name is reported and kept. */
export function removeConfList({ confDir }: { readonly confDir: string }): 'removed' | 'absent' | 'foreign' {
  const target = path.join(confDir, CONF_LIST);
  const text = readText(target);
  if (text === undefined) return 'absent';
  if (!isOurConfList(text)) return 'foreign';
  fs.rmSync(target, { force: true });
  return 'removed';
}

/** The executable, and what an install that was killed left beside it. */
export function removeExecutable({ binDir }: { readonly binDir: string }): readonly string[] {
  if (!fs.existsSync(binDir)) return [];
  const ours = fs.readdirSync(binDir).filter((name) => name === EXECUTABLE || /^\.gingham\.\d+\.tmp$/.test(name));
  for (const name of ours) fs.rmSync(path.join(binDir, name), { force: true });
  return ours.map((name) => path.join(binDir, name));
}

function readText(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined; // absent, which is what the callers ask
  }
}

/** 100 MB that are there already need not be written again at every restart. */
function sameContent(a: string, b: string): boolean {
  const [one, two] = [fs.statSync(a), fs.statSync(b, { throwIfNoEntry: false })];
  if (two === undefined || one.size !== two.size || (two.mode & 0o777) !== 0o755) return false;
  const CHUNK = 1 << 20;
  const [left, right] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
  const [x, y] = [fs.openSync(a, 'r'), fs.openSync(b, 'r')];
  try {
    for (let at = 0; at < one.size; at += CHUNK) {
      const read = fs.readSync(x, left, 0, CHUNK, at);
      if (fs.readSync(y, right, 0, CHUNK, at) !== read) return false;
      if (!left.subarray(0, read).equals(right.subarray(0, read))) return false;
    }
    return true;
  } finally {
    fs.closeSync(x);
    fs.closeSync(y);
  }
}
