/** Where the Debian package has the config, and where a config keeps its data as we write it. */
import { dirname, resolve } from 'node:path';

export const INSTALLED = '/etc/campus-gateway/campus.yaml';

/** What `init` writes as `dataDir` of a config, and the package has in its own. */
export const usualDataDir = (file: string): string =>
  dirname(resolve(file)) === dirname(INSTALLED) ? '/var/lib/campus-gateway' : './data';
