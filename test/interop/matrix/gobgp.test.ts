// needs: root ip gobgpd
/** The matrix's column of gobgp. */
import { gobgp } from './gobgp.ts';
import { tryDaemon } from './matrix-run.ts';

tryDaemon(gobgp);
