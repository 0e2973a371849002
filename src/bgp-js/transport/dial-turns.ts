/** Dials, a few milliseconds of them in each turn of the event loop: a mesh of a thousand is a fifth of a second of sockets, and
 *  in one turn the first to answer would wait for the last to be called. In order; pure but for the two ports. */
import type { TurnPorts } from './turn-ports.ts';

const SHARE_MS = 5;

export class DialTurns {
  private readonly ports: TurnPorts;
  private readonly waiting = new Set<() => void>();
  private began = 0;
  private open = false;

  constructor(ports: TurnPorts) {
    this.ports = ports;
  }

  /** Now, or in a later turn; the answer takes it back as long as it waits. */
  run(dial: () => void): () => void {
    if (!this.open) this.begin();
    if (this.waiting.size === 0 && !this.isOver()) {
      dial();
      return () => {};
    }
    this.waiting.add(dial);
    return () => void this.waiting.delete(dial);
  }

  private begin(): void {
    this.open = true;
    this.began = this.ports.now();
    this.ports.nextTurn(this.next);
  }

  private isOver(): boolean {
    return this.ports.now() - this.began >= SHARE_MS;
  }

  private readonly next = (): void => {
    this.open = false;
    if (this.waiting.size === 0) return;
    this.begin();
    for (const dial of this.waiting) {
      this.waiting.delete(dial);
      dial();
      if (this.isOver()) return;
    }
  };
}
