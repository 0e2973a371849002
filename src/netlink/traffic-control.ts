/** Traffic control, as far as BPF programs at a device's ingress need it: the clsact qdisc and filters of kind bpf in it:
 *  builders, decoders, dumps. Pure but for the dumps' client. linux/pkt_sched.h, pkt_cls.h.
 *
 *      struct tcmsg   | family, 3 of padding | ifindex | handle | parent | info: priority << 16, protocol in network order | */
import type { NetlinkClient } from './client.ts';
import * as k from './constants.ts';
import type { MessageView } from './message-view.ts';
import type { MessageWriter } from './message-writer.ts';
import type { NetlinkRequest } from './request.ts';

export interface Qdisc {
  /** ifindex */
  readonly index: number;
  /** "clsact", "fq_codel"… */
  readonly kind: string;
}

/** Which filter is meant: the kernel replaces the one of the same parent, priority, protocol and handle. */
export interface FilterKey {
  /** ifindex */
  readonly index: number;
  /** CLSACT_INGRESS or CLSACT_EGRESS */
  readonly parent: number;
  /** Lower ones are asked first. */
  readonly priority: number;
  /** Of the frames it sees: an Ethernet type. 0x0003 is all of them. */
  readonly protocol: number;
  readonly handle: number;
}

export interface Filter extends FilterKey {
  readonly kind: string;
  /** bpf only: what it was called when it was made, and the program's number. */
  readonly name: string;
  readonly program: number;
}

function header(w: MessageWriter, index: number, handle: number, parent: number, info: number): void {
  w.u8x4(k.AF_UNSPEC, 0, 0, 0);
  w.u32Word(index);
  w.u32Word(handle);
  w.u32Word(parent);
  w.u32Word(info);
}
const HEADER_BYTES = 36; // with nlmsghdr
const swap16 = (v: number): number => ((v & 255) << 8) | (v >>> 8);

const qdisc = (index: number, type: number, flags: number, verb: string): NetlinkRequest => ({
  type,
  flags,
  what: `${verb} qdisc clsact of link #${index}`,
  slow: true,
  body: (w) => {
    header(w, index, k.CLSACT_HANDLE, k.TC_H_CLSACT, 0);
    w.attributeText(k.TCA_KIND, 'clsact');
  },
});
/** EEXIST when a clsact or ingress qdisc is there; ENOENT when the kernel has none of that kind. */
export const addClsact = (index: number): NetlinkRequest =>
  qdisc(index, k.RTM_NEWQDISC, k.NLM_F_CREATE | k.NLM_F_EXCL, 'add');
/** With all filters in it. */
export const deleteClsact = (index: number): NetlinkRequest => qdisc(index, k.RTM_DELQDISC, 0, 'delete');

/** Attaches a program, in the place of the one that is there under the same key: no packet meets neither. */
export const replaceBpfFilter = (o: FilterKey & { readonly name: string; readonly fd: number }): NetlinkRequest => ({
  type: k.RTM_NEWTFILTER,
  flags: k.NLM_F_CREATE | k.NLM_F_REPLACE,
  what: `set filter ${o.name} of link #${o.index}`,
  slow: true,
  body: (w) => {
    header(w, o.index, o.handle, o.parent, info(o));
    w.attributeText(k.TCA_KIND, 'bpf');
    w.nest(k.TCA_OPTIONS, () => {
      w.attributeU32(k.TCA_BPF_FD, o.fd);
      w.attributeText(k.TCA_BPF_NAME, o.name);
      w.attributeU32(k.TCA_BPF_FLAGS, k.TCA_BPF_FLAG_ACT_DIRECT);
    });
  },
});

export const deleteBpfFilter = (o: FilterKey): NetlinkRequest => ({
  type: k.RTM_DELTFILTER,
  flags: 0,
  what: `delete filter ${o.handle} of link #${o.index}`,
  slow: true,
  body: (w) => {
    header(w, o.index, o.handle, o.parent, info(o));
    w.attributeText(k.TCA_KIND, 'bpf');
  },
});
const info = (o: FilterKey): number => ((o.priority << 16) | swap16(o.protocol)) >>> 0;

/** RTM_NEWQDISC or RTM_DELQDISC at the view's current message. */
export function decodeQdisc(m: MessageView): Qdisc {
  let kind = '';
  m.attributes(m.at + HEADER_BYTES, m.end, (type, at, length) => {
    if (type === k.TCA_KIND) kind = m.text(at, length);
  });
  return { index: m.word(m.at + 20), kind };
}

/** RTM_NEWTFILTER or RTM_DELTFILTER at the view's current message. A dump also has one message for the priority as a whole:
 *  its handle is 0. */
export function decodeFilter(m: MessageView): Filter {
  let kind = '';
  let name = '';
  let program = 0;
  m.attributes(m.at + HEADER_BYTES, m.end, (type, at, length) => {
    if (type === k.TCA_KIND) kind = m.text(at, length);
    else if (type === k.TCA_OPTIONS)
      m.attributes(at, at + length, (t, a, l) => {
        if (t === k.TCA_BPF_NAME) name = m.text(a, l);
        else if (t === k.TCA_BPF_ID) program = m.word(a);
      });
  });
  const word = m.word(m.at + 32);
  return {
    index: m.word(m.at + 20),
    handle: m.word(m.at + 24),
    parent: m.word(m.at + 28),
    priority: word >>> 16,
    protocol: swap16(word & 0xffff),
    kind,
    name,
    program,
  };
}

/** Of all links. */
export const dumpQdiscs = (client: NetlinkClient): Promise<Qdisc[]> =>
  client.dump(
    {
      type: k.RTM_GETQDISC,
      flags: k.NLM_F_DUMP,
      what: 'dump qdiscs',
      body: (w) => header(w, 0, 0, 0, 0),
    },
    (m) => (m.type === k.RTM_NEWQDISC ? decodeQdisc(m) : undefined),
  );

/** Of one link and parent; none where there is no such qdisc or link. */
export const dumpFilters = (client: NetlinkClient, index: number, parent: number): Promise<Filter[]> =>
  client.dump(
    {
      type: k.RTM_GETTFILTER,
      flags: k.NLM_F_DUMP,
      what: `dump filters of link #${index}`,
      body: (w) => header(w, index, 0, parent, 0),
    },
    (m) => {
      if (m.type !== k.RTM_NEWTFILTER) return undefined;
      const filter = decodeFilter(m);
      return filter.handle === 0 ? undefined : filter;
    },
  );
