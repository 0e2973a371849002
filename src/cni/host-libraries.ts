/** Whether a host has what an executable is linked with, seen through a mount of the host's /usr. Not pure: reads files.
 *  The answer is sound for hosts whose /lib and /lib64 lead into /usr, as every current distribution's do; what is found
 *  nowhere there is named with its remedy, before anything is installed. */
import fs from 'node:fs';
import path from 'node:path';
import type { Reason } from '../base/reason.ts';
import type { ElfNeeds } from './elf.ts';

/** Below /usr; Debian's multiarch folders come on top. */
const FOLDERS = ['lib64', 'lib', 'local/lib', 'local/lib64'];
/** Longer files are read no further: a version's name stands in the string table near the beginning. */
const MOST_BYTES = 64 << 20;

export function missingOnHost(needs: ElfNeeds, usr: string): readonly Reason[] {
  const folders = libraryFolders(usr);
  const problems: Reason[] = [];
  if (needs.loader !== undefined && find(folders, path.basename(needs.loader)) === undefined)
    problems.push({
      code: 'CNI_LOADER_MISSING',
      text: `the CNI executable's loader ${needs.loader} is not on this node: it is built for glibc hosts of this architecture. On a musl host (Alpine) install gcompat or use another distribution.`,
    });
  for (const { name, versions } of needs.libraries) {
    const file = find(folders, name);
    if (file === undefined) {
      problems.push({
        code: 'CNI_LIBRARY_MISSING',
        text: `the CNI executable needs ${name}, which is not on this node. Install it (Debian: apt install ${DEBIAN[name] ?? name}).`,
      });
      continue;
    }
    const missing = missingVersions(file, versions);
    if (missing.length > 0)
      problems.push({
        code: 'CNI_LIBRARY_TOO_OLD',
        text: `${name} of this node lacks ${missing.join(', ')}, which the CNI executable needs. Use a distribution of 2019 or later.`,
      });
  }
  return problems;
}

const DEBIAN: Readonly<Record<string, string>> = {
  'libstdc++.so.6': 'libstdc++6',
  'libgcc_s.so.1': 'libgcc-s1',
  'libatomic.so.1': 'libatomic1',
};

function libraryFolders(usr: string): readonly string[] {
  const multiarch = listing(path.join(usr, 'lib')).filter((name) => name.endsWith('-linux-gnu'));
  return [...multiarch.map((name) => path.join(usr, 'lib', name)), ...FOLDERS.map((name) => path.join(usr, name))];
}

function listing(folder: string): readonly string[] {
  try {
    return fs.readdirSync(folder);
  } catch {
    return []; // a host without this folder keeps its libraries in another
  }
}

/** A link of the host may be absolute (/usr/lib/… or /lib/…): it is followed below our mount, not in our own root. */
function find(folders: readonly string[], name: string): string | undefined {
  return folders
    .map((folder) => path.join(folder, name))
    .find((file) => fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined);
}

function missingVersions(file: string, versions: readonly string[]): readonly string[] {
  let bytes: Buffer;
  try {
    const size = Math.min(fs.statSync(file).size, MOST_BYTES);
    const descriptor = fs.openSync(file, 'r');
    try {
      bytes = Buffer.alloc(size);
      fs.readSync(descriptor, bytes, 0, size, 0);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return []; // an absolute link, or not readable for us: it is there, and more cannot be told
  }
  return versions.filter((version) => !bytes.includes(`\0${version}\0`));
}
