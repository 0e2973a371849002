/** An Attacker in another namespace: answers {"lives", "thrown"} to one JSON line of {"target", "messages", "seed"}. */
import readline from 'node:readline';
import { Attacker, type Target } from '../fuzz/attacker.ts';

interface Task {
  readonly target: Target;
  readonly messages: number;
  readonly seed: number;
}
readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { target, messages, seed } = JSON.parse(line) as Task;
  const attacker = new Attacker(target, seed);
  await attacker.attack(messages);
  console.log(JSON.stringify({ lives: attacker.lives, thrown: attacker.thrown }));
});
process.stdin.once('end', () => process.exit(0));
