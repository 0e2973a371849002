/** What a BIRD node says of its sessions, by birdc's own protocol on its socket: a line in, coded lines out. */
import net from 'node:net';

const PATIENCE_MS = 2_000;
const MOST_BYTES = 1 << 20;

/** State of each BGP protocol by name: "Established", "Active", ... */
export async function birdSessions(socketPath: string): Promise<ReadonlyMap<string, string>> {
  return parseProtocols(await ask(socketPath, 'show protocols'));
}

function ask(socketPath: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = net.connect(socketPath, () => socket.write(`${command}\n`));
    socket.setTimeout(PATIENCE_MS, () =>
      socket.destroy(new Error(`bird did not answer "${command}" on ${socketPath}`)),
    );
    socket.on('error', reject);
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      // 0000 ends an answer, 8xxx and 9xxx are errors; the greeting is 0001.
      if (/^(?:0000|[89]\d{3})\b.*\n/m.test(text) || text.length > MOST_BYTES) {
        socket.destroy();
        resolve(text);
      }
    });
    socket.on('close', () => reject(new Error(`bird closed ${socketPath} before it had answered "${command}"`)));
  });
}

/** Rows are "1002-node1  BGP  ---  up  12:00:01.123  Established"; from the second on the code is a blank. Pure. */
export function parseProtocols(text: string): ReadonlyMap<string, string> {
  const sessions = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [name, type, , state, , info] = line
      .replace(/^(?:\d{4}[- ]| )/, '')
      .trim()
      .split(/\s+/);
    if (name && type === 'BGP') sessions.set(name, info ?? state ?? 'unknown');
  }
  return sessions;
}
