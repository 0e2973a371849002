import { toListJson, toObjectJson } from '../../control/json.ts';
import { formatStatus, formatStatuses } from '../../control/status-text.ts';
import { ask, INSPECT_OPTIONS, textOptions, wantsJson } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { print } from '../terminal.ts';

export const status: CommandRow = {
  path: ['status'],
  summary: 'health at a glance; exit code 3 when degraded',
  options: INSPECT_OPTIONS,
  examples: ['gingham status', 'gingham status --node node1', 'gingham status -o json'],
  run,
};

async function run(call: Call): Promise<number> {
  const { many, answers, exitCode } = await ask(call, (client) => client.status());
  const { terminal } = call;
  const [only] = answers;
  if (only !== undefined && !many) {
    if (wantsJson(call)) print(terminal, [toObjectJson('Status', only.view, terminal.now(), only.view.node)]);
    else print(terminal, formatStatus(only.view, textOptions(call).paint));
  } else if (wantsJson(call)) print(terminal, [toListJson('StatusList', answers, terminal.now())]);
  else
    print(
      terminal,
      formatStatuses(
        answers.map((a) => a.view),
        textOptions(call),
      ),
    );
  return answers.some((a) => a.view.health !== 'OK') ? EXIT.problem : exitCode;
}
