/** What origin validation finds while routes come in: counted, and said once per block. Pure but for the log. A block that changes
 *  hands is news again; past MOST_TOLD blocks it is only counted, so that a peer that makes up routes fills no log. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix, ipPrefix } from '../base/ip.ts';
import type { BlockOrigins, Origin, OriginSnapshot } from '../cluster/block-origin.ts';
import type { BlockOriginMode } from '../model/built-in-policies.ts';
import type { BlockOrigin } from '../model/policy.ts';
import type { Log } from './log.ts';

const MOST_TOLD = 256;

/** What becomes of an invalid route, for the log. */
const FATE: Readonly<Record<BlockOriginMode, string>> = {
  off: 'a route is used',
  warn: 'a route is used all the same (cluster.blockOrigin is warn)',
  prefer: 'a route is used only where there is no other of its prefix (cluster.blockOrigin is prefer)',
  reject: 'a route is rejected (cluster.blockOrigin is reject)',
};

export interface OriginWatchOptions {
  readonly origins: BlockOrigins;
  readonly mode: () => BlockOriginMode;
  readonly log: Pick<Log, 'warn'>;
}

export class OriginWatch {
  private readonly options: OriginWatchOptions;
  private readonly judged: Record<BlockOrigin, number> = { valid: 0, invalid: 0, unknown: 0 };
  /** Blocks, as text, of which it was said. */
  private readonly told = new Set<string>();
  private toldIn: BlockOriginMode | undefined;

  constructor(options: OriginWatchOptions) {
    this.options = options;
  }

  /** Verdicts since the start: a route that is judged anew counts anew. */
  get counts(): Readonly<Record<BlockOrigin, number>> {
    return this.judged;
  }

  /** For import. */
  judge(address: IpAddress, length: number, nextHop: IpAddress): Origin {
    const found = this.options.origins.originOf(address, length, nextHop);
    this.judged[found.origin]++;
    if (found.origin === 'invalid') this.tell(address, length, nextHop, found);
    return found;
  }

  /** For views; undefined where nobody asks for origins. */
  look(address: IpAddress, length: number, nextHop: IpAddress): Origin | undefined {
    return this.options.mode() === 'off' ? undefined : this.options.origins.originOf(address, length, nextHop);
  }

  /** IPAM says something else; answers where. */
  update(snapshot: OriginSnapshot): readonly IpPrefix[] {
    const touched = this.options.origins.update(snapshot);
    for (const prefix of touched) this.told.delete(formatIpPrefix(prefix));
    return touched;
  }

  private tell(address: IpAddress, length: number, nextHop: IpAddress, { block, reason }: Origin): void {
    if (block === undefined || reason === undefined) return;
    const { log, mode } = this.options;
    // Under another setting another thing becomes of it.
    if (mode() !== this.toldIn) this.told.clear();
    this.toldIn = mode();
    const key = formatIpPrefix(block);
    if (this.told.has(key) || this.told.size >= MOST_TOLD) return;
    this.told.add(key);
    const prefix = formatIpPrefix(ipPrefix(address, length));
    log.warn({ code: reason.code, prefix, nextHop: formatIp(nextHop), block: key }, `${reason.text}: ${FATE[mode()]}`);
    if (this.told.size === MOST_TOLD)
      log.warn(
        { code: reason.code, blocks: MOST_TOLD },
        'routes with the blocks of other nodes: further ones are only counted',
      );
  }
}
