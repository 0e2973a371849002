/** 200,000 mutants of the corpus in every run; `npm run fuzz` goes on from there by the million. What is asked of each is in
 *  test/fuzz/judge.ts: no exception, no look outside its frame, steps and sizes within the bounds, and encoding that decoding
 *  undoes. The seed is fixed, so that a failure is one here too. */
import { expect, test } from 'vitest';
import { makeHarness } from '../../fuzz/harness.ts';

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
