/** Addresses that a DEL could not give back because the datastore was away: on disk, and tried until done. Not pure: files.
 *  The danger is a new ADD of the same container while its old release still waits: it would lose its address later.
 *  `settle` closes that door. */
import fs from 'node:fs';
import path from 'node:path';
import type { Timers } from '../base/ports.ts';
import { writeWhole } from './whole-file.ts';

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

export class ReleaseQueue {
  private readonly directory: string;
  private readonly release: (handleId: string) => Promise<unknown>;
  private readonly timers: Timers;
  private readonly waiting = new Set<string>();
  private readonly atWork = new Map<string, Promise<void>>();
  private pauseMs = FIRST_PAUSE_MS;
  private cancel: (() => void) | undefined;
  private stopped = true;

  constructor(directory: string, release: (handleId: string) => Promise<unknown>, timers: Timers) {
    this.directory = directory;
    this.release = release;
    this.timers = timers;
    fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
    // One file per handle, whose name is the handle: request.ts lets no slash into it.
    for (const file of fs.readdirSync(directory))
      if (file.endsWith('.release')) this.waiting.add(path.basename(file, '.release'));
  }

  pending(): readonly string[] {
    return [...this.waiting].sort();
  }

  start(): void {
    this.stopped = false;
    this.schedule(0);
  }

  stop(): void {
    this.stopped = true;
    this.cancel?.();
    this.cancel = undefined;
  }

  /** The store was heard from: a long pause is not waited out. */
  wake(): void {
    if (this.cancel === undefined || this.pauseMs === FIRST_PAUSE_MS) return;
    this.cancel();
    this.cancel = undefined;
    this.pauseMs = FIRST_PAUSE_MS;
    this.schedule(this.pauseMs);
  }

  /** Resolves when the wish is on disk. */
  async add(handleId: string): Promise<void> {
    await writeWhole(this.file(handleId), '');
    this.waiting.add(handleId);
    this.schedule(this.pauseMs);
  }

  /** Before a new assignment to the handle: a release that waits is done now, or this rejects. */
  async settle(handleId: string): Promise<void> {
    await this.atWork.get(handleId)?.catch(() => undefined);
    if (this.waiting.has(handleId)) await this.releaseNow(handleId);
  }

  /** Tries each once; what fails stays, and the pause until the next try doubles. */
  async drain(): Promise<void> {
    let failed = false;
    for (const handleId of this.pending()) {
      try {
        await this.releaseNow(handleId);
      } catch {
        failed = true; // it stays in the queue, which views show
        break; // the store is away: the others would fail alike
      }
    }
    this.pauseMs = failed ? Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS) : FIRST_PAUSE_MS;
    if (this.waiting.size > 0) this.schedule(this.pauseMs);
  }

  private releaseNow(handleId: string): Promise<void> {
    const running = this.atWork.get(handleId);
    if (running !== undefined) return running;
    const work = (async () => {
      await this.release(handleId);
      await fs.promises.rm(this.file(handleId), { force: true });
      this.waiting.delete(handleId);
    })().finally(() => this.atWork.delete(handleId));
    this.atWork.set(handleId, work);
    return work;
  }

  private schedule(ms: number): void {
    if (this.stopped || this.cancel !== undefined || this.waiting.size === 0) return;
    this.cancel = this.timers.after(ms, () => {
      this.cancel = undefined;
      void this.drain();
    });
  }

  private file(handleId: string): string {
    return path.join(this.directory, `${handleId}.release`);
  }
}
