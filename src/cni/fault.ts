/** Why a CNI request failed, with the specification's code. Pure. */
import { CNI_CODE, type CniErrorBody } from './protocol.ts';

export interface CniFault {
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

export class CniError extends Error {
  override readonly name = 'CniError';
  readonly fault: CniFault;

  constructor(code: number, msg: string, details?: string) {
    super(msg);
    this.fault = { code, msg, ...(details === undefined ? {} : { details }) };
  }
}

export const toErrorBody = (cniVersion: string, fault: CniFault): CniErrorBody => ({ cniVersion, ...fault });

/** Errors of ipam carry a Reason, those of the kernel a code; what has neither is told by its message alone. */
export function toFault(error: unknown, code: number = CNI_CODE.internal): CniFault {
  if (error instanceof CniError) return error.fault;
  if (!(error instanceof Error)) return { code, msg: String(error) };
  const details = reasonCodeOf(error);
  const transient = 'transient' in error && error.transient === true;
  return {
    code: transient ? CNI_CODE.tryAgainLater : code,
    msg: error.message,
    ...(details === undefined ? {} : { details }),
  };
}

function reasonCodeOf(error: Error): string | undefined {
  const reason = 'reason' in error ? error.reason : error;
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return undefined;
  return typeof reason.code === 'string' ? reason.code : undefined;
}
