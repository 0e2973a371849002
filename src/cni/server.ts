/** The daemon's end of the unix socket that the CNI executable speaks to. Not pure: a socket. Requests for one container and
 *  interface run one after the other; a deadline answers code 11, while the work goes on and the next request waits for it. */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { Clock, Timers } from '../base/ports.ts';
import type { Workload } from '../model/workload.ts';
import { formatJson } from '../store/json.ts';
import { add, podInterface } from './add.ts';
import { check } from './check.ts';
import type { CniContext, CniLogLine } from './context.ts';
import { Deadline } from './deadline.ts';
import { del } from './del.ts';
import { CniError, type CniFault, toErrorBody, toFault } from './fault.ts';
import { gc } from './gc.ts';
import { KeyedMutex } from './keyed-mutex.ts';
import type { CniPorts } from './ports.ts';
import { CNI_CODE, type CniWireReply, LONGEST_MESSAGE_BYTES } from './protocol.ts';
import { ReleaseQueue } from './release-queue.ts';
import { type Attachment, answerVersion, type CniRequest, parseCniRequest } from './request.ts';
import { status } from './status.ts';
import { Workloads, workloadKey } from './workloads.ts';

export interface CniServerOptions {
  /** Default of the executable: /run/gingham/cni.sock */
  readonly socketPath: string;
  /** Where workloads and queued releases are recorded: outlives the daemon, not the boot. /run/gingham/cni */
  readonly stateDirectory: string;
  readonly nodeName: string;
  readonly ports: CniPorts;
  readonly clock: Clock;
  readonly timers: Timers;
  /** An ADD, DEL or CHECK may take this long once its turn has come, and may wait as long for it. Default 60000. */
  readonly deadlineMs?: number;
  readonly log?: (line: CniLogLine) => void;
  /** After the work is done, and before it is answered. */
  readonly onDone?: (verb: 'ADD' | 'DEL', attachment: Attachment) => void;
}
export type { CniLogLine };

const DEADLINE_MS = 60_000;
/** A client that does not send its request must not hold a descriptor. */
const IDLE_MS = 10_000;
const MOST_CONNECTIONS = 512;

export class CniServer {
  private readonly options: CniServerOptions;
  private readonly context: CniContext;
  private readonly locks = new KeyedMutex();
  private readonly sockets = new Set<net.Socket>();
  private readonly atWork = new Set<Promise<unknown>>();
  private server: net.Server | undefined;
  private adds = 0;
  private errors = 0;
  /** What was last answered with "try again": the runtime does, and the log shall not say it each time. */
  private lastRefusal: string | undefined;

  /** Reads the records. Throws when the state directory cannot be used. */
  constructor(options: CniServerOptions) {
    this.options = options;
    const log = options.log ?? (() => undefined);
    const directory = options.stateDirectory;
    this.context = {
      nodeName: options.nodeName,
      ports: options.ports,
      clock: options.clock,
      timers: options.timers,
      log,
      workloads: new Workloads(path.join(directory, 'workloads'), (file, why) =>
        log({ level: 'warn', message: `${file} ${why}`, fields: { file } }),
      ),
      releases: new ReleaseQueue(
        path.join(directory, 'releases'),
        (handleId) => options.ports.ipam.release(handleId),
        options.timers,
      ),
    };
  }

  /** Tells `routes` of every workload's route before anything else happens, so that a first sync of the kernel keeps them;
   *  then listens. A socket that a killed daemon left is replaced. */
  async start(): Promise<void> {
    for (const workload of this.workloads()) this.restore(workload);
    this.context.releases.start();
    const { socketPath } = this.options;
    fs.mkdirSync(path.dirname(socketPath), { recursive: true });
    fs.rmSync(socketPath, { force: true });
    const server = net.createServer({ allowHalfOpen: true }, (socket) => this.serve(socket));
    server.maxConnections = MOST_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socketPath, resolve);
    });
    fs.chmodSync(socketPath, 0o600); // whoever may write here may wire any namespace of the node
    this.server = server;
  }

  /** Stops listening and waits for the requests at work. Pods and records stay. */
  async stop(): Promise<void> {
    this.context.releases.stop();
    const { server } = this;
    this.server = undefined;
    const closed = server === undefined ? Promise.resolve() : new Promise((resolve) => server.close(resolve));
    await Promise.allSettled(this.atWork);
    for (const socket of this.sockets) socket.destroySoon();
    await closed;
  }

  /** Pods of this node, for views. */
  workloads(): readonly Workload[] {
    return this.context.workloads.all();
  }

  /** Handles of queued releases that the store has not taken yet, for views. */
  pendingReleases(): readonly string[] {
    return this.context.releases.pending();
  }

  /** The store was heard from: what waits for it is tried soon. */
  storeAnswers(): void {
    this.context.releases.wake();
  }

  /** Since the daemon started: pods connected, and requests that failed; "try again later" is no failure. */
  counters(): { readonly adds: number; readonly errors: number } {
    return { adds: this.adds, errors: this.errors };
  }

  private restore(workload: Workload): void {
    const { address, hostInterface } = podInterface(workload);
    const failed = (why: string): void =>
      this.context.log({
        level: 'warn',
        message: 'the route of a pod cannot be installed',
        fields: { pod: `${workload.namespace}/${workload.pod}`, hostInterface, why },
      });
    this.options.ports.routes
      .want(address, hostInterface)
      .then((reason) => (reason === undefined ? undefined : failed(reason.text)))
      .catch((error: unknown) => failed(toFault(error).msg));
  }

  private serve(socket: net.Socket): void {
    const chunks: Buffer[] = [];
    let bytes = 0;
    this.sockets.add(socket);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    socket.on('error', () => socket.destroy()); // the client is gone; its request goes on, as if the answer was lost
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > LONGEST_MESSAGE_BYTES) socket.destroy();
      else chunks.push(chunk);
    });
    socket.on('end', () => {
      socket.setTimeout(0);
      const work = this.answer(Buffer.concat(chunks).toString('utf8')).then((reply) => {
        if (!socket.destroyed) socket.end(formatJson(reply));
      });
      this.atWork.add(work);
      void work.finally(() => this.atWork.delete(work));
    });
  }

  /** Never rejects: whatever goes wrong is an answer. */
  private async answer(text: string): Promise<CniWireReply> {
    let conf: unknown;
    try {
      const wire: unknown = JSON.parse(text);
      conf = typeof wire === 'object' && wire !== null && 'conf' in wire ? wire.conf : undefined;
      const request = parseCniRequest(wire);
      if (!request.ok) throw new CniError(request.error.code, request.error.msg, request.error.details);
      const startedAt = this.context.clock.now();
      const stdout = await this.dispatch(request.value);
      this.succeeded(request.value, this.context.clock.now() - startedAt);
      return stdout === undefined ? { exit: 0 } : { exit: 0, stdout };
    } catch (error) {
      const fault =
        error instanceof SyntaxError ? { code: CNI_CODE.decodingFailure, msg: error.message } : toFault(error);
      this.failed(fault);
      return { exit: 1, stdout: toErrorBody(answerVersion(conf), fault) };
    }
  }

  private failed(fault: CniFault): void {
    if (fault.code === CNI_CODE.tryAgainLater) {
      if (fault.msg !== this.lastRefusal)
        this.context.log({ level: 'warn', message: fault.msg, fields: { code: fault.code } });
      this.lastRefusal = fault.msg;
      return;
    }
    this.errors++;
    this.context.log({ level: 'error', message: fault.msg, fields: { code: fault.code } });
  }

  /** STATUS and CHECK come every few seconds and change nothing: no line for them. */
  private succeeded(request: CniRequest, tookMs: number): void {
    if (request.verb !== 'ADD' && request.verb !== 'DEL') return;
    if (request.verb === 'ADD') this.adds++;
    this.lastRefusal = undefined;
    this.options.onDone?.(request.verb, request.attachment);
    const { containerId, ifName, pod, hostInterface } = request.attachment;
    this.context.log({
      level: 'info',
      message: request.verb === 'ADD' ? 'pod connected' : 'pod disconnected',
      fields: {
        ...(pod === undefined ? {} : { pod: `${pod.namespace}/${pod.name}` }),
        container: containerId,
        interface: ifName,
        hostInterface,
        tookMs: Math.round(tookMs),
      },
    });
  }

  private async dispatch(request: CniRequest): Promise<object | undefined> {
    const { context } = this;
    switch (request.verb) {
      case 'ADD':
        return this.inTurn(request.attachment, () => add(context, request));
      case 'CHECK':
        return this.inTurn(request.attachment, async () => void (await check(context, request)));
      case 'DEL':
        return this.inTurn(request.attachment, async () => void (await del(context, request.attachment)));
      case 'GC':
        await gc(context, request, (attachment) => this.inTurn(attachment, () => del(context, attachment)));
        return undefined;
      case 'STATUS':
        status(context.ports.readiness(), context.nodeName);
        return undefined;
    }
  }

  /** Two locks, always in this order: the container's interface, and its name on the node, which a pod's old and new
   *  sandbox share. Work whose caller was told to try again while it waited is never begun; begun work is never cut off. */
  private inTurn<T>(attachment: Attachment, work: () => Promise<T>): Promise<T> {
    const name = `container "${attachment.containerId}"`;
    const turn = new Deadline(
      this.options.timers,
      this.options.deadlineMs ?? DEADLINE_MS,
      `${name}: others are at work on it`,
    );
    const held = this.locks.run(`container ${workloadKey(attachment)}`, () =>
      this.locks.run(`interface ${this.hostInterfaceOf(attachment)}`, async () => {
        turn.restart(`${name}: not done yet; it goes on`);
        return await work();
      }),
    );
    return turn.race(held);
  }

  private hostInterfaceOf(attachment: Attachment): string {
    return this.context.workloads.get(attachment)?.hostInterface ?? attachment.hostInterface;
  }
}
