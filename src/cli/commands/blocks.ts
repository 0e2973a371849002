import { formatBlocks } from '../../control/text.ts';
import { INSPECT_OPTIONS, showList } from '../ask.ts';
import type { CommandRow } from '../command.ts';

export const blocks: CommandRow = {
  path: ['blocks'],
  summary: 'address blocks: whose, how full, and the route to each',
  options: INSPECT_OPTIONS,
  examples: ['gingham blocks', 'gingham blocks --node node1', 'gingham blocks -o json'],
  run: (call) => showList(call, 'BlockList', (client) => client.blocks(), formatBlocks),
};
