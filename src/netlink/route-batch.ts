/** Many route changes in few sends, flat: no object per route. Pure, hot. Only the last message of a send asks for an ACK;
 *  the kernel answers every failing one all the same, with its sequence number, which is base + index.
 *  A message is a copy of its way's template with prefix and sequence number filled in: writeRoute() puts RTA_DST first. */
import { writeIpv6 } from '../base/ipv6.ts';
import * as k from './constants.ts';
import { MessageWriter, wireWord } from './message-writer.ts';
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
/** Offsets in a message: nlmsg_seq, rtm_dst_len, and the octets of RTA_DST. */
const SEQ = 8;
const DST_LEN = 17;
const DST = 32;

/** By way and kind: the index of the verb, and 3 more for IPv6. */
const templates = new WeakMap<RouteVia, (Uint8Array | undefined)[]>();

function templateOf(kind: number, via: RouteVia): Uint8Array {
  let made = templates.get(via);
  if (made === undefined) {
    made = [];
    templates.set(via, made);
  }
  made[kind] ??= template(VERBS[kind % VERBS.length] as RouteVerb, via, kind >= VERBS.length);
  return made[kind];
}

/** What a template is made in, and copied from. */
const scratch = new MessageWriter(256);
function template(verb: RouteVerb, via: RouteVia, six: boolean): Uint8Array {
  const w = scratch;
  w.reset();
  w.begin(verb === 'delete' ? k.RTM_DELROUTE : k.RTM_NEWROUTE, FLAGS[verb], 0);
  writeRoute(w, { ...via, dst: six ? 0n : 0, len: 0 });
  w.end();
  return w.view().slice();
}

export class RouteBatch {
  private readonly messages: Uint8Array[] = [];
  private readonly addresses: (number | bigint)[] = [];
  private lengths: Uint8Array;
  /** Neighbours in a batch are of one way as a rule. */
  private lastVia: RouteVia | undefined;
  private lastKind = -1;
  private lastMessage: Uint8Array | undefined;
  size = 0;

  constructor(capacity = 256) {
    this.lengths = new Uint8Array(capacity);
  }
  /** `via` is kept by reference and must not change: intern it. A bigint is an IPv6 destination. */
  put(verb: RouteVerb, dst: number | bigint, len: number, via: RouteVia): void {
    const at = this.size;
    if (at === this.lengths.length) {
      const grown = new Uint8Array(at * 2);
      grown.set(this.lengths);
      this.lengths = grown;
    }
    const kind = (verb === 'add' ? 0 : verb === 'replace' ? 1 : 2) + (typeof dst === 'bigint' ? VERBS.length : 0);
    if (via !== this.lastVia || kind !== this.lastKind || this.lastMessage === undefined) {
      this.lastVia = via;
      this.lastKind = kind;
      this.lastMessage = templateOf(kind, via);
    }
    this.messages[at] = this.lastMessage;
    this.addresses[at] = dst;
    this.lengths[at] = len;
    this.size = at + 1;
  }
  /** Keeps its room. */
  clear(): void {
    this.size = 0;
  }
  /** Messages [from, to) with sequence numbers from `seq` on. */
  write(w: MessageWriter, from: number, to: number, seq: number): void {
    for (let i = from; i < to; i++) {
      const at = w.octets(this.messages[i] as Uint8Array);
      const dst = this.addresses[i] as number | bigint;
      w.patchWord(at + SEQ, seq + i - from);
      w.slab[at + DST_LEN] = this.lengths[i] as number;
      if (typeof dst === 'bigint') writeIpv6(w.slab, at + DST, dst);
      else w.patchWord(at + DST, wireWord(dst));
      if (i === to - 1) w.askAck(at);
    }
  }
}
