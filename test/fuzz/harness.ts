/** Puts a run together: the instrumented target, the judge, and a pool of seeds: our own, those of test/corpus, and those that
 *  a run before this one found. */

import { Chance } from './chance.ts';
import { corpusMessages } from './corpus.ts';
import { Fuzzer } from './fuzzer.ts';
import { type Instrumented, instrumented } from './instrument.ts';
import { type Failure, Judge, type Target } from './judge.ts';
import { joined, SEED_MESSAGES } from './seeds.ts';

export interface Harness {
  readonly fuzzer: Fuzzer;
  readonly judge: Judge;
  readonly chance: Chance;
  readonly places: number;
  /** Seeds that fail as they are, with what is wrong. */
  readonly failing: readonly { readonly input: Uint8Array; readonly failure: Failure }[];
}

export const makeTarget = (): Promise<Instrumented<Target>> => instrumented<Target>('test/fuzz/target.ts');

export async function makeHarness(seed: number, inputs: readonly Uint8Array[] = []): Promise<Harness> {
  const of = await makeTarget();
  const judge = new Judge(of);
  const chance = new Chance(seed);
  const fuzzer = new Fuzzer(judge, chance);
  const failing: { input: Uint8Array; failure: Failure }[] = [];
  const seeds = [...SEED_MESSAGES, ...corpusMessages()].flatMap((message) =>
    Array.from({ length: of.target.contexts }, (_, context) => joined(Uint8Array.of(context), message)),
  );
  for (const input of [...seeds, ...inputs]) {
    const failure = fuzzer.seed(input);
    if (failure !== undefined) failing.push({ input, failure });
  }
  return { fuzzer, judge, chance, places: of.places, failing };
}
