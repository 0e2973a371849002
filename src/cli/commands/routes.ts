import { formatIp, formatIpPrefix } from '../../base/ip.ts';
import type { RoutesAsked } from '../../control/client.ts';
import { listJsonPieces, toListJson } from '../../control/json.ts';
import { formatAdvertised, formatMatch, formatReceived, formatRoutes, type Told } from '../../control/text.ts';
import type { RouteView } from '../../control/views.ts';
import { ask, INSPECT_OPTIONS, nodeName, rowsOf, targetsOf, textOptions, wantsJson, withClient } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';

export const routes: CommandRow = {
  path: ['routes'],
  summary: 'routes: all, those of a prefix, those an address matches, or what a peer said or is told',
  args: [['[ip|cidr]', 'an address (longest match first) or a prefix']],
  options: [
    { flags: '-a, --all-paths', description: 'every path, not only the best ones' },
    { flags: '--received', description: 'with --from: what that peer announced, before and after import policy' },
    { flags: '--from <peer>', description: 'name or address of a peer' },
    { flags: '--advertised', description: 'with --to: what that peer is sent' },
    { flags: '--to <peer>', description: 'name or address of a peer' },
    { flags: '--rejected', description: 'only what import policy rejected, or export policy kept back' },
    { flags: '-4', description: 'IPv4 only' },
    { flags: '-6', description: 'IPv6 only' },
    ...INSPECT_OPTIONS,
  ],
  examples: [
    'gingham routes',
    'gingham routes 10.244.1.7',
    'gingham routes 10.244.1.0/26 -o json',
    'gingham routes --received --from tor-a --rejected',
    'gingham routes --advertised --to tor-a',
  ],
  run,
};

async function run(call: Call): Promise<number> {
  const [text] = call.args;
  const query: RoutesAsked = { ...(text === undefined ? {} : await queryOf(text)), ...filterOf(call) };
  if (wantsJson(call) && text === undefined) {
    const chosen = await targetsOf(call);
    const [only] = chosen.targets;
    if (!chosen.many && only !== undefined) return withClient(call, only, (client) => streamJson(call, client, query));
  }
  const all = await ask(call, async (client) => ({
    list: await client.routes(query),
    node: await nodeName(call, client),
  }));
  const rows = rowsOf({ ...all, answers: all.answers.map((a) => ({ ...a, view: a.view.list })) });
  if (text !== undefined && rows.length === 0) throw new CommandError(EXIT.notFound, notFound(query));
  if (wantsJson(call))
    print(call.terminal, [
      toListJson('RouteList', rows, call.terminal.now(), all.many ? undefined : all.answers[0]?.view.node),
    ]);
  else {
    if (query.address !== undefined && !all.many && call.flag('headers'))
      print(call.terminal, [
        formatMatch(
          query.address,
          rows.map((r) => r.view),
        ),
      ]);
    print(call.terminal, formatFor(query)(rows, textOptions(call)));
  }
  return all.exitCode;
}

type Client = Parameters<Parameters<typeof withClient>[2]>[0];

/** A full table is printed while it comes. */
async function streamJson(call: Call, client: Client, query: RoutesAsked): Promise<number> {
  const pieces = listJsonPieces('RouteList', call.terminal.now(), (await client.status()).node);
  await client.eachRoute(query, (page) => {
    call.terminal.out(pieces.items(page.map((view) => ({ view }))));
  });
  print(call.terminal, [pieces.end()]);
  return EXIT.ok;
}

const formatFor = (
  query: RoutesAsked,
): ((rows: readonly Told<RouteView>[], options: ReturnType<typeof textOptions>) => string[]) =>
  query.receivedFrom !== undefined
    ? formatReceived
    : query.advertisedTo !== undefined
      ? formatAdvertised
      : formatRoutes;

/** The options that say which routes; pairs that belong together are asked for together. */
function filterOf(call: Call): RoutesAsked {
  const [from, to] = [call.text('from'), call.text('to')];
  const usage = (text: string): never => {
    throw new CommandError(EXIT.usage, text);
  };
  if (call.flag('received') && from === undefined) usage('--received wants --from PEER. gingham peers lists them.');
  if (call.flag('advertised') && to === undefined) usage('--advertised wants --to PEER. gingham peers lists them.');
  if (from !== undefined && to !== undefined) usage('ask with --from or with --to, not with both.');
  if (call.flag('rejected') && from === undefined && to === undefined)
    usage('--rejected wants --received --from PEER or --advertised --to PEER.');
  if (call.flag('4') && call.flag('6')) usage('-4 and -6 leave nothing: use one, or neither for both.');
  return {
    ...(from !== undefined && { receivedFrom: from }),
    ...(to !== undefined && { advertisedTo: to }),
    ...(call.flag('4') && { family: 'ipv4' as const }),
    ...(call.flag('6') && { family: 'ipv6' as const }),
    allPaths: call.flag('allPaths'),
    rejectedOnly: call.flag('rejected'),
  };
}

const notFound = (query: RoutesAsked): string => {
  const peer = query.receivedFrom ?? query.advertisedTo;
  if (peer !== undefined)
    return `peer "${peer}" has no such route to ${query.prefix ?? query.address}. gingham why ${query.prefix ?? query.address} says what is known of it`;
  return query.address === undefined
    ? `there is no route to exactly ${query.prefix}. What covers it is shown by gingham routes ${query.prefix?.split('/')[0]}`
    : `no route covers ${query.address}`;
};

async function queryOf(text: string): Promise<RoutesAsked> {
  const { ipAddressOfText, ipPrefixOfText } = await import('../../config/address-text.ts');
  if (text.includes('/')) {
    const prefix = ipPrefixOfText(text);
    if (prefix.ok) return { prefix: formatIpPrefix(prefix.value) };
    throw new CommandError(EXIT.usage, `"${text}" ${prefix.error.text}. ${prefix.error.remedy}`);
  }
  const address = ipAddressOfText(text);
  if (address.ok) return { address: formatIp(address.value) };
  throw new CommandError(EXIT.usage, `"${text}" ${address.error.text}. ${address.error.remedy}`);
}
