/** The daemon's log: one JSON line per event on standard error, by pino. Never per route at info.
 *  Written asynchronously, so a slow reader of the log stalls no keepalive; `flush` before leaving. */
import pino from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface DaemonLog extends Log {
  setLevel(level: LogLevel): void;
  flush(): void;
}

const STDERR = 2;

export function openLog(node: string, level: LogLevel): DaemonLog {
  const destination = pino.destination({ fd: STDERR, sync: false });
  const log = pino({ level, base: { node }, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    setLevel: (next) => {
      log.level = next;
    },
    flush: () => {
      try {
        destination.flushSync();
      } catch {
        // Not opened yet or already gone: there is nobody left to tell.
      }
    },
  };
}
