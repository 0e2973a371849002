// needs: root ip frr
/** The matrix's column of frr. */
import { frr } from './frr.ts';
import { tryDaemon } from './matrix-run.ts';

tryDaemon(frr);
