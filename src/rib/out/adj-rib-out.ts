/** What one peer is told. Pure: bytes leave through `send`. RFC 4271 3.2 and 9.2, End-of-RIB RFC 4724 2, refresh RFC 2918, several
 *  paths RFC 7911.
 *
 *  Pulled, not pushed: the peer stands at a place in the change list and takes as much as its connection takes. What a route
 *  is now decides what is sent, not what happened to it; a bit per route remembers that the peer has it. The initial
 *  feed is a walk over all routes by id, after which the changes follow. Peers that are sent the same share the work:
 *  out-groups.ts takes turns, out-group.ts packs, export.ts says what export means. */
import type { IpPrefix } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../../bgp-js/attributes/attributes.ts';
import { endOfRib } from '../../bgp-js/update/encode-update.ts';
import { MAX_MESSAGE_LENGTH } from '../../bgp-js/wire/message.ts';
import { type Exported, exportTo, type OutRoute } from './export.ts';
import type { ExportTarget, OutFamily } from './export-target.ts';
import type { PathSource } from '../terms/feed.ts';
import type { LocRib } from '../ribs/loc-rib.ts';
import type { OutPort } from '../ribs/out-port.ts';
import { maxAttributesLength, type OutFormat } from './out-encoder.ts';
import type { OutGroup } from './out-group.ts';
import { OutGroups } from './out-groups.ts';
import { hopOctets } from './out-hop.ts';
import { OutMember } from './out-member.ts';
import { inOrder } from '../tables/route-order.ts';

const NONE = -1;
const UNICAST = 1;

export interface OutOptions {
  /** Default: IPv4. */
  readonly family?: OutFamily;
  readonly target: ExportTarget;
  readonly fourOctetAs: boolean;
  /** Several paths of a prefix, at most so many. RFC 7911 */
  readonly addPath?: { readonly max: number };
  /** Default 4096; more where it was negotiated. RFC 8654 */
  readonly maxMessageLength?: number;
  /** Its own routes are not sent back to it. */
  readonly source: PathSource;
  /** Whole messages; false: wait for resume(). */
  readonly send: (messages: Uint8Array) => boolean;
  /** We are restarting: only our own routes until release(). RFC 4724 4.1 */
  readonly holdLearned: boolean;
  readonly onEndOfRibSent?: () => void;
}

/** A route that the peer has from us. */
export interface Advertised {
  readonly prefix: IpPrefix;
  /** As sent, next hop included. */
  readonly attributes: PathAttributes;
  readonly source: PathSource;
  /** With ADD-PATH. */
  readonly pathId?: number;
}

/** The groups of each table, which follow its slices as long as it lives. */
const GROUPS = new WeakMap<LocRib, OutGroups>();

function groupsOf(rib: LocRib, port: OutPort): OutGroups {
  let groups = GROUPS.get(rib);
  if (groups === undefined) {
    const made = new OutGroups(port.table, port);
    rib.onSlice(() => made.decided());
    GROUPS.set(rib, made);
    groups = made;
  }
  return groups;
}

export class AdjRibOut {
  private readonly options: OutOptions;
  private readonly port: OutPort;
  private readonly groups: OutGroups;
  private readonly member: OutMember;
  private target: ExportTarget;
  /** Of a prefix, with ADD-PATH. */
  private maxPaths: number;
  private group: OutGroup;
  private started = false;

  /** Call pump() when the session may be written to: right away, for one that is Established. */
  constructor(rib: LocRib, options: OutOptions) {
    this.options = options;
    this.maxPaths = options.addPath?.max ?? 0;
    this.port = rib.openOut({ allPaths: options.addPath !== undefined });
    this.groups = groupsOf(rib, this.port);
    const { source, target, send, addPath, holdLearned } = options;
    this.member = new OutMember(this.port, source, target.address, send, addPath !== undefined, holdLearned);
    // Until pump() nothing may be written.
    this.member.blocked = true;
    this.member.onIdle = () => this.idle();
    this.target = target;
    this.group = this.joinFor(target);
  }

  /** Prefixes that the peer has from us; with ADD-PATH paths. */
  get sent(): number {
    return this.member.count;
  }

  close(): void {
    if (this.member.closed) return;
    this.member.closed = true;
    this.groups.leave(this.member);
    this.port.close();
  }

  /** The connection takes bytes again. */
  resume(): void {
    this.pump();
  }

  /** Sends until nothing is left or the connection is full, over several turns of the event loop if that takes long. */
  pump(): void {
    const { member } = this;
    if (member.closed) return;
    const { started } = this;
    this.started = true;
    if (!started) member.walk(false, this.group.walkStart(member));
    member.blocked = false;
    member.flush();
    if (member.blocked) return;
    if (started) this.groups.stir();
    else this.groups.stirSoon();
  }

  /** The peer asked for everything once more. A request during a walk means one more walk, not many. `sent` is called once all
   *  is written; with several requests the last one's. RFC 2918 4, RFC 7313 4 */
  refresh(sent?: () => void): void {
    const { member } = this;
    member.refreshSent = sent;
    if (member.walkAt === NONE) member.walk(false, this.group.walkStart(member));
    else member.refreshWanted = true;
    this.groups.stir();
  }

  /** The peer's settings changed: everything is judged anew, and what it is to have no more is withdrawn. */
  retarget(target: ExportTarget, maxPaths = this.maxPaths): void {
    const { member } = this;
    this.groups.leave(member);
    this.target = target;
    this.maxPaths = maxPaths;
    this.group = this.joinFor(target);
    member.walk(false, this.group.walkStart(member));
    this.groups.stir();
  }

  /** The restart is over: learned routes go out, then End-of-RIB. */
  release(): void {
    const { member } = this;
    if (!member.holdLearned) return;
    member.holdLearned = false;
    // With several paths, one of ours may have gone without the others.
    if (member.walkAt === NONE) member.walk(member.paths === undefined, 0);
    else member.refreshWanted = true;
    this.groups.stir();
  }

  /** Why a route goes to this peer or not, and as what: for `why`. */
  explain(route: OutRoute): Exported {
    const { source } = route;
    if (source === this.options.source)
      return { not: { code: 'SPLIT_HORIZON', text: `learned from "${source.name}" itself` } };
    if (this.member.holdLearned && source.kind !== 'local')
      return {
        not: {
          code: 'RESTARTING',
          text: 'we restart, and learned routes wait until all peers are heard (RFC 4724 4.1)',
        },
      };
    // Not the group's target: that has another peer's address.
    const exported = exportTo(route, this.target, this.port.table.us.bgpIdentifier);
    if ('not' in exported) return exported;
    const tooLong = this.tooLong(exported.send);
    return tooLong === undefined ? exported : { not: tooLong };
  }

  /** What the peer has from us, as it would be sent now, in order of prefix. Live: a route that is gone when its turn comes is
   *  left out, and so is one whose last change waits for the peer's connection. */
  *advertised(): Generator<Advertised, undefined> {
    for (const page of this.advertisedPages()) yield* page;
  }

  /** The same in pages, each made in a few milliseconds at most; some are empty, for sorting is work too. Whoever has a million to
   *  show takes one page per turn of the event loop. */
  *advertisedPages(size = 256): Generator<readonly Advertised[], undefined> {
    let page: Advertised[] = [];
    let looked = 0;
    for (const route of inOrder(this.port.table)) {
      looked++;
      if (route !== NONE && this.member.has(route))
        page.push(...(this.member.paths === undefined ? this.bestOf(route) : this.pathsOf(route)));
      if (route !== NONE && page.length < size && looked < size * 16) continue;
      yield page;
      page = [];
      looked = 0;
    }
    if (page.length > 0) yield page;
  }

  private *bestOf(route: number): Generator<Advertised, undefined> {
    const { table } = this.port;
    const set = table.routes.toldSetOf(route);
    const source = set === NONE ? undefined : table.sources[table.routes.toldSourceOf(route)];
    if (source !== undefined) yield* this.advertisedAs(route, set, source);
  }

  private *pathsOf(route: number): Generator<Advertised, undefined> {
    const { table } = this.port;
    const { paths } = table;
    for (let path = table.routes.firstOf(route); path !== NONE; path = paths.nextOf(path)) {
      const used = paths.usedOf(path);
      if (used === NONE || this.member.paths?.has(route, path) !== true) continue;
      yield* this.advertisedAs(route, used, table.sourceOf(path), path + 1);
    }
  }

  private *advertisedAs(
    route: number,
    set: number,
    source: PathSource,
    pathId?: number,
  ): Generator<Advertised, undefined> {
    const { table } = this.port;
    const prefix = { address: table.addressOf(route), length: table.index.lengthOf(route) };
    const exported = this.explain({ ...prefix, attributes: table.sets.attributesOf(set), source });
    if ('send' in exported)
      yield { prefix, attributes: exported.send, source, ...(pathId !== undefined && { pathId }) };
  }

  private tooLong(send: PathAttributes): Reason | undefined {
    const { format } = this.group;
    const hop = send.mpNextHop === undefined ? 0 : hopOctets(send.mpNextHop).length;
    const { length } = encodeAttributes(send, { fourOctetAs: format.fourOctetAs });
    if (length <= maxAttributesLength(format, hop)) return undefined;
    return {
      code: 'ATTRIBUTES_TOO_LONG',
      text: `${length} octets of attributes do not fit into an UPDATE of ${format.maxMessageLength} (RFC 4271 9.2)`,
    };
  }

  private joinFor(target: ExportTarget): OutGroup {
    const { family = 'ipv4', fourOctetAs, addPath, maxMessageLength = MAX_MESSAGE_LENGTH } = this.options;
    const format: OutFormat = { target, family, fourOctetAs, addPath: addPath !== undefined, maxMessageLength };
    return this.groups.join(this.member, format, addPath === undefined ? 0 : this.maxPaths);
  }

  /** Nothing is left to send, for now. */
  private idle(): void {
    const { member, port } = this;
    const { refreshSent } = member;
    member.refreshSent = undefined;
    refreshSent?.();
    if (member.endOfRibSent || member.holdLearned || member.blocked || member.closed) return;
    if (port.table.queue.decided < member.markedAtStart) return;
    member.endOfRibSent = true;
    const afi = (this.options.family ?? 'ipv4') === 'ipv4' ? 1 : 2;
    member.blocked = !this.options.send(endOfRib({ afi, safi: UNICAST }));
    this.options.onEndOfRibSent?.();
  }
}
