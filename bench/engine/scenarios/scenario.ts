/** A scenario: what is done to a daemon, and which figures come of it. */
import { type Arena, addressOf, DAEMON_ADDRESS, DAEMON_ASN } from '../arena.ts';
import type { Answer } from '../load.ts';
import type { Contestant, Neighbor, Plan } from '../peers/peer.ts';

export interface FigureSpec {
  readonly key: string;
  /** Head of its column, unit included. */
  readonly head: string;
  readonly digits: number;
  /** Wall time: the harness has a share of it, and its floor says which. */
  readonly floored?: true;
}

/** A bound of the issue: of Gingham's figure itself, or of its ratio to BIRD's in the same run. */
export interface Mark {
  readonly figure: string;
  readonly kind: 'ratio' | 'absolute';
  readonly atMost: number;
  readonly text: string;
}

export type Figures = Readonly<Record<string, number>>;

export interface RunContext {
  readonly arena: Arena;
  readonly contestant: Contestant;
  /** What both sides offer; the keepalives come in a third of it. */
  readonly holdSec: number;
  /** The file of a stream. */
  readonly stream: (name: string) => string;
  /** From here on the daemon's event loop is watched, where it is. */
  readonly settled: () => void;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is done, for the reader of the table. */
  readonly about: string;
  readonly figures: readonly FigureSpec[];
  readonly marks: readonly Mark[];
  /** Best paths go into the kernel. */
  readonly kernel: boolean;
  /** Which floor program stands for the harness. */
  readonly floor: 'relay' | 'install' | 'none';
  run(context: RunContext): Promise<Figures>;
}

export const seconds = (ns: number): number => ns / 1e9;

/** Neighbors one behind the other, in one AS or each in its own. */
export const neighborsOf = (count: number, asn: number, step: 0 | 1, first = 0): Neighbor[] =>
  Array.from({ length: count }, (_, i) => ({ address: addressOf(first + i), asn: asn + step * i }));

export interface UpOptions {
  readonly kernel?: boolean;
  readonly allCpus?: boolean;
  readonly onLossFile?: string;
}

/** The daemon waits, the load dials every 20 ms; answers when all are up and have said what they say at their beginning. */
export async function bringUp(
  { arena, contestant, holdSec, settled }: RunContext,
  neighbors: readonly Neighbor[],
  options: UpOptions = {},
): Promise<void> {
  const { kernel = false, allCpus = false, ...rest } = options;
  const plan: Plan = {
    address: DAEMON_ADDRESS,
    asn: DAEMON_ASN,
    neighbors,
    dials: false,
    kernel,
    holdTimeSec: holdSec,
    ...rest,
  };
  await arena.start(contestant, plan, { allCpus });
  for (const { address, asn } of neighbors)
    await arena.load.ask('sessions', { local: address, remote: DAEMON_ADDRESS, as: asn, hold: holdSec, together: 4 });
  await arena.load.ask('up', { within: 60_000 });
  await watchCpu(arena);
  await arena.load.ask('rest', { ms: 300 });
  settled();
}

export const watchCpu = (arena: Arena): Promise<Answer> => arena.load.ask('pids', { list: arena.pids().join(',') });

/** Sends the file from a session and waits for what is to be seen of it. */
export async function sendAndAwait(
  { load }: Arena,
  sender: number,
  file: number,
  what: Readonly<Record<string, number>>,
): Promise<Answer> {
  await load.ask('reset');
  await load.ask('send', { pairs: `${sender}:${file}` });
  return load.ask('await', { within: 120_000, ...what });
}

export const fileOf = async ({ arena, stream }: RunContext, name: string): Promise<number> =>
  (await arena.load.ask('file', { path: stream(name) })).file;
