/** A scenario: what is done to a daemon, and which figures come of it. */
import type { Arena } from '../arena.ts';
import type { Contestant } from '../peers/peer.ts';

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
  /** The file of a stream. */
  readonly stream: (name: string) => string;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is done, for the reader of the table. */
  readonly about: string;
  readonly figures: readonly FigureSpec[];
  readonly marks: readonly Mark[];
  /** Which floor program stands for the harness. */
  readonly floor: 'relay' | 'install' | 'none';
  run(context: RunContext): Promise<Figures>;
}

export const seconds = (ns: number): number => ns / 1e9;
