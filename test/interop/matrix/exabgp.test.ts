// needs: root ip exabgp
/** The matrix's column of exabgp. */
import { exabgp } from './exabgp.ts';
import { tryDaemon } from './matrix-run.ts';

tryDaemon(exabgp);
