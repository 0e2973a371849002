import { formatIpv4 } from '../../base/ipv4.ts';
import { formatPrefix } from '../../base/prefix.ts';
import { toListJson } from '../../control/json.ts';
import { formatMatch, formatRoutes } from '../../control/text.ts';
import { ask, INSPECT_OPTIONS, nodeName, rowsOf, textOptions, wantsJson } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';

export const routes: CommandRow = {
  path: ['routes'],
  summary: 'routes: all, those of a prefix, or those an address matches',
  args: [['[ip|cidr]', 'an address (longest match first) or a prefix']],
  options: INSPECT_OPTIONS,
  examples: ['gingham routes', 'gingham routes 10.244.1.7', 'gingham routes 10.244.1.0/26 -o json'],
  run,
};

interface Query {
  readonly prefix?: string;
  readonly address?: string;
}

async function run(call: Call): Promise<number> {
  const [text] = call.args;
  const query = text === undefined ? {} : await queryOf(text);
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
    print(call.terminal, formatRoutes(rows, textOptions(call)));
  }
  return all.exitCode;
}

const notFound = (query: Query): string =>
  query.address === undefined
    ? `there is no route to exactly ${query.prefix}. What covers it is shown by gingham routes ${query.prefix?.split('/')[0]}`
    : `no route covers ${query.address}`;

async function queryOf(text: string): Promise<Query> {
  const { addressOfText, prefixOfText } = await import('../../config/address-text.ts');
  if (text.includes('/')) {
    const prefix = prefixOfText(text);
    if (prefix.ok) return { prefix: formatPrefix(prefix.value) };
    throw new CommandError(EXIT.usage, `"${text}" ${prefix.error.text}. ${prefix.error.remedy}`);
  }
  const address = addressOfText(text);
  if (address.ok) return { address: formatIpv4(address.value) };
  throw new CommandError(EXIT.usage, `"${text}" ${address.error.text}. ${address.error.remedy}`);
}
