/** The table of commands, in the order of the help text. Pure. A new command is a file in commands/ and a row here. */
import type { CommandRow } from './command.ts';
import { blocks } from './commands/blocks.ts';
import { cniInstall } from './commands/cni-install.ts';
import { configCheck, configReload, configSettings } from './commands/config.ts';
import { decode } from './commands/decode.ts';
import { exportMrt } from './commands/export-mrt.ts';
import { labDown, labExec, labLs, labUp } from './commands/lab.ts';
import { node, nodeDrain, nodeUndrain } from './commands/node.ts';
import { peers } from './commands/peers.ts';
import { pods } from './commands/pods.ts';
import { routes } from './commands/routes.ts';
import { status } from './commands/status.ts';
import { store } from './commands/store.ts';
import { uninstall } from './commands/uninstall.ts';
import { version } from './commands/version.ts';
import { why } from './commands/why.ts';

export const COMMANDS: readonly CommandRow[] = [
  status,
  peers,
  routes,
  why,
  blocks,
  pods,
  configReload,
  configCheck,
  configSettings,
  decode,
  exportMrt,
  node,
  nodeDrain,
  nodeUndrain,
  cniInstall,
  uninstall,
  store,
  labUp,
  labLs,
  labExec,
  labDown,
  version,
];

/** Commands that only hold others. */
export const GROUPS: Readonly<Record<string, string>> = {
  config: 'check, reload and list settings',
  export: 'the live tables for other programs',
  node: 'the daemon',
  cni: "the container runtime's side",
  lab: 'a cluster in network namespaces on this machine',
};
