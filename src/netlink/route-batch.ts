/** Many route changes in few sends, flat: no object per route. Pure. Only the last message of a batch asks for an ACK;
 *  the kernel answers every failing one all the same, with its sequence number, which is base + index. */
import * as k from './constants.ts';
import type { MessageWriter } from './message-writer.ts';
import { type RouteOptions, writeRoute } from './route.ts';

export type RouteVerb = 'add' | 'replace' | 'delete';

/** What a route is apart from its prefix; shared by many prefixes. */
export type RouteVia = Omit<RouteOptions, 'dst' | 'len'>;

/** One failing message of a batch. */
export interface BatchFailure {
  /** Of the change in the batch, from 0. */
  readonly index: number;
  readonly errno: number;
  readonly code: string;
  readonly text: string;
}

const VERBS: readonly RouteVerb[] = ['add', 'replace', 'delete'];
const FLAGS: Readonly<Record<RouteVerb, number>> = {
  add: k.NLM_F_CREATE | k.NLM_F_EXCL,
  replace: k.NLM_F_REPLACE,
  delete: 0,
};

export class RouteBatch {
  private verbs: Uint8Array;
  private dst: Uint32Array;
  private len: Uint8Array;
  private readonly vias: RouteVia[] = [];
  size = 0;

  constructor(capacity = 256) {
    this.verbs = new Uint8Array(capacity);
    this.dst = new Uint32Array(capacity);
    this.len = new Uint8Array(capacity);
  }
  /** `via` is kept by reference: intern it. */
  put(verb: RouteVerb, dst: number, len: number, via: RouteVia): void {
    if (this.size === this.len.length) this.grow();
    this.verbs[this.size] = VERBS.indexOf(verb);
    this.dst[this.size] = dst;
    this.len[this.size] = len;
    this.vias[this.size] = via;
    this.size += 1;
  }
  clear(): void {
    this.size = 0;
    this.vias.length = 0;
  }
  private grow(): void {
    const n = this.len.length * 2;
    const verbs = new Uint8Array(n);
    const dst = new Uint32Array(n);
    const len = new Uint8Array(n);
    verbs.set(this.verbs);
    dst.set(this.dst);
    len.set(this.len);
    this.verbs = verbs;
    this.dst = dst;
    this.len = len;
  }
  /** Messages [from, to) with sequence numbers from `seq` on. */
  write(w: MessageWriter, from: number, to: number, seq: number): void {
    for (let i = from; i < to; i++) {
      const verb = VERBS[this.verbs[i] as number] as RouteVerb;
      w.begin(verb === 'delete' ? k.RTM_DELROUTE : k.RTM_NEWROUTE, FLAGS[verb], seq + i - from);
      writeRoute(w, { ...(this.vias[i] as RouteVia), dst: this.dst[i] as number, len: this.len[i] as number });
      w.end();
    }
    if (to > from) w.addFlags(k.NLM_F_ACK);
  }
}
