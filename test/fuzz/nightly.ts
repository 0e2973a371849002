/** The long run: `npm run fuzz -- --messages 10000000 [--seed N] [--out DIR]`, best with `nice -n 19`. It can be stopped at any
 *  time and goes on where it was: the pool, the count and the state of chance lie in DIR (out/fuzz). A failure is made as small
 *  as it gets, saved there as hex with its text, and ends the run with status 1. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeHarness } from './harness.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'out/fuzz' },
  },
});
const goal = Number(values.messages);
if (!Number.isSafeInteger(goal) || goal < 1) {
  console.error(`fuzz: --messages ${values.messages} is no count. Use for example --messages 10000000.`);
  process.exit(2);
}
const BATCH = 20_000;
const SAY_EVERY_MS = 10_000;

const pool = path.join(values.out, 'pool');
const stateFile = path.join(values.out, 'state.json');
fs.mkdirSync(pool, { recursive: true });
interface State {
  readonly messages: number;
  readonly chance: number;
  readonly kept: number;
  readonly cpuSec: number;
}
const before: State = fs.existsSync(stateFile)
  ? (JSON.parse(fs.readFileSync(stateFile, 'utf8')) as State)
  : { messages: 0, chance: Number(values.seed), kept: 0, cpuSec: 0 };
const earlier = fs
  .readdirSync(pool)
  .sort()
  .map((file) => new Uint8Array(fs.readFileSync(path.join(pool, file))));

const { fuzzer, judge, chance, places, failing } = await makeHarness(before.chance, earlier);
const prepared = process.cpuUsage();
let { kept } = before;
const cpuSec = (): number => before.cpuSec + process.cpuUsage(prepared).user / 1e6;
const seeds = fuzzer.messages;
const done = (): number => before.messages + fuzzer.messages - seeds;
console.log(
  `${fuzzer.pool.length} inputs to begin with, ${places} places counted, ${judge.coverage.reached} reached; ${before.messages} messages before this`,
);

function report(input: Uint8Array, failure: { readonly kind: string; readonly text: string }): never {
  const small = fuzzer.minimal(input, failure.kind);
  const hex = Buffer.from(small.subarray(1)).toString('hex');
  const file = path.join(values.out, `failure-${done()}.txt`);
  fs.writeFileSync(file, `${failure.kind}\ncontext ${small[0]}\n${hex}\n\n${failure.text}\n`);
  console.log(
    `after ${done()} messages: ${failure.kind}\n${failure.text}\ncontext ${small[0]}, message ${hex}\nsaved in ${file}`,
  );
  process.exit(1);
}
for (const { input, failure } of failing) report(input, failure);

const began = Date.now();
let said = began;
while (done() < goal) {
  const found = fuzzer.run(Math.min(BATCH, goal - done()), (input) => {
    fs.writeFileSync(path.join(pool, `${String(kept++).padStart(6, '0')}`), input);
  });
  const state: State = { messages: done(), chance: chance.state, kept, cpuSec: cpuSec() };
  fs.writeFileSync(`${stateFile}.new`, JSON.stringify(state));
  fs.renameSync(`${stateFile}.new`, stateFile);
  if (found !== undefined) report(found.input, found.failure);
  if (Date.now() - said < SAY_EVERY_MS && done() < goal) continue;
  said = Date.now();
  console.log(
    `${done()} messages, ${Math.round(done() / cpuSec())}/s of processor time, pool ${fuzzer.pool.length}, places ${judge.coverage.reached}/${places}, ` +
      `most work ${(100 * judge.mostWork).toFixed(0)} % and size ${(100 * judge.mostSize).toFixed(0)} % of the bounds, ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
  );
}
console.log(
  `${done()} messages, none failed; ${cpuSec().toFixed(0)} s of processor time in all, ${((Date.now() - began) / 1000).toFixed(0)} s on the clock for this run; ` +
    `Node.js ${process.version}, ${os.cpus()[0]?.model}`,
);
