/** `gingham cni install`: the init container's only work. */
import fs from 'node:fs';
import path from 'node:path';
import { DEFAULT_SOCKET } from '../../cni/protocol.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** The folders where most runtimes look; k3s and others are told by the environment. */
export const CNI_FOLDERS = { binDir: '/opt/cni/bin', confDir: '/etc/cni/net.d' } as const;

export const FOLDER_OPTIONS = [
  { flags: '--bin-dir <dir>', description: `folder of CNI executables ($CNI_BIN_DIR, ${CNI_FOLDERS.binDir})` },
  { flags: '--conf-dir <dir>', description: `folder of CNI configurations ($CNI_CONF_DIR, ${CNI_FOLDERS.confDir})` },
] as const;

export const cniInstall: CommandRow = {
  path: ['cni', 'install'],
  summary: "put the CNI executable and the network's configuration on this node",
  options: [
    ...FOLDER_OPTIONS,
    { flags: '--executable <file>', description: 'the executable to copy (default: beside this program)' },
    { flags: '--host-usr <dir>', description: "the host's /usr, to look for libraries in ($HOST_USR_DIR)" },
    { flags: '--socket <path>', description: "the daemon's CNI socket", default: DEFAULT_SOCKET },
  ],
  examples: ['gingham cni install', 'gingham cni install --bin-dir /usr/libexec/cni'],
  run,
};

async function run(call: Call): Promise<number> {
  const { env } = call.terminal;
  const { installCni } = await import('../../cni/install.ts');
  const hostUsrDir = call.text('hostUsr') ?? env.HOST_USR_DIR;
  const problems = await installCni({
    executable: call.text('executable') ?? besideProgram(),
    ...cniFolders(call),
    ...(hostUsrDir === undefined ? {} : { hostUsrDir }),
    socket: call.text('socket') ?? DEFAULT_SOCKET,
    log: (text) => call.terminal.out(`cni install: ${text}\n`),
  });
  for (const { code, text } of problems) call.terminal.err(`cni install: ${code}: ${text}\n`);
  return problems.length === 0 ? EXIT.ok : EXIT.problem;
}

export function cniFolders(call: Call): { readonly binDir: string; readonly confDir: string } {
  const { env } = call.terminal;
  return {
    binDir: call.text('binDir') ?? env.CNI_BIN_DIR ?? CNI_FOLDERS.binDir,
    confDir: call.text('confDir') ?? env.CNI_CONF_DIR ?? CNI_FOLDERS.confDir,
  };
}

/** The single executable where one was built (the image), else the script, which wants Node.js on the host. */
function besideProgram(): string {
  const folder = path.dirname(fs.realpathSync(process.argv[1] ?? '.'));
  const found = ['gingham-cni', 'gingham-cni.cjs'].map((name) => path.join(folder, name)).find((f) => fs.existsSync(f));
  if (found === undefined)
    throw new CommandError(EXIT.notFound, `no gingham-cni beside ${folder}. Build it, or name it with --executable.`);
  return found;
}
