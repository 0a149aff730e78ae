/** `npm run bench -- NAME`: measured, as ratios against a peer or a physical limit in the same run. */
import { access } from './access.ts';
import { delivery } from './delivery.ts';
import { idle } from './idle.ts';
import { linkage } from './linkage.ts';
import { live } from './live.ts';
import { road } from './road.ts';
import { uplinks } from './uplinks.ts';

const benches: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  road,
  idle,
  delivery,
  uplinks,
  linkage,
  access,
  live,
};
const [name = '', ...args] = process.argv.slice(2);
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`npm run bench -- NAME; there are: ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
await bench(args);
process.exit(0);
