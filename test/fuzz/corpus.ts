/** The good and bad messages of test/corpus, as seeds. */
import { readCorpus } from '../support/corpus.ts';

/** Longer ones cost more than they teach: the mutator makes its own. */
const LONGEST = 4096;

export const corpusMessages = (): readonly Uint8Array[] =>
  readCorpus()
    .map((message) => message.bytes)
    .filter((bytes) => bytes.length <= LONGEST);
