/** `gingham uninstall`: takes everything of ours off this node, in the order that never strands a pod: refuse while there
 *  are pods, then the configuration (no new pods), then the kernel's part, then files. */
import fs from 'node:fs';
import path from 'node:path';
import type { UninstallReport } from '../../daemon/uninstall.ts';
import type { Call, CommandRow } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { cniFolders, FOLDER_OPTIONS } from './cni-install.ts';

export const uninstall: CommandRow = {
  path: ['uninstall'],
  summary: 'take routes, devices, rules and files of ours off this node; refuses while a pod is on our network',
  options: [
    ...FOLDER_OPTIONS,
    { flags: '--state-dir <dir>', description: "the daemon's stateDir", default: '/run/gingham' },
    {
      flags: '--run-dir <dir>',
      description: "the host's /run, where the folder itself is removed",
      default: '/run',
    },
    { flags: '--check', description: 'only list the pods that are in the way' },
    {
      flags: '--config <file>',
      description: "run the daemon with this configuration until the node's last pod is gone, uninstall then, and stay",
    },
  ],
  examples: ['gingham uninstall', 'gingham uninstall --check', 'gingham uninstall --config /etc/gingham/node.yaml'],
  longLived: true,
  run,
};

async function run(call: Call): Promise<number> {
  const { out, err } = call.terminal;
  const stateDir = call.text('stateDir') ?? '/run/gingham';
  const { installedPods } = await import('../../cni/installed-pods.ts');
  const config = call.text('config');
  if (config !== undefined) {
    const { whenEmpty } = await import('../uninstall-when-empty.ts');
    await whenEmpty({
      daemon: ['node', '--config', config],
      pods: () => installedPods(stateDir),
      closeDoor: () => void takeConfList(call),
      say: (text) => out(`uninstall: ${text}\n`),
    });
    const exit = await takeAll(call, stateDir);
    if (exit === EXIT.ok) await signalled();
    return exit;
  }
  const pods = installedPods(stateDir);
  if (pods.length > 0) {
    err(`uninstall: ${pods.length} pods of this node are on our network and would be cut off; delete or drain them:\n`);
    for (const pod of pods) err(`  ${pod}\n`);
    return EXIT.problem;
  }
  if (call.flag('check')) return EXIT.ok;
  await takeConfList(call);
  return takeAll(call, stateDir);
}

async function takeConfList(call: Call): Promise<void> {
  const { removeConfList } = await import('../../cni/install.ts');
  const { confDir } = cniFolders(call);
  const outcome = removeConfList({ confDir });
  if (outcome !== 'absent')
    call.terminal.out(
      `uninstall: configuration in ${confDir} ${outcome === 'foreign' ? 'is not ours, kept' : outcome}\n`,
    );
}

async function takeAll(call: Call, stateDir: string): Promise<number> {
  const { out, err } = call.terminal;
  const { removeExecutable } = await import('../../cni/install.ts');
  const { uninstallNode } = await import('../../daemon/uninstall.ts');
  const report = await uninstallNode({ stateDir });
  for (const line of told(report)) out(`uninstall: ${line}\n`);
  for (const { code, text } of report.left) err(`uninstall: ${code}: ${text}\n`);
  for (const file of removeExecutable(cniFolders(call))) out(`uninstall: ${file} removed\n`);
  // The records are what a second run works from.
  if (report.left.some(({ code }) => code !== 'ROUTE_NOT_CLAIMED')) return EXIT.problem;
  removeFolders(call.text('runDir') ?? '/run', stateDir);
  out('uninstall: nothing of ours is left on this node\n');
  return EXIT.ok;
}

/** A pod that ended would be started again, and would start a daemon on a clean node. */
const signalled = (): Promise<void> =>
  new Promise((done) => {
    const idle = setInterval(() => {}, 1 << 30);
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        clearInterval(idle);
        done();
      });
  });

const told = ({ routes, devices, forwardRules, settings }: UninstallReport): readonly string[] => [
  ...routes.map((route) => `route ${route} removed`),
  ...devices.map((device) => `device ${device} removed`),
  ...(forwardRules === 0 ? [] : [`${forwardRules} rules of the FORWARD chain removed`]),
  ...settings.map((setting) => `${setting}, as before`),
];

/** In a container the state folder is a mount and cannot be removed at its own path; below the host's /run it can. The
 *  folder of network namespaces goes only when it is empty: it is the runtime's as much as ours. */
function removeFolders(runDir: string, stateDir: string): void {
  fs.rmSync(path.join(runDir, path.basename(stateDir)), { recursive: true, force: true });
  try {
    fs.rmdirSync(path.join(runDir, 'netns'));
  } catch {
    // Not empty, or not there: nothing of ours.
  }
}
