import { suggest } from '../../config/suggest.ts';
import { toListJson } from '../../control/json.ts';
import { formatPeer } from '../../control/peer-text.ts';
import { formatPeers } from '../../control/text.ts';
import type { PeerView } from '../../control/views-of-peers.ts';
import { ask, INSPECT_OPTIONS, nodeName, rowsOf, textOptions, wantsJson } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';

export const peers: CommandRow = {
  path: ['peers'],
  summary: 'BGP peers: state, since when, routes, and why one is down',
  args: [['[peer]', 'name or address: everything about this one']],
  options: INSPECT_OPTIONS,
  examples: ['gingham peers', 'gingham peers node2', 'gingham peers -o json'],
  run,
};

async function run(call: Call): Promise<number> {
  const [wanted] = call.args;
  const all = await ask(call, async (client) => ({ list: await client.peers(), node: await nodeName(call, client) }));
  const known = rowsOf({ ...all, answers: all.answers.map((a) => ({ ...a, view: a.view.list })) });
  const rows =
    wanted === undefined ? known : known.filter(({ view }) => view.name === wanted || view.address === wanted);
  if (wanted !== undefined && rows.length === 0)
    throw new CommandError(
      EXIT.notFound,
      noSuchPeer(
        wanted,
        known.map((r) => r.view),
      ),
    );
  if (wantsJson(call))
    print(call.terminal, [
      toListJson('PeerList', rows, call.terminal.now(), all.many ? undefined : all.answers[0]?.view.node),
    ]);
  else if (wanted === undefined || all.many) print(call.terminal, formatPeers(rows, textOptions(call)));
  else
    for (const { view } of rows) print(call.terminal, formatPeer(view, call.terminal.now(), textOptions(call).paint));
  return all.exitCode;
}

const MOST_NAMES = 20;

function noSuchPeer(wanted: string, known: readonly PeerView[]): string {
  const names = [...new Set(known.map((p) => p.name))];
  const meant = suggest(wanted, names);
  const hint =
    meant === undefined ? `Its peers: ${names.slice(0, MOST_NAMES).join(', ') || 'none'}.` : `Did you mean ${meant}?`;
  return `there is no peer "${wanted}". ${hint}`;
}
