import { toObjectJson } from '../../control/json.ts';
import { formatWhy } from '../../control/why-text.ts';
import { ask, INSPECT_OPTIONS, nodeName, textOptions, wantsJson } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';

export const why: CommandRow = {
  path: ['why'],
  summary: 'why a prefix goes where it goes: all paths, the deciding step, who is told, what the kernel holds',
  args: [['<ip|cidr>', 'an address or a prefix']],
  options: INSPECT_OPTIONS,
  examples: ['gingham why 10.244.1.0/26', 'gingham why 10.244.1.7', 'gingham why 10.244.1.7 -n worker2'],
  run,
};

async function run(call: Call): Promise<number> {
  const [target = ''] = call.args;
  await checkTarget(target);
  const all = await ask(call, async (client) => ({
    explanation: await client.explain(target),
    node: await nodeName(call, client),
  }));
  const now = call.terminal.now();
  for (const { node, view } of all.answers) {
    if (wantsJson(call)) {
      print(call.terminal, [toObjectJson('Explanation', view.explanation, now, view.node ?? node)]);
      continue;
    }
    if (all.many && node !== undefined) print(call.terminal, [textOptions(call).paint('strong', `${node}:`)]);
    print(call.terminal, formatWhy(view.explanation, textOptions(call).paint));
  }
  return all.exitCode;
}

async function checkTarget(text: string): Promise<void> {
  const { ipAddressOfText, ipPrefixOfText } = await import('../../config/address-text.ts');
  const read = text.includes('/') ? ipPrefixOfText(text) : ipAddressOfText(text);
  if (!read.ok) throw new CommandError(EXIT.usage, `"${text}" ${read.error.text}. ${read.error.remedy}`);
}
