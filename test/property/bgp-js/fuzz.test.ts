/** 200,000 mutants of the corpus in every run; `npm run fuzz` goes on from there by the million. What is asked of each is in
 *  test/fuzz/judge.ts: no exception, no look outside its frame, steps and sizes within the bounds, and encoding that decoding
 *  undoes. The seed is fixed, so that a failure is one here too. */
import { expect, test } from 'vitest';
import { makeHarness, makeTarget } from '../../fuzz/harness.ts';
import { Judge } from '../../fuzz/judge.ts';
import { joined, longestMessages } from '../../fuzz/seeds.ts';

const MESSAGES = 200_000;
const SEED = 20_260_101;

test(`${MESSAGES} mutated messages decode to a value or a BgpError, within the bounds, and none does anything else`, async () => {
  const { fuzzer, judge, failing, places } = await makeHarness(SEED);
  expect(failing.map(({ input, failure }) => `${shown(fuzzer.minimal(input, failure.kind))}: ${failure.text}`)).toEqual(
    [],
  );
  const reachedBySeeds = judge.coverage.reached;
  const found = fuzzer.run(MESSAGES);
  expect(found && `${shown(fuzzer.minimal(found.input, found.failure.kind))}: ${found.failure.text}`).toBeUndefined();
  // Without a signal the run would be blind: most of the code is reached, and the mutants reach more than the seeds did.
  expect(judge.coverage.reached).toBeGreaterThan(0.6 * places);
  expect(judge.coverage.reached).toBeGreaterThan(reachedBySeeds);
  // The bounds bite: some message comes near enough to them that a loop in a loop would be noticed.
  expect(judge.mostWork).toBeGreaterThan(0.05);
}, 180_000);

const shown = (input: Uint8Array): string =>
  `context ${input[0]}, message ${Buffer.from(input.subarray(1)).toString('hex')}`;

test('the longest messages made to cost the most stay within the same bounds, which grow with the octets and not faster', async () => {
  const of = await makeTarget();
  const judge = new Judge(of);
  const wrong: string[] = [];
  for (const { name, message } of longestMessages())
    for (let context = 0; context < of.target.contexts; context++) {
      const { failure } = judge.judge(joined(Uint8Array.of(context), message), message.length + 1, true);
      if (failure !== undefined)
        wrong.push(`${name}, context ${context}: ${failure.kind}: ${failure.text.slice(0, 300)}`);
    }
  expect(wrong).toEqual([]);
}, 60_000);
