import { VERSION } from '../../base/version.ts';
import type { CommandRow } from '../command.ts';
import { EXIT } from '../exit-codes.ts';

export const version: CommandRow = {
  path: ['version'],
  summary: 'the version of this program',
  examples: ['gingham version'],
  run: async (call) => {
    call.terminal.out(`gingham ${VERSION} (Node.js ${process.versions.node})\n`);
    return EXIT.ok;
  },
};
