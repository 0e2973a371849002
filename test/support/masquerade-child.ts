/** A process that is nothing but kernel/packets/masquerade.ts: {"apply": spec} or {"remove": true} per line. argv: the nft command. */
import readline from 'node:readline';
import { createMasquerade, type MasqueradeSpec } from '../../src/kernel/packets/masquerade.ts';

const nft = process.argv[2];
const masquerade = createMasquerade(nft === undefined ? {} : { nft });

for await (const line of readline.createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as { apply?: MasqueradeSpec };
  const answer = request.apply ? await masquerade.apply(request.apply) : ((await masquerade.remove()) ?? []);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
