/** The kept processes of a lab as one thing: started one by one, told of, ended all at once. */
import { lastLine } from './patience.ts';
import { KeptProcess, type ProcessSpec } from './process.ts';

/** A daemon closes its sessions in a moment; a lab that goes down waits no longer. */
const PATIENCE_MS = 2_000;

export class Running {
  private readonly processes: KeptProcess[] = [];
  private readonly say: (text: string) => void;
  private stopping = false;

  constructor(say: (text: string) => void) {
    this.say = say;
  }

  start(spec: ProcessSpec): void {
    if (this.stopping) return;
    const kept = new KeptProcess(spec, (name, how, retryMs) =>
      this.say(
        retryMs === undefined
          ? `${name} ended (${how}); not started again while ${spec.holdFile} exists`
          : `${name} ended (${how}); started again in ${retryMs} ms${lastLine(spec.logFile)}`,
      ),
    );
    this.processes.push(kept);
    kept.start();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.processes.map((kept) => kept.stop(PATIENCE_MS)));
  }
}
