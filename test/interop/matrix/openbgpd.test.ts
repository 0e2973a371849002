// needs: root ip openbgpd
/** The matrix's column of openbgpd. */

import { tryDaemon } from './matrix-run.ts';
import { openbgpd } from './openbgpd.ts';

tryDaemon(openbgpd);
