/** Why TCP ended, for people. Pure. */

export interface TcpReason {
  readonly code: string;
  readonly text: string;
}

/** What a socket said when it closed; nothing is an orderly end. */
export function closedReason(error: NodeJS.ErrnoException | undefined): TcpReason {
  if (error === undefined) return { code: 'TCP_CLOSED', text: 'the peer closed the TCP connection' };
  if (error.code === 'ETIMEDOUT') return { code: 'TCP_TIMEOUT', text: 'TCP gave the connection up (ETIMEDOUT)' };
  const gone = error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH';
  return {
    code: gone ? 'TCP_UNREACHABLE' : 'TCP_CLOSED',
    text: `the TCP connection failed (${error.code ?? error.message})`,
  };
}
