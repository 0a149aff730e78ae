/** What the city's page is made of: its own modules, and the console's kit that they stand on. */
import { join } from 'node:path';
import type { Pages } from '../console/api/pages.ts';
import type { FrontEndSource } from '../console/front-end.ts';

/** Paths are those below `gateway/`, so that modules import each other in a browser as on the disk. */
export const citySite: FrontEndSource = {
  root: join(import.meta.dirname, '..'),
  folders: ['console/web', 'platform/web'],
  pages: { 'platform/web/index.html': 'platform/web/main' },
};

/** The paths of web/app.ts. `/health` and `/metrics` are none: they are for balancers and Prometheus (api/health.ts). */
export const cityPages: Pages = {
  paths: ['/', '/campuses', '/campuses/:campus', '/condition', '/system/users', '/setup', '/account'],
  index: 'platform/web/index.html',
};
