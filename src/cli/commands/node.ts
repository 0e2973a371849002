/** `gingham node`: the daemon itself, and how it leaves. */
import { toObjectJson } from '../../control/json.ts';
import { count } from '../../control/units.ts';
import { OUTPUT_OPTION, TARGET_OPTIONS, wantsJson, withClient } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';
import { oneTarget } from './config.ts';

export const node: CommandRow = {
  path: ['node'],
  summary: 'run the daemon in the foreground; SIGHUP reloads, SIGTERM stops',
  options: [{ flags: '--config <file>', description: 'YAML or JSON; its settings: gingham config settings' }],
  examples: ['gingham node --config /etc/gingham.yaml', 'gingham node drain', 'gingham config check /etc/gingham.yaml'],
  longLived: true,
  run: async (call) => {
    const file = call.text('config');
    if (file === undefined)
      throw new CommandError(EXIT.usage, 'which configuration? Write gingham node --config FILE.');
    const { runNode } = await import('../../daemon/node.ts');
    return runNode(file);
  },
};

export const nodeDrain: CommandRow = {
  path: ['node', 'drain'],
  summary: 'leave the mesh: peers drop our routes at once, then the daemon ends',
  options: [OUTPUT_OPTION, ...TARGET_OPTIONS],
  examples: ['gingham node drain', 'gingham node drain --node node1'],
  run: drain,
};

async function drain(call: Call): Promise<number> {
  const report = await withClient(call, await oneTarget(call), (client) => client.drain());
  if (wantsJson(call)) print(call.terminal, [toObjectJson('DrainReport', report, call.terminal.now())]);
  else
    print(call.terminal, [
      `drained: ${count(report.sessionsClosed, 'session')} closed, ${count(report.routesWithdrawn, 'route')} withdrawn`,
    ]);
  return EXIT.ok;
}
