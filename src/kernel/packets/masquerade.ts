/** natOutgoing: what leaves the pools is given the node's address. One nft table of our own, applied whole. Not pure:
 *  it starts `nft -f -`, and only when something changed. The rules are masquerade-rules.ts. */
import { spawn } from 'node:child_process';
import type { Reason } from '../../base/reason.ts';
import { type MasqueradeSpec, masqueradeText, removalText } from './masquerade-rules.ts';

export type { MasqueradeSpec } from './masquerade-rules.ts';

export interface Masquerade {
  /** Applies the difference; no nft call when there is none. The answer is empty, or says why it does not work. Never
   *  throws: a cluster without masquerade still forwards. */
  apply(spec: MasqueradeSpec): Promise<readonly Reason[]>;
  /** Of the last apply. */
  problems(): readonly Reason[];
  /** Takes our table away. */
  remove(): Promise<void>;
}

export interface MasqueradeOptions {
  /** The command; absent: "nft", by PATH. */
  readonly nft?: string;
  /** Name of our table; two nodes never share a namespace, so it is "gingham" everywhere. */
  readonly table?: string;
}

const NFT_TIMEOUT_MS = 10_000;
/** What nft refused once it refuses again: someone has to install or load something first. */
const RETRY_MS = 60_000;
const SHOWN_ERROR_CHARS = 400;

export function createMasquerade({ nft = 'nft', table = 'gingham' }: MasqueradeOptions = {}): Masquerade {
  let applied: string | undefined;
  let refused: string | undefined;
  let retryAt = 0;
  let problems: readonly Reason[] = [];
  let last: Promise<unknown> = Promise.resolve();

  /** One nft at a time, in the order of the calls. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work);
    last = turn;
    return turn;
  };

  const run = async (text: string): Promise<void> => {
    if (text === applied || (text === refused && performance.now() < retryAt)) return;
    const failure = await runNft(nft, text);
    const nothingWanted = text === removalText(table);
    applied = failure === undefined ? text : undefined;
    refused = failure === undefined ? undefined : text;
    retryAt = performance.now() + RETRY_MS;
    // Without nft there is no table of ours either, so wanting none is fulfilled.
    problems = failure === undefined || (nothingWanted && failure.code === 'NFT_MISSING') ? [] : [failure];
  };

  return {
    apply: (spec) =>
      inTurn(async () => {
        await run(masqueradeText(table, spec));
        return problems;
      }),
    problems: () => problems,
    remove: () => inTurn(() => run(removalText(table))),
  };
}

function runNft(nft: string, text: string): Promise<Reason | undefined> {
  return new Promise((done) => {
    const child = spawn(nft, ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: NFT_TIMEOUT_MS });
    let said = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (part: string) => {
      if (said.length < SHOWN_ERROR_CHARS) said += part;
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      done(error.code === 'ENOENT' ? missing(nft) : failed(error.message)),
    );
    child.on('close', (code, signal) => {
      if (code === 0) done(undefined);
      else done(failed(firstError(said) || `exit ${code ?? signal}`));
    });
    child.stdin.on('error', () => {}); // it ended before it read everything: 'close' tells why
    child.stdin.end(text);
  });
}

/** nft repeats the text below each error and points at it; the first error is the cause, the rest follow from it. */
const firstError = (said: string): string => {
  const line = said.split('\n').find((l) => l.includes('Error:')) ?? said.split('\n', 1)[0] ?? '';
  return line.replace(/^.*Error: /, '').slice(0, SHOWN_ERROR_CHARS);
};

const missing = (nft: string): Reason => ({
  code: 'NFT_MISSING',
  text: `natOutgoing does not work: the command "${nft}" is not installed, so pods reach the cluster but nothing outside of it. Install nftables (Debian: apt install nftables).`,
});

const failed = (why: string): Reason => ({
  code: 'NFT_FAILED',
  text: `natOutgoing does not work: nft refused the table ip gingham (${why}). Check that the kernel has nf_tables and nft_masq, or set natOutgoing: false in the pool.`,
});
