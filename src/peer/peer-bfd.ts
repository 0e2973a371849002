/** BFD beside one session: its failure ends the session with Cease/10, and the routes go at once. Pure of I/O: the service is a
 *  port. RFC 5882 4, RFC 9384.
 *
 *  A path is watched from the first session on, because only then our own address on it is known, and until the peer is removed:
 *  a path that is down is seen to come back. `down` before `up` says nothing, since the other side may not have BFD at all.
 *  While no session is up it changes nothing either: what is kept of a peer that restarts is kept although its BFD restarts
 *  with it (RFC 5882 4.3.2). */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { BfdPort, BfdTiming, BfdView, BfdWatch } from '../bfd/bfd-types.ts';
import type { PeerConfig } from '../model/peer.ts';

export class PeerBfd {
  private readonly port: BfdPort;
  private readonly onDown: (reason: Reason) => void;
  private watch: BfdWatch | undefined;
  private localAddress: IpAddress | undefined;
  private timing: BfdTiming | undefined;

  constructor(port: BfdPort, onDown: (reason: Reason) => void) {
    this.port = port;
    this.onDown = onDown;
  }

  /** A session is up from `localAddress`, or the settings are others. */
  follow({ address, interface: device, bfd }: PeerConfig, localAddress: IpAddress | undefined): void {
    const local = localAddress ?? this.localAddress;
    if (bfd === undefined || local === undefined) {
      if (bfd === undefined) this.stop();
      return;
    }
    if (this.watch !== undefined && local !== this.localAddress) this.stop();
    this.localAddress = local;
    const { intervalMs, multiplier } = bfd;
    if (this.watch === undefined) {
      const where = device === undefined ? {} : { interface: device };
      this.watch = this.port.watch(
        { address, localAddress: local, ...where, intervalMs, multiplier },
        (state, reason) => {
          if (state === 'down') this.onDown(reason);
        },
      );
    } else if (this.timing?.intervalMs !== intervalMs || this.timing.multiplier !== multiplier) {
      this.watch.change({ intervalMs, multiplier });
    }
    this.timing = { intervalMs, multiplier };
  }

  stop(): void {
    this.watch?.stop();
    this.watch = undefined;
    this.timing = undefined;
  }

  view(): BfdView | undefined {
    return this.watch?.view();
  }
}
