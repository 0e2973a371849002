/** `gingham node`: the daemon itself, and how it leaves. */
import { toObjectJson } from '../../control/json.ts';
import { count } from '../../control/units.ts';
import type { DrainReport } from '../../control/views.ts';
import { OUTPUT_OPTION, TARGET_OPTIONS, wantsJson, withClient } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { parseDuration } from '../durations.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';
import { oneTarget } from './config.ts';

const MS_PER_SECOND = 1000;

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
  summary: 'leave: peers turn to other ways first (GRACEFUL_SHUTDOWN), then sessions and daemon end',
  options: [
    { flags: '--wait <duration>', description: 'from the word to the end (default: 5s)', parse: parseDuration },
    { flags: '--now', description: 'end at once, without a word before' },
    { flags: '--stay', description: 'only the word: the daemon goes on until "gingham node undrain"' },
    OUTPUT_OPTION,
    ...TARGET_OPTIONS,
  ],
  examples: ['gingham node drain', 'gingham node drain --stay', 'gingham node drain --node node1 --wait 1m'],
  run: drain,
};

export const nodeUndrain: CommandRow = {
  path: ['node', 'undrain'],
  summary: 'take a drain back: peers prefer our routes as before',
  options: [OUTPUT_OPTION, ...TARGET_OPTIONS],
  examples: ['gingham node undrain'],
  run: undrain,
};

async function drain(call: Call): Promise<number> {
  const [waitMs, now, stay] = [call.number('wait'), call.flag('now'), call.flag('stay')];
  if ([waitMs !== undefined, now, stay].filter(Boolean).length > 1)
    throw new CommandError(EXIT.usage, '--wait, --now and --stay exclude each other: write one of them.');
  const asked = { ...(waitMs !== undefined && { waitMs }), ...(now && { waitMs: 0 }), stay };
  const report = await withClient(call, await oneTarget(call), (client) => client.drain(asked));
  if (wantsJson(call)) print(call.terminal, [toObjectJson('DrainReport', report, call.terminal.now())]);
  else print(call.terminal, [drainText(report)]);
  return EXIT.ok;
}

function drainText({ sessionsClosed, routesWithdrawn, leavesInMs }: DrainReport): string {
  const [sessions, routes] = [count(sessionsClosed, 'session'), count(routesWithdrawn, 'route')];
  if (leavesInMs === 0) return `drained: ${sessions} closed, ${routes} withdrawn`;
  const then =
    leavesInMs === undefined ? 'until gingham node undrain' : `the daemon leaves in ${leavesInMs / MS_PER_SECOND}s`;
  return `draining: ${sessions} told to prefer other ways for ${routes} (GRACEFUL_SHUTDOWN); ${then}`;
}

async function undrain(call: Call): Promise<number> {
  const report = await withClient(call, await oneTarget(call), (client) => client.undrain());
  if (wantsJson(call)) print(call.terminal, [toObjectJson('UndrainReport', report, call.terminal.now())]);
  else
    print(call.terminal, [
      report.wasDraining
        ? `undrained: ${count(report.sessionsTold, 'session')} told`
        : 'nothing to take back: not draining',
    ]);
  return EXIT.ok;
}
