import { formatPods } from '../../control/text.ts';
import { INSPECT_OPTIONS, showList } from '../ask.ts';
import type { CommandRow } from '../command.ts';

export const pods: CommandRow = {
  path: ['pods'],
  summary: 'pods wired on this node: address, interfaces, MTU',
  options: INSPECT_OPTIONS,
  examples: ['gingham pods', 'gingham pods --node node1', 'gingham pods -o json'],
  run: (call) => showList(call, 'PodList', (client) => client.pods(), formatPods),
};
