/** `npm run bench -- NAME`: measured, as ratios against a peer or a physical limit in the same run. */
import { access } from './access.ts';
import { city } from './city.ts';
import { cityDatabase } from './city-database.ts';
import { consoleBench } from './console.ts';
import { delivery } from './delivery.ts';
import { gb28181 } from './gb28181.ts';
import { idle } from './idle.ts';
import { killed } from './killed.ts';
import { linkage } from './linkage.ts';
import { live } from './live.ts';
import { road } from './road.ts';
import { uplinks } from './uplinks.ts';

const benches: Readonly<Record<string, (args: string[]) => Promise<void>>> = {
  road,
  killed,
  idle,
  delivery,
  uplinks,
  linkage,
  access,
  live,
  gb28181,
  city,
  console: consoleBench,
  'city-database': cityDatabase,
};
// Without a listener a signal ends the process without its 'exit', and what it started stays.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

const [name = '', ...args] = process.argv.slice(2).filter((argument) => argument !== '--');
const bench = benches[name];
if (bench === undefined) {
  process.stderr.write(`npm run bench -- NAME; there are: ${Object.keys(benches).join(', ')}\n`);
  process.exit(2);
}
await bench(args);
process.exit(0);
