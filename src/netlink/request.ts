/** What the client sends, as a value, and the answer when the kernel refuses. Pure. */
import type { MessageWriter } from './message-writer.ts';

/** One rtnetlink message before it has a sequence number. */
export interface NetlinkRequest {
  readonly type: number;
  /** Beside REQUEST and ACK, which the client sets. */
  readonly flags: number;
  /** For the error's text: "add link cali1". */
  readonly what: string;
  /** The family header and the attributes. */
  readonly body: (w: MessageWriter) => void;
  /** The kernel waits for a grace period (17-20 ms for DELLINK): sent from a thread, or keepalives would wait too. */
  readonly slow?: boolean;
}

/** A refused request: what was asked, the errno as number and name, and the kernel's words where it gave some. */
export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  readonly what: string;
  readonly errno: number;
  /** "EEXIST" */
  readonly code: string;
  readonly text: string;

  constructor(what: string, errno: number, code: string, text: string) {
    super(`${what}: ${code}${text === '' ? '' : ` (${text})`}`);
    this.what = what;
    this.errno = errno;
    this.code = code;
    this.text = text;
  }
}

/** True for a refusal with one of these codes: `isErrno(e, 'EEXIST')`. */
export const isErrno = (e: unknown, ...codes: readonly string[]): e is NetlinkError =>
  e instanceof NetlinkError && codes.includes(e.code);
