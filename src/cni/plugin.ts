/** The CNI executable: parses, sends, prints. All work is in the daemon; when that is away every verb but VERSION says so,
 *  DEL too, because a silent success would leak the pod's address. Not pure: stdin, stdout, environment, one unix socket.
 *  It is started for every pod, so it imports nothing that costs time. Errors go to stdout with exit status 1. */
import fs from 'node:fs';
import net from 'node:net';
import {
  CNI_CODE,
  type CniErrorBody,
  type CniWireReply,
  DEFAULT_SOCKET,
  ENVIRONMENT,
  LONGEST_MESSAGE_BYTES,
  SUPPORTED_VERSIONS,
} from './protocol.ts';

/** Longer than the daemon's own deadline, so that its answer, which knows more, comes first. */
const PATIENCE_MS = 150_000;
const LATEST = '1.1.0';

function finish(exit: 0 | 1, stdout?: object): void {
  // Not process.exit: stdout may be a pipe that has not taken all of it yet.
  process.exitCode = exit;
  if (stdout !== undefined) process.stdout.write(`${JSON.stringify(stdout)}\n`);
}

function fail(cniVersion: string, code: number, msg: string, details = ''): void {
  const body: CniErrorBody = { cniVersion, code, msg, ...(details === '' ? {} : { details }) };
  finish(1, body);
}

const field = (conf: unknown, name: string): unknown =>
  typeof conf === 'object' && conf !== null ? (conf as Record<string, unknown>)[name] : undefined;

/** A reply is believed only in its whole form: half of one means that the daemon died over it. */
function parseReply(text: string): CniWireReply | undefined {
  try {
    const reply: unknown = JSON.parse(text);
    const exit = field(reply, 'exit');
    const stdout = field(reply, 'stdout');
    if (exit !== 0 && exit !== 1) return undefined;
    return typeof stdout === 'object' && stdout !== null ? { exit, stdout } : { exit };
  } catch {
    return undefined;
  }
}

function ask(socketPath: string, request: string, unavailable: (why: string) => void): void {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  let done = false;
  const end = (report: () => void): void => {
    if (done) return;
    done = true;
    socket.destroy();
    report();
  };
  socket.setTimeout(PATIENCE_MS, () => end(() => unavailable(`gave no answer in ${PATIENCE_MS / 1000} s`)));
  socket.on('connect', () => socket.end(request));
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > LONGEST_MESSAGE_BYTES) end(() => unavailable('answered more than a reply can be'));
    else chunks.push(chunk);
  });
  socket.on('error', (error: NodeJS.ErrnoException) => end(() => unavailable(`${error.code ?? error.message}`)));
  socket.on('end', () =>
    end(() => {
      const reply = parseReply(Buffer.concat(chunks).toString('utf8'));
      if (reply === undefined) unavailable('ended the connection without an answer');
      else finish(reply.exit, reply.stdout);
    }),
  );
}

/** The configuration from stdin, or the failure it led to. */
function readConf(): { readonly conf: unknown } | { readonly code: number; readonly msg: string } {
  let text: string;
  try {
    text = fs.readFileSync(0, 'utf8');
  } catch (error) {
    return { code: CNI_CODE.ioFailure, msg: `the network configuration on stdin cannot be read: ${String(error)}` };
  }
  try {
    return { conf: JSON.parse(text) as unknown };
  } catch (error) {
    return { code: CNI_CODE.decodingFailure, msg: `the network configuration on stdin is not JSON: ${String(error)}` };
  }
}

/** Sends what came; the daemon judges it. */
function forward(env: Readonly<Record<string, string>>): void {
  const read = readConf();
  if ('code' in read) {
    fail(LATEST, read.code, read.msg);
    return;
  }
  const version = field(read.conf, 'cniVersion');
  const given = field(read.conf, 'socket');
  const socketPath = typeof given === 'string' && given !== '' ? given : DEFAULT_SOCKET;
  ask(socketPath, JSON.stringify({ env, conf: read.conf }), (why) =>
    fail(
      typeof version === 'string' ? version : LATEST,
      env.CNI_COMMAND === 'STATUS' ? CNI_CODE.pluginNotAvailable : CNI_CODE.tryAgainLater,
      `the Gingham daemon at ${socketPath} cannot be reached: ${why}`,
      'Check that the daemon runs on this node, and that "socket" in the network configuration is its socket.',
    ),
  );
}

const env: Record<string, string> = {};
for (const name of ENVIRONMENT) {
  const value = process.env[name];
  if (value !== undefined) env[name] = value;
}
if (env.CNI_COMMAND === 'VERSION') finish(0, { cniVersion: LATEST, supportedVersions: SUPPORTED_VERSIONS });
else if (env.CNI_COMMAND !== undefined && env.CNI_COMMAND !== '') forward(env);
else
  fail(
    LATEST,
    CNI_CODE.invalidEnvironment,
    'required env variables [CNI_COMMAND] missing',
    'This is a CNI plugin; a container runtime runs it.',
  );
